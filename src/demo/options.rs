//! Command-line options of the demo.

use std::path::PathBuf;

/// The highest speed of the demo's clock: beyond it, people's waits are shorter than a request.
const SPEED_MAX: i64 = 600;

/// The demo's options.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// Simulated seconds per real second; 1 is real time.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=SPEED_MAX))]
    pub speed: u32,
    /// The database file; keys, log and tokens are stored beside it under the same name.
    #[arg(long, default_value = "yumo-demo.db")]
    pub db: PathBuf,
    /// Address and port; if the port is taken, a free one is used.
    #[arg(long, default_value = "127.0.0.1:8080")]
    pub listen: String,
    /// The seed of all simulated decisions.
    #[arg(long, default_value_t = 7)]
    pub seed: u64,
    /// Partners, one branch each.
    #[arg(long, default_value_t = 36, value_parser = clap::value_parser!(u16).range(1..=500))]
    pub partners: u16,
    /// Clients.
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u16).range(1..=5_000))]
    pub clients: u16,
    /// Stops after so many real seconds.
    #[arg(long = "for", value_name = "SECONDS")]
    pub stop_after: Option<u32>,
    /// Prints a line every few seconds instead of a screen; the default where there is no terminal.
    #[arg(long)]
    pub plain: bool,
}
