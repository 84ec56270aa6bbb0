//! Measurement of contention: very many clients request the same few starts at the same moment.
//! Exactly as many are booked as there are bays; everybody else gets a reason and alternatives.

use crate::check::check;
use crate::feeds::Feeds;
use crate::options::Storm;
use crate::orders::follow;
use crate::records::LatencyHistogram;
use crate::report::Report;
use crate::scene::{Scene, policy};
use client::{ApiError, Car, Kind, Order, Problem, Request, wall_now};
use serde::Deserialize;
use serde_json::{Value, json};
use simulator::{Branch, Person};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// The service everybody requests; it takes less than the time between two starts.
const SERVICE: &str = "wash.body";
/// Seconds between two starts.
const STEP_SECS: i64 = 3_600;
/// The minimum time until the first start, seconds: long enough that no deadline to answer passes
/// during the measurement.
const AHEAD_SECS: i64 = 4 * 3_600;
/// How far the clients are from the branch, metres north and east.
const HOME_M: (i32, i32) = (1_800, 1_300);
/// Rows of a page.
const PAGE_ROWS: usize = 200;
/// Pages of a branch's orders read at most.
const PAGES_MAX: usize = 200;

/// A client and the start it requests.
struct SlotWanted {
    client: Arc<Person>,
    body: Value,
}

/// The outcome of one request.
struct Fate {
    took: Duration,
    answer: Result<Order, ApiError>,
}

/// The outcomes of all requests.
#[derive(Default)]
struct Outcome {
    held: LatencyHistogram,
    refused: LatencyHistogram,
    reasons: BTreeMap<String, u64>,
    fewest_alternatives: Option<usize>,
    wrong: Vec<String>,
}

#[derive(Deserialize)]
struct Now {
    server_now: chrono::DateTime<chrono::Utc>,
}

/// Runs the measurement.
pub async fn run(options: &Storm) -> Result<Report, String> {
    let [clients, partners, bays, starts] =
        [options.clients, options.partners, options.bays, options.starts]
            .map(|n| usize::try_from(n).unwrap_or(0));
    let places = partners * bays * starts;
    if clients / (partners * starts).max(1) < bays {
        return Err(format!("{clients} clients do not fill {places} places: it would be no storm"));
    }
    let scene = Scene::set(&options.place, partners, bays).await?;
    let people = scene.clients(clients).await?;
    let mut feeds = Feeds::new();
    if !options.deaf {
        follow(&mut feeds, &scene, &people, options.sockets);
    }
    let wishes = wishes(&scene, &people, starts).await?;
    feeds.measure_from(wall_now());
    let began = Instant::now();
    let fates = storm(wishes).await?;
    let lasted = began.elapsed();

    let mut report = Report::default();
    report.say("policy", policy());
    let outcome = Outcome::of(&fates);
    report.say("clients", clients);
    report.say("places", places);
    report.say("held", outcome.held.count());
    report.say("refused", outcome.refused.count());
    report.say("storm_ms", lasted.as_millis());
    report.spread("held", &outcome.held);
    report.spread("refused", &outcome.refused);
    for (reason, times) in &outcome.reasons {
        report.say("refusal", format!("{times} × {reason}"));
    }
    if let Some(fewest) = outcome.fewest_alternatives {
        report.say("fewest_alternatives", fewest);
    }
    for wrong in outcome.wrong {
        report.violation(wrong);
    }
    if outcome.held.count() != u64::try_from(places).unwrap_or(0) {
        report.violation(format!("{} held, and there are {places} places", outcome.held.count()));
    }
    for branch in scene.simulation.branches() {
        calendar(&mut report, branch, bays * starts).await?;
    }
    check(&mut report, &scene, &feeds).await;
    scene.strike().await?;
    Ok(report)
}

/// Assigns branches and starts to clients in turn, so that each is requested equally often.
async fn wishes(
    scene: &Scene,
    people: &[(Arc<Person>, Car)],
    starts: usize,
) -> Result<Vec<SlotWanted>, String> {
    let branches = scene.simulation.branches();
    let first = branches.first().ok_or("the simulation has no branch")?;
    let asked = first.owner.read(&Request::get("/v1/partner/branch")).await;
    let Now { server_now } = asked.map_err(|trouble| format!("what time it is: {trouble}"))?;
    let base = server_now.timestamp() + AHEAD_SECS;
    let base = base - base.rem_euclid(STEP_SECS) + STEP_SECS;
    let wish = |(number, (client, car)): (usize, &(Arc<Person>, Car))| {
        let branch = branches.get(number % branches.len()).ok_or("the simulation has no branch")?;
        let hour = i64::try_from(number / branches.len() % starts).unwrap_or(0);
        let start = chrono::DateTime::from_timestamp(base + hour * STEP_SECS, 0);
        let (service, total) = offered(branch, &car.class)?;
        let body = json!({
            "kind": "booking", "partner_id": branch.id, "car_id": car.id,
            "service_ids": [service], "origin": branch.point.moved(HOME_M.0, HOME_M.1),
            "shown_total": total, "starts_at": start,
        });
        Ok(SlotWanted { client: Arc::clone(client), body })
    };
    people.iter().enumerate().map(wish).collect()
}

fn offered<'a>(branch: &'a Branch, class: &str) -> Result<(&'a str, i64), String> {
    let service = branch.services.iter().find(|service| service.code == SERVICE);
    let price = service.and_then(|service| {
        let price = service.prices.iter().find(|price| price.class == class)?;
        Some((service.id.as_str(), price.price.amount()))
    });
    price.ok_or(format!("{} has no {SERVICE} for a {class}", branch.name))
}

/// Sends all requests at once.
async fn storm(wishes: Vec<SlotWanted>) -> Result<Vec<Fate>, String> {
    let (go, _) = watch::channel(false);
    let mut crowd = JoinSet::new();
    for SlotWanted { client, body } in wishes {
        let mut gone = go.subscribe();
        crowd.spawn(async move {
            let request = Request::post("/v1/client/orders", &body);
            // An error means that the sender was dropped: then it begins as well.
            let _begins = gone.wait_for(|gone| *gone).await.is_ok();
            let began = Instant::now();
            let answer = client.order(&request).await;
            Fate { took: began.elapsed(), answer }
        });
    }
    go.send_replace(true);
    let mut fates = Vec::new();
    while let Some(fate) = crowd.join_next().await {
        fates.push(fate.map_err(|fault| format!("the crowd: {fault}"))?);
    }
    Ok(fates)
}

impl Outcome {
    fn of(fates: &[Fate]) -> Self {
        let mut outcome = Self::default();
        for Fate { took, answer } in fates {
            match answer {
                Ok(order) if order.kind == Kind::Booking => outcome.held.record(*took),
                Ok(order) => outcome.wrong.push(format!("{} is no booking", order.code)),
                Err(ApiError::Refused(problem)) => {
                    outcome.refused.record(*took);
                    outcome.refusal(problem);
                }
                Err(trouble) => outcome.wrong.push(format!("without an answer: {trouble}")),
            }
        }
        outcome
    }

    /// Checks that a refusal has a reason and names alternatives.
    fn refusal(&mut self, problem: &Problem) {
        let Problem { status, code, detail, alternatives, .. } = problem;
        *self.reasons.entry(format!("{status} {code}")).or_default() += 1;
        let fewest = self.fewest_alternatives.unwrap_or(usize::MAX).min(alternatives.len());
        self.fewest_alternatives = Some(fewest);
        if code != "slot_taken" || detail.is_empty() || alternatives.is_empty() {
            let free = alternatives.len();
            self.wrong.push(format!("refused: {status} {code}, {free} alternatives: {detail}"));
        }
    }
}

/// Checks the branch's calendar: each bay and start is booked exactly once.
async fn calendar(report: &mut Report, branch: &Branch, places: usize) -> Result<(), String> {
    let mut taken = BTreeSet::new();
    let path = format!("/v1/partner/orders?open=true&limit={PAGE_ROWS}");
    let orders: Result<Vec<Order>, _> = branch.owner.list(&path, PAGES_MAX).await;
    let orders = orders.map_err(|trouble| format!("{}'s orders: {trouble}", branch.name))?;
    for order in orders.into_iter().filter(|order| order.kind == Kind::Booking) {
        let bay = order.place.map(|place| place.bay_id).unwrap_or_default();
        if !taken.insert((bay.clone(), order.starts_at)) {
            let start = order.starts_at.unwrap_or_default();
            report.violation(format!("{}: bay {bay} is held twice at {start}", branch.name));
        }
    }
    if taken.len() != places {
        let held = taken.len();
        report.violation(format!("{}: {held} bays and starts held of {places}", branch.name));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::Outcome;
    use client::{Problem, Slot};

    #[test]
    fn a_no_without_a_reason_or_another_slot_is_wrong() {
        let at = chrono::DateTime::UNIX_EPOCH;
        let free = Slot { starts_at: at, ends_at: at };
        let said = |code: &str, alternatives: Vec<Slot>| Problem {
            status: 409,
            code: code.to_owned(),
            detail: "The slot is gone".to_owned(),
            alternatives,
            ..Problem::default()
        };
        let mut outcome = Outcome::default();
        outcome.refusal(&said("slot_taken", vec![free; 3]));
        assert!(outcome.wrong.is_empty());
        outcome.refusal(&said("slot_taken", Vec::new()));
        outcome.refusal(&said("too_many", vec![free]));
        assert_eq!(outcome.wrong.len(), 2);
        assert_eq!(outcome.fewest_alternatives, Some(0));
        assert_eq!(outcome.reasons.get("409 slot_taken"), Some(&2));
    }
}
