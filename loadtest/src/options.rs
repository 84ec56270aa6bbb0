//! The command line: what to measure, where, with how much load and for how long; all bounded.

use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

/// Measures a yumo engine on this machine.
#[derive(Debug, Parser)]
#[command(name = "loadtest", about)]
pub struct Options {
    /// What to measure.
    #[command(subcommand)]
    pub what: Measurement,
}

/// The measurements.
#[derive(Debug, Subcommand)]
pub enum Measurement {
    /// Whole orders: place, accept, depart, arrive by code, admit, complete.
    Orders(Orders),
    /// The simulator, sped up: every kind of action, refusal and ending; books and feeds are
    /// checked.
    Life(Lifelike),
    /// Very many clients request the same few starts at the same moment; exactly as many are booked
    /// as there are bays, and every other client gets a reason and alternatives.
    Storm(Storm),
    /// The server's memory per idle authenticated socket.
    Idle(Idle),
    /// Free slots of a partner whose calendar is full of blocks.
    Slots(Slots),
}

/// The engine under measurement.
#[derive(Debug, Clone, Args)]
pub struct EngineAddress {
    /// A running server, by its loopback address; repeat for several nodes.
    #[arg(long, required_unless_present = "spawn", conflicts_with = "spawn")]
    pub base_url: Vec<String>,
    /// The running server's JSON log, to read one-time codes from.
    #[arg(long, requires = "base_url")]
    pub server_log: Option<PathBuf>,
    /// The yumo binary: start a server for the measurement and stop it afterwards.
    #[arg(long)]
    pub spawn: Option<PathBuf>,
    /// Its database; a fresh SQLite file when left out.
    #[arg(long, requires = "spawn")]
    pub database_url: Option<String>,
    /// Its Redis; none when left out.
    #[arg(long, requires = "spawn")]
    pub redis_url: Option<String>,
    /// Further settings for it, `YUMO__SECTION__KEY=value`.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub settings: Vec<String>,
    /// The seed of all decisions.
    #[arg(long, default_value_t = 7)]
    pub seed: u64,
    /// The phone of the support agent; created when the server is started here.
    #[arg(long, default_value = "+994500000000")]
    pub support_phone: String,
}

/// Orders throughput.
#[derive(Debug, Clone, Args)]
pub struct Orders {
    /// The engine under measurement.
    #[command(flatten)]
    pub place: EngineAddress,
    /// Clients, each with one car and so at most one open order.
    #[arg(long, default_value_t = 192, value_parser = clap::value_parser!(u32).range(1..=20_000))]
    pub clients: u32,
    /// Partners, one branch each.
    #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u32).range(1..=500))]
    pub partners: u32,
    /// Commands a second at fixed intended starts (open loop); 0: `connections` commands in flight
    /// (closed loop).
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=100_000))]
    pub rate: u32,
    /// Commands in flight in a closed loop.
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u32).range(1..=4_096))]
    pub connections: u32,
    /// Seconds measured.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=3_600))]
    pub seconds: u32,
    /// Seconds of warm-up before the measurement.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(0..=600))]
    pub warm_up: u32,
    /// Clients who follow their feed; all when left out. Branches always follow theirs.
    #[arg(long)]
    pub sockets: Option<u32>,
    /// Follow no feeds: commands alone.
    #[arg(long)]
    pub deaf: bool,
    /// Further authenticated sockets that receive no events.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=19_000))]
    pub idle_sockets: u32,
    /// Offers of a thousand left to expire, so that timers fire.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=1_000))]
    pub ignore_per_mille: u32,
}

/// The simulator.
#[derive(Debug, Clone, Args)]
pub struct Lifelike {
    /// The engine under measurement.
    #[command(flatten)]
    pub place: EngineAddress,
    /// Clients.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=5_000))]
    pub clients: u32,
    /// Partners, one branch each.
    #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u32).range(1..=500))]
    pub partners: u32,
    /// How many times faster than real life people act; the server's clock may stay real.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub hurry: u32,
    /// Seconds measured.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=3_600))]
    pub seconds: u32,
}

/// Many clients for the same starts.
#[derive(Debug, Clone, Args)]
pub struct Storm {
    /// The engine under measurement; its branches must have no bookings yet.
    #[command(flatten)]
    pub place: EngineAddress,
    /// Clients, each with one car and one order request.
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(1..=20_000))]
    pub clients: u32,
    /// Branches requested.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=8))]
    pub partners: u32,
    /// Bays of each.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=50))]
    pub bays: u32,
    /// Starts requested, an hour apart; bays times starts are booked at each branch.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=48))]
    pub starts: u32,
    /// Clients who follow their feed; all when left out. Branches always follow theirs.
    #[arg(long)]
    pub sockets: Option<u32>,
    /// Follow no feeds: requests alone.
    #[arg(long)]
    pub deaf: bool,
}

/// Idle sockets.
#[derive(Debug, Clone, Args)]
pub struct Idle {
    /// The engine under measurement; its memory is read only when it is started here.
    #[command(flatten)]
    pub place: EngineAddress,
    /// How many sockets, each of a person of its own.
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(1..=19_000))]
    pub sockets: u32,
    /// Seconds they are held.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=3_600))]
    pub seconds: u32,
}

/// Free slots.
#[derive(Debug, Clone, Args)]
pub struct Slots {
    /// The engine under measurement.
    #[command(flatten)]
    pub place: EngineAddress,
    /// Bays of the partner.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub bays: u32,
    /// Days full of blocks: 25 minutes of every 45 of every bay.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=365))]
    pub days: u32,
    /// Requests, after a tenth as many that are not measured.
    #[arg(long, default_value_t = 10_000)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub requests: u32,
    /// Requests in flight.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_024))]
    pub connections: u32,
    /// Days in one request.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=7))]
    pub look_days: u32,
    /// The target: ninety-nine of a hundred requests within so many milliseconds in the engine.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub p99_ms: u32,
}

impl EngineAddress {
    /// Refuses every address that is not this machine.
    pub fn check(&self) -> Result<(), String> {
        let urls = self.base_url.iter().chain(&self.database_url).chain(&self.redis_url);
        for url in urls {
            if !is_loopback(url) {
                return Err(format!("{} is not on this machine: loopback only", host_of(url)));
            }
        }
        if self.base_url.is_empty() || self.server_log.is_some() {
            return Ok(());
        }
        Err("--base-url needs --server-log: people sign in with codes from it".to_owned())
    }
}

/// The host of a URL; empty for a file or a socket in a folder.
fn host_of(url: &str) -> &str {
    if url.starts_with("sqlite:") {
        return "";
    }
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    if host.starts_with('[') {
        return host.split_once(']').map_or(host, |(host, _)| host.trim_start_matches('['));
    }
    host.split_once(':').map_or(host, |(host, _)| host)
}

fn is_loopback(url: &str) -> bool {
    // A host hidden in a query would not be seen by `host_of`.
    let hidden = url.split_once('?').is_some_and(|(_, query)| {
        query.split('&').any(|pair| pair.strip_prefix("host=").is_some_and(|host| !is_here(host)))
    });
    !hidden && is_here(host_of(url))
}

fn is_here(host: &str) -> bool {
    let folder = host.is_empty() || host.starts_with('/') || host.to_lowercase().starts_with("%2f");
    folder
        || host == "localhost"
        || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::is_loopback;

    #[test]
    fn only_this_machine_is_measured() {
        for here in [
            "http://127.0.0.1:8080",
            "http://localhost",
            "http://[::1]:80/x",
            "postgres://me@127.0.0.2:5432/yumo",
            "postgres://me@/yumo?host=/tmp/x",
            "sqlite://yumo.db?mode=rwc",
        ] {
            assert!(is_loopback(here), "{here}");
        }
        for away in [
            "http://yumo.az",
            "http://10.0.0.1:8080",
            "http://127.0.0.1@example.com/",
            "http://127.0.0.1.example.com/",
            "postgres://me@/yumo?host=db.example.com",
        ] {
            assert!(!is_loopback(away), "{away}");
        }
    }
}
