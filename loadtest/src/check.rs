//! The violations that a measurement found.

use crate::feeds::Feeds;
use crate::report::Report;
use crate::scene::Scene;
use simulator::read_proof;

/// Reports violations found in the books, the feeds and the statistics.
pub async fn check(report: &mut Report, scene: &Scene, feeds: &Feeds) {
    for missing in feeds.missing(&scene.stop).await {
        report.violation(missing);
    }
    match read_proof(scene.simulation.support()).await {
        Ok(is_ok) => report.say("proof_ok", is_ok),
        Err(trouble) => report.violation(format!("the proof could not be read: {trouble}")),
    }
    let census = scene.simulation.census();
    for violation in census.violations() {
        report.violation(violation);
    }
    let figures = census.figures();
    report.say("events_heard", figures.events);
    report.say("reconnections", figures.reconnections);
    report.say("odd_answers", figures.odd_answers);
}
