//! Load measurements: percentiles from the intended start, with the books and feeds checked at the
//! end.
//!
//! Exit code 0 when every invariant held, 1 when one was violated, 2 when nothing could be
//! measured.

mod check;
mod cpu;
mod feeds;
mod idle;
mod life;
mod lifelike;
mod load;
mod metrics;
mod options;
mod orders;
mod records;
mod report;
mod scene;
mod server;
mod slots;
mod storm;

use clap::Parser;
use options::{Measurement, Options};
use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    let done = match options.what {
        Measurement::Orders(orders) => orders::run(&orders).await,
        Measurement::Life(life) => lifelike::run(&life).await,
        Measurement::Storm(it) => storm::run(&it).await,
        Measurement::Idle(idle) => idle::run(&idle).await,
        Measurement::Slots(slots) => slots::run(&slots).await,
    };
    match done {
        Ok(report) => {
            report.print();
            if report.is_clean() { ExitCode::SUCCESS } else { ExitCode::from(1) }
        }
        Err(why) => {
            eprintln!("loadtest: {why}");
            ExitCode::from(2)
        }
    }
}
