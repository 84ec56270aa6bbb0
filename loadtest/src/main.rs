//! Load measurements: percentiles from the intended start, with the books and feeds checked at the
//! end.
//!
//! Exit code 0 when every invariant held, 1 when one was violated, 2 when nothing could be
//! measured.

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
use options::{Options, What};
use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    let done = match options.what {
        What::Orders(orders) => orders::run(&orders).await,
        What::Life(life) => lifelike::run(&life).await,
        What::Storm(it) => storm::run(&it).await,
        What::Idle(idle) => idle::run(&idle).await,
        What::Slots(slots) => slots::run(&slots).await,
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
