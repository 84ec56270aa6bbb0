//! Measurement of order throughput: complete orders across many clients and partners, with events
//! to both sides and the books checked.

use crate::check::check;
use crate::cpu;
use crate::feeds::Feeds;
use crate::idle::open_sockets;
use crate::life::Life;
use crate::load::{Load, Window};
use crate::metrics::{Buckets, LATENESS};
use crate::options::Orders;
use crate::report::Report;
use crate::scene::{Scene, policy};
use client::{Audience, Car, Start, wall_now};
use simulator::Person;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;
use tokio::time::Instant;

/// Runs the measurement.
pub async fn run(options: &Orders) -> Result<Report, String> {
    let [clients, partners, idle] = [options.clients, options.partners, options.idle_sockets]
        .map(|n| usize::try_from(n).unwrap_or(0));
    let scene = Scene::set(&options.place, partners, clients.div_ceil(partners.max(1)) + 2).await?;
    let people = scene.clients(clients).await?;
    let mut feeds = Feeds::new();
    if !options.deaf {
        follow(&mut feeds, &scene, &people, options.sockets);
    }
    let held = open_sockets(scene.listeners(clients, idle).await?).await?;
    let load = Load::of(
        lives(&scene, &people)?,
        options.ignore_per_mille,
        options.place.seed,
        &scene.stop,
    );

    let began = Instant::now();
    let from = began + Duration::from_secs(options.warm_up.into());
    let window = Window { from, until: from + Duration::from_secs(options.seconds.into()) };
    let lateness_before = Buckets::read(&scene.server.base_urls, LATENESS).await;
    let watch = watch_window(&scene, &feeds, window);
    let work = async {
        if options.rate == 0 {
            load.closed(options.connections, window).await;
        } else {
            load.open(options.rate, began, window).await;
        }
    };
    let (used, ()) = tokio::join!(watch, work);

    let mut report = Report::default();
    report.say("policy", policy());
    let tally = load.records.tally();
    report.tally(&tally, options.seconds);
    for (who, used) in ["server", "generator"].into_iter().zip(used) {
        if let Some(used) = used {
            let per_command = used.as_micros() / u128::from(tally.yes.max(1));
            report.say(&format!("{who}_cpu_us_per_command"), per_command);
        }
    }
    for (what, times) in load.troubles() {
        report.say("trouble", format!("{times} × {what}"));
    }
    report.say("ignored_offers", load.ignored.load(Relaxed));
    say_feeds(&mut report, &feeds);
    let lateness = Buckets::read(&scene.server.base_urls, LATENESS).await.since(&lateness_before);
    say_lateness(&mut report, &lateness);
    if tally.yes == 0 {
        report.violation("not one command was done");
    }
    check(&mut report, &scene, &feeds).await;
    report.say("idle_sockets", held.len());
    drop(held);
    scene.strike().await?;
    Ok(report)
}

/// Every branch and the first clients follow their feeds.
pub fn follow(
    feeds: &mut Feeds,
    scene: &Scene,
    people: &[(Arc<Person>, Car)],
    sockets: Option<u32>,
) {
    // A server started here has empty feeds: every number from the first must arrive.
    let start = if scene.server.pid().is_some() { Start::After(0) } else { Start::Snapshot };
    for branch in scene.simulation.branches() {
        feeds.follow(&branch.owner, &Audience::Branch(branch.id.clone()), start);
    }
    let sockets = sockets.map_or(people.len(), |count| usize::try_from(count).unwrap_or(0));
    for (client, _) in people.iter().take(sockets) {
        feeds.follow(client, &Audience::Client, start);
    }
}

fn lives(scene: &Scene, people: &[(Arc<Person>, Car)]) -> Result<Vec<Life>, String> {
    let branches: Vec<_> = scene.simulation.branches().iter().cloned().map(Arc::new).collect();
    let pairs = people.iter().zip(branches.iter().cycle());
    pairs
        .map(|((client, car), branch)| Life::new(client.clone(), car, branch.clone(), branch.point))
        .collect()
}

/// Starts the subscribers' measurement with the window; returns the processor time that the server
/// and this generator used in it.
async fn watch_window(scene: &Scene, feeds: &Feeds, window: Window) -> [Option<Duration>; 2] {
    let wait = |until: Instant| until.saturating_duration_since(Instant::now());
    let used = || [scene.server.pid(), Some(std::process::id())].map(|pid| pid.and_then(cpu::used));
    scene.stop.rest(wait(window.from)).await;
    feeds.measure_from(wall_now());
    let [server, generator] = used();
    scene.stop.rest(wait(window.until)).await;
    let [server_then, generator_then] = used();
    let since = |then: Option<Duration>, before: Option<Duration>| then?.checked_sub(before?);
    [since(server_then, server), since(generator_then, generator)]
}

fn say_feeds(report: &mut Report, feeds: &Feeds) {
    let told = feeds.told();
    report.say("feeds_followed", feeds.count());
    report.spread("told_client", &told.client);
    report.spread("told_branch", &told.branch);
    report.spread("told_both", &told.both);
}

fn say_lateness(report: &mut Report, lateness: &Buckets) {
    report.say("timers_fired", lateness.count());
    if lateness.count() > 0 {
        report.say("timer_lateness_p50_s_at_most", lateness.at(500));
        report.say("timer_lateness_p99_s_at_most", lateness.at(990));
    }
}
