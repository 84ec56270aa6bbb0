//! Deadlines in real time: acceptances sent right at the end of their offers, and timers that fire
//! by themselves.

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::city::{Branch, COMMISSION, City, Client, as_staff};
use crate::ground::{Backend, Ground};
use crate::server::Server;
use crate::truth::{self, Whole};
use crate::wait;
use crate::wire::{Request, Wire};

/// Offers that are accepted around their deadline, at intervals of some milliseconds.
const ANSWERED: i64 = 31;
const STEP_MS: i64 = 2;
/// Offers that are not answered.
const IGNORED: i64 = 17;
/// Not shown to users (QO-2).
const GRACE: TimeDelta = TimeDelta::seconds(2);
/// How long a test waits for an effect; not a performance limit.
const PATIENCE: std::time::Duration = std::time::Duration::from_mins(1);

/// An instant of an answer.
pub fn instant(value: &Value) -> DateTime<Utc> {
    value.as_str().and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("{value}"))
}

/// The instant at which the last step of an order was taken.
pub fn last_at(whole: &Whole) -> DateTime<Utc> {
    instant(&whole.all["steps"][whole.steps.len() - 1]["at"])
}

/// The outcome of one offer: the timer's delay if the offer expired.
async fn offered(
    wire: &Wire,
    (city, client, branch): (&City, &Client, &Branch),
    accepted: Option<TimeDelta>,
) -> Option<TimeDelta> {
    let id = client.places(wire, branch).await;
    let first = Whole::read(wire, &city.support, &id).await;
    let due = instant(&first.all["order"]["offer_deadline"]) + GRACE;
    if let Some(offset) = accepted {
        wait::until(due + offset).await;
        let ask = as_staff(&id, "accept", &json!({})).if_match(1);
        let answer = wire.sure(&branch.owner, &ask).await;
        let whole = Whole::read(wire, &city.support, &id).await;
        let code = answer.code().to_owned();
        if answer.is_yes() {
            assert_eq!(whole.status, "confirmed");
            assert!(last_at(&whole) <= due, "{:?}", whole.all);
            return None;
        }
        assert_eq!(answer.status, 409, "{}", answer.text);
        assert!(["offer_expired", "order_closed"].contains(&code.as_str()), "{}", answer.text);
    }
    wait::until(due).await;
    let whole = over(wire, &city.support, &id).await;
    assert_eq!(whole.acts_after(1), [""; 0]);
    assert_eq!(whole.all["order"]["reason"], "offer_expired", "{:?}", whole.all);
    let late = last_at(&whole) - due;
    assert!(late > TimeDelta::zero(), "the clock acts strictly after: {:?}", whole.all);
    Some(late)
}

/// Waits until the order is over and reads it.
pub async fn over(wire: &Wire, support: &str, id: &str) -> Whole {
    let over = async {
        loop {
            let whole = Whole::read(wire, support, id).await;
            if whole.is_over() {
                return whole;
            }
            wait::pause(std::time::Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, over).await.unwrap_or_else(|_| panic!("{id} never ended"))
}

/// The number of timers that fired, that were found only by a sweep, and that fired early.
pub async fn timers(wire: &Wire) -> (u64, u64, u64) {
    let text = wire.sure("", &Request::get("/metrics")).await.text;
    let value = |start: &str| {
        let lines = text.lines().filter(|line| line.starts_with(start));
        let values = lines.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok());
        values.sum()
    };
    (value("yumo_timers_fired"), value("yumo_timers_adopted"), value("yumo_timers_early"))
}

async fn at_the_end_of_the_offer(backend: Backend) {
    let ground = Ground::new(backend).await;
    let clients = usize::try_from(ANSWERED + IGNORED).unwrap();
    let city = City::found(&ground, 2, clients, 1_000_000).await;
    let server = Server::start(&ground).await;
    let offsets = (0..ANSWERED).map(|n| Some(TimeDelta::milliseconds((n - 20) * STEP_MS)));
    let offsets = offsets.chain((0..IGNORED).map(|_| None));
    let offers = offsets.zip(&city.clients).zip(city.branches.iter().cycle());
    let offers = offers
        .map(|((offset, client), branch)| offered(&server.wire, (&city, client, branch), offset));
    let late: Vec<TimeDelta> = join_all(offers).await.into_iter().flatten().collect();
    let accepted = clients - late.len();
    let (fired, adopted, early) = timers(&server.wire).await;
    println!(
        "{backend:?}: {accepted} accepted in time, {} expired, {} µs late at the most",
        late.len(),
        late.iter().max().and_then(TimeDelta::num_microseconds).unwrap_or_default(),
    );
    // Each was fired by its own in-memory timer, which a slow machine only delays; none was lost.
    assert!(fired >= u64::try_from(late.len()).unwrap(), "{fired} fired");
    assert_eq!((adopted, early), (0, 0), "found by a sweep, fired early");
    let mut held = 0;
    for branch in &city.branches {
        held += branch.balance(&server.wire).await["held"]["amount"].as_i64().unwrap();
    }
    assert_eq!(held, i64::try_from(accepted).unwrap() * COMMISSION);
    truth::books_are_right(&ground, server, &city.support).await;
}

/// QO-2, ORD-3, ORD-5, BAL-6, on one file.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_offer_is_accepted_or_expires_never_both_on_sqlite() {
    at_the_end_of_the_offer(Backend::Sqlite).await;
}

/// QO-2, ORD-3, ORD-5, BAL-6, on PostgreSQL.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_offer_is_accepted_or_expires_never_both_on_postgres() {
    at_the_end_of_the_offer(Backend::Postgres).await;
}
