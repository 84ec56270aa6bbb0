//! A sped-up run of the simulator: a day's actions in minutes, with the invariants checked at the
//! end.

use crate::options::Lifelike;
use crate::report::Report;
use crate::scene::policy;
use crate::server::Server;
use client::stop_pair;
use serde_json::Value;
use simulator::{Config, Figures, Simulation, read_proof};
use std::time::Duration;

/// Initial credit of a branch: low enough that branches request credit from support, qəpik.
const CREDIT_QEPIK: i64 = 3_000;

/// Runs the measurement.
pub async fn run(options: &Lifelike) -> Result<Report, String> {
    let place = &options.place;
    let server = Server::open(place).await?;
    let count = |n: u32| usize::try_from(n).unwrap_or(0);
    let config = Config {
        base_urls: server.base_urls.clone(),
        seed: place.seed,
        partners: count(options.partners),
        clients: count(options.clients),
        speed: options.hurry.into(),
        support_phone: place.support_phone.clone(),
        credit_qepik: CREDIT_QEPIK,
        policy: Some(policy()),
        ..Config::default()
    };
    let (switch, stop) = stop_pair();
    let simulation = Simulation::set_up(config, server.codes.clone(), stop).await;
    let simulation =
        simulation.map_err(|trouble| format!("setting up the simulation: {trouble}"))?;
    let census = simulation.census();
    let support = simulation.support().clone();
    let living = tokio::spawn(simulation.run());
    let (_never, seconds) = stop_pair();
    seconds.rest(Duration::from_secs(options.seconds.into())).await;

    let mut report = Report::default();
    report.say("policy", policy());
    let read = read_proof(&support).await;
    switch.send_replace(true);
    living.await.map_err(|fault| format!("the simulation: {fault}"))?;
    match read {
        Ok(is_ok) => report.say("proof_ok", is_ok),
        Err(trouble) => report.violation(format!("the proof could not be read: {trouble}")),
    }
    say_figures(&mut report, &census.figures());
    for (code, times) in census.refusals() {
        report.say("refusal", format!("{times} × {code}"));
    }
    let millis = |per_mille| census.command.at(per_mille).as_millis();
    report.say("command_p50_ms", millis(500));
    report.say("command_p99_ms", millis(990));
    for violation in census.violations() {
        report.violation(violation);
    }
    server.stop().await?;
    Ok(report)
}

fn say_figures(report: &mut Report, figures: &Figures) {
    if let Ok(Value::Object(figures)) = serde_json::to_value(figures) {
        for (name, value) in figures {
            report.say(&name, value);
        }
    }
}
