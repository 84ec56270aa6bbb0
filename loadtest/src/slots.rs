//! Measurement of searches for free slots in a full calendar, on the wire and in the engine.

use crate::metrics::{Buckets, SLOTS};
use crate::options::Slots;
use crate::records::LatencyHistogram;
use crate::report::Report;
use crate::scene::{Scene, policy};
use chrono::{DateTime, DurationRound as _, NaiveDate, SecondsFormat, TimeDelta, Utc};
use client::{ApiError, Page, Request, wall_now};
use futures_util::{StreamExt, TryStreamExt};
use serde::Deserialize;
use serde_json::{Value, json};
use simulator::{Branch, Person};
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// Blocks written concurrently.
const SEEDERS_MAX: usize = 16;
/// The length of a block, minutes.
const BLOCK_MIN: i64 = 25;
/// The interval between block starts, minutes.
const EVERY_MIN: i64 = 45;
/// The offset between the patterns of two bays, minutes: no two bays are alike.
const SHIFT_MIN: i64 = 5;
/// Days ahead a request may begin, all within the horizon.
const AHEAD_DAYS: u32 = 22;

#[derive(Deserialize)]
struct Bay {
    id: String,
}

#[derive(Deserialize)]
struct Free {
    slots: Vec<Value>,
}

/// Runs the measurement.
pub async fn run(options: &Slots) -> Result<Report, String> {
    let count = |n: u32| usize::try_from(n).unwrap_or(0);
    let scene = Scene::set(&options.place, 1, count(options.bays)).await?;
    let branch = scene.simulation.branches().first().ok_or("the simulation has no branch")?;
    let today = wall_now().duration_trunc(TimeDelta::days(1)).map_err(|e| e.to_string())?;
    let began = Instant::now();
    let (bays, blocks) =
        fill(branch, today, options).await.map_err(|trouble| trouble.to_string())?;
    let mut report = Report::default();
    report.say("policy", policy());
    report.say("bays", bays);
    report.say("blocks", blocks);
    report.say("seeding_s", began.elapsed().as_secs());

    let (client, _) = scene.clients(1).await?.pop().ok_or("nobody signed in")?;
    let looks = Looks::of(branch, today.date_naive(), options)?;
    looks.send(&client, options.requests.div_ceil(10), options.connections).await;
    looks.forget();
    let before = Buckets::read(&scene.server.base_urls, SLOTS).await;
    looks.send(&client, options.requests, options.connections).await;
    let engine = Buckets::read(&scene.server.base_urls, SLOTS).await.since(&before);

    report.say("looks", looks.spread().count());
    report.say("slots_seen", looks.seen.load(Relaxed));
    report.spread("slots_http", &looks.spread());
    report.say("slots_engine_count", engine.count());
    for (name, per_mille) in [("p50", 500), ("p99", 990), ("p99.9", 999)] {
        report.say(&format!("slots_engine_{name}_s_at_most"), engine.at(per_mille));
    }
    let bar = Duration::from_millis(options.p99_ms.into());
    if !within(engine.at(990), bar) {
        report.violation(format!("p99 in the engine: {} s, the bar is {bar:?}", engine.at(990)));
    }
    if let Some(what) = looks.broken() {
        report.violation(format!("a look was not answered: {what}"));
    }
    if looks.seen.load(Relaxed) == 0 {
        report.violation("not one slot was seen");
    }
    scene.strike().await?;
    Ok(report)
}

/// Whether a histogram bound in seconds is within the target; an invalid or infinite one is not.
fn within(bound: &str, bar: Duration) -> bool {
    let secs = bound.parse().ok().and_then(|secs| Duration::try_from_secs_f64(secs).ok());
    secs.is_some_and(|secs| secs <= bar)
}

/// Blocks every bay in a pattern; existing blocks stay unchanged.
async fn fill(
    branch: &Branch,
    today: DateTime<Utc>,
    options: &Slots,
) -> Result<(usize, usize), ApiError> {
    let owner = &branch.owner;
    let bays = owner.read::<Page<Bay>>(&Request::get("/v1/partner/bays")).await?.items;
    let per_bay = i64::from(options.days) * 24 * 60 / EVERY_MIN;
    let now = wall_now();
    let mut wanted = Vec::new();
    for (shift, bay) in (0_i64..).zip(&bays) {
        for n in 0..per_bay {
            let from = today + TimeDelta::minutes(shift * SHIFT_MIN % EVERY_MIN + n * EVERY_MIN);
            let until = from + TimeDelta::minutes(BLOCK_MIN);
            if until > now {
                let text = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Secs, true);
                let (from, until) = (text(from), text(until));
                wanted.push(json!({"bay_id": bay.id, "starts_at": from, "ends_at": until}));
            }
        }
    }
    let seeding = wanted.iter().map(|block| async move {
        match owner.done(&Request::post("/v1/partner/blocks", block)).await {
            Err(ApiError::Refused(problem)) if problem.code == "bay_taken" => Ok(()),
            done => done,
        }
    });
    let done: Vec<()> =
        futures_util::stream::iter(seeding).buffer_unordered(SEEDERS_MAX).try_collect().await?;
    Ok((bays.len(), done.len()))
}

/// The requests and their measurements.
struct Looks {
    path: String,
    from: NaiveDate,
    days: u32,
    spread: Mutex<LatencyHistogram>,
    seen: AtomicU64,
    broken: Mutex<Option<String>>,
}

impl Looks {
    fn of(branch: &Branch, from: NaiveDate, options: &Slots) -> Result<Self, String> {
        // Twenty minutes: the gap between two blocks.
        let service = branch.services.iter().find(|service| service.code == "wash.body");
        let service = service.ok_or("the branch does not wash")?;
        let path = format!(
            "/v1/client/partners/{}/slots?services={}&class=sedan&days={}",
            branch.id, service.id, options.look_days
        );
        let (spread, seen, broken) = (Mutex::default(), AtomicU64::default(), Mutex::default());
        Ok(Self { path, from, days: options.days.min(AHEAD_DAYS), spread, seen, broken })
    }

    /// Sends so many requests, each for another day.
    async fn send(&self, client: &Person, count: u32, connections: u32) {
        let looks = (0..count).map(|n| self.look(client, n));
        let at_once = usize::try_from(connections).unwrap_or(1);
        futures_util::stream::iter(looks).buffer_unordered(at_once).collect::<Vec<()>>().await;
    }

    async fn look(&self, client: &Person, n: u32) {
        let date = self.from + TimeDelta::days((1 + n % self.days).into());
        let request = Request::get(format!("{}&date={date}", self.path));
        let began = Instant::now();
        match client.read::<Free>(&request).await {
            Ok(free) => {
                let took = began.elapsed();
                self.spread.lock().unwrap_or_else(PoisonError::into_inner).record(took);
                self.seen.fetch_add(u64::try_from(free.slots.len()).unwrap_or(0), Relaxed);
            }
            Err(trouble) => {
                let mut broken = self.broken.lock().unwrap_or_else(PoisonError::into_inner);
                broken.get_or_insert_with(|| trouble.to_string());
            }
        }
    }

    fn forget(&self) {
        *self.spread.lock().unwrap_or_else(PoisonError::into_inner) = LatencyHistogram::default();
        self.seen.store(0, Relaxed);
    }

    fn spread(&self) -> LatencyHistogram {
        self.spread.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn broken(&self) -> Option<String> {
        self.broken.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_passed_above_it_alone() {
        let bar = Duration::from_millis(2);
        assert!(within("0.002", bar) && within("0.0005", bar));
        assert!(!within("0.0025", bar) && !within("+Inf", bar) && !within("-", bar));
    }
}
