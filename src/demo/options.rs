//! What the demo may be told on the command line.

use std::path::PathBuf;

/// How fast the demo's time may run at most: beyond it, people's waits are shorter than a request.
const SPEED_MAX: i64 = 600;

/// The demo's options.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// Seconds of the town that pass in a real one; 1 is real time.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=SPEED_MAX))]
    pub speed: u32,
    /// The database; keys, log and tokens lie beside it under the same name.
    #[arg(long, default_value = "yumo-demo.db")]
    pub db: PathBuf,
    /// Address and port; a free port is taken where this one is not.
    #[arg(long, default_value = "127.0.0.1:8080")]
    pub listen: String,
    /// The seed of everybody's decisions.
    #[arg(long, default_value_t = 7)]
    pub seed: u64,
    /// Partners, one branch each.
    #[arg(long, default_value_t = 36, value_parser = clap::value_parser!(u16).range(1..=500))]
    pub partners: u16,
    /// Clients.
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u16).range(1..=5_000))]
    pub clients: u16,
    /// Stops by itself after so many real seconds.
    #[arg(long = "for", value_name = "SECONDS")]
    pub stop_after: Option<u32>,
    /// A line every few seconds instead of a screen; so it is anyway where nobody looks at one.
    #[arg(long)]
    pub plain: bool,
}
