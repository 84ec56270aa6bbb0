//! The report: lines of `name=value`, readable by people and scripts, then the violations.

use crate::records::{COMMANDS, CommandTally, LatencyHistogram};
use std::time::Duration;

/// The figures and violations of a measurement.
#[derive(Debug, Default)]
pub struct Report {
    lines: Vec<String>,
    violations: Vec<String>,
}

impl Report {
    /// Adds a figure.
    pub fn say(&mut self, name: &str, value: impl std::fmt::Display) {
        self.lines.push(format!("{name}={value}"));
    }

    /// Adds the percentiles of a histogram, in milliseconds.
    pub fn spread(&mut self, name: &str, spread: &LatencyHistogram) {
        if spread.count() == 0 {
            return;
        }
        let (p50, p99) = (millis(spread.at(500)), millis(spread.at(990)));
        let (p999, max) = (millis(spread.at(999)), millis(spread.max()));
        let count = spread.count();
        self.lines
            .push(format!("{name}_ms count={count} p50={p50} p99={p99} p99.9={p999} max={max}"));
    }

    /// Adds the commands of a window of so many seconds.
    pub fn tally(&mut self, tally: &CommandTally, seconds: u32) {
        self.say("commands", tally.yes);
        self.say("commands_per_s", tally.yes / u64::from(seconds.max(1)));
        self.say("refused", tally.no);
        self.say("broken", tally.broken);
        self.spread("command", &tally.all);
        for (command, spread) in COMMANDS.iter().zip(&tally.by_command) {
            self.spread(&format!("command.{}", command.name()), spread);
        }
        self.spread("generator_late", &tally.generator);
    }

    /// Adds a violation of an invariant.
    pub fn violation(&mut self, what: impl Into<String>) {
        self.violations.push(what.into());
    }

    /// Whether there are no violations.
    pub fn is_clean(&self) -> bool {
        self.violations.is_empty()
    }

    /// Prints it.
    pub fn print(&self) {
        for line in &self.lines {
            println!("{line}");
        }
        for violation in &self.violations {
            println!("VIOLATION {violation}");
        }
        println!("violations={}", self.violations.len());
    }
}

/// Milliseconds with three digits after the point.
fn millis(time: Duration) -> String {
    let micros = time.as_micros();
    format!("{}.{:03}", micros / 1000, micros % 1000)
}
