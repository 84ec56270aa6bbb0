//! The outbox: every event has its effect once, whoever fails or is slow meanwhile (NOT-3).

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use entity::outbox_delivery::{self, Consumer, DeliveryState};
use entity::{feed_event, outbox};
use platform::outbox::{ATTEMPTS_MAX, CLAIM_ROWS, KEPT_DAYS, LEASE, forget};
use platform::scheduler::timers::backoff;
use sea_orm::{ColumnTrait as _, EntityTrait as _, PaginatorTrait as _, QueryFilter as _};
use uuid::Uuid;
use yumo::jobs::outbox_worker::OutboxWorker;

use crate::support::{World, seconds};

const CONSUMER: Consumer = Consumer::Statistics;

fn worker(world: &World) -> OutboxWorker {
    OutboxWorker::new(world.app().engine.clone())
}

/// Works until nothing is left.
async fn empties(world: &World) {
    while worker(world).step().await.unwrap() > 0 {}
}

/// How often what happened, as the feeds tell it.
async fn emitted(world: &World) -> BTreeMap<String, i64> {
    let rows = feed_event::Entity::find().all(&world.db()).await.unwrap();
    let events: BTreeSet<_> =
        rows.into_iter().map(|row| (row.id.0, row.kind.to_string())).collect();
    let mut counts = BTreeMap::new();
    for (_, kind) in events {
        *counts.entry(kind).or_default() += 1;
    }
    counts
}

/// How often what happened, as support reads it.
async fn counted(world: &World) -> BTreeMap<String, i64> {
    let path = "/v1/support/statistics/events?from=2026-11-20&to=2026-11-21";
    let mut counts = BTreeMap::new();
    for item in world.support().get(path).await.ok()["items"].as_array().unwrap() {
        let kind = item["kind"].as_str().unwrap().to_owned();
        *counts.entry(kind).or_default() += item["count"].as_i64().unwrap();
    }
    counts
}

async fn deliveries(world: &World, state: DeliveryState) -> Vec<outbox_delivery::Model> {
    let rows = outbox_delivery::Entity::find().filter(outbox_delivery::Column::State.eq(state));
    rows.all(&world.db()).await.unwrap()
}

/// An order from the request to the end, and one that is taken back.
async fn a_morning(world: &World) {
    let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
    let order = anar.orders(&kristal).await;
    kristal.accepts(&order).await.ok();
    anar.departs(&order).await.ok();
    kristal.admits(&order).await.ok();
    kristal.completes(&order, 1500).await.ok();
    let order = anar.orders(&kristal).await;
    anar.cancels(&order).await.ok();
}

both! {
    /// Each event is one message, whichever feeds it stands in, and is counted once; finished
    /// messages are deleted after a while.
    async fn sums_equal_events(world) {
        a_morning(world).await;
        assert_eq!(counted(world).await, BTreeMap::new());
        empties(world).await;
        let events = emitted(world).await;
        assert_eq!(counted(world).await, events);
        assert_eq!(events["order.requested"], 2);
        let total = u64::try_from(events.values().sum::<i64>()).unwrap();
        assert_eq!(outbox::Entity::find().count(&world.db()).await.unwrap(), total);
        let wrong = "/v1/support/statistics/events?from=2026-11-21&to=2026-11-20";
        world.support().get(wrong).await.refused("malformed");

        let db = &world.app().engine.shared().db.write;
        forget(db, world.now() - TimeDelta::days(KEPT_DAYS)).await.unwrap();
        assert_eq!(outbox::Entity::find().count(&world.db()).await.unwrap(), total);
        forget(db, world.now() + seconds(1)).await.unwrap();
        assert_eq!(outbox::Entity::find().count(&world.db()).await.unwrap(), 0);
        assert_eq!(deliveries(world, DeliveryState::Done).await, []);
    }

    /// Two workers that claim at once get different messages, and together all of them.
    async fn two_workers_claim_disjointly(world) {
        for _ in 0..8 {
            a_morning(world).await;
        }
        let queued = deliveries(world, DeliveryState::Queued).await.len();
        assert!(queued > usize::try_from(CLAIM_ROWS).unwrap(), "more than one claim: {queued}");
        let (one, two) = (worker(world), worker(world));
        let mut seen: BTreeSet<Uuid> = BTreeSet::new();
        let mut claims = 0;
        loop {
            let (left, right) = tokio::join!(one.claim(CONSUMER), two.claim(CONSUMER));
            let (left, right) = (left.unwrap(), right.unwrap());
            if left.is_empty() && right.is_empty() {
                break;
            }
            claims += left.len() + right.len();
            seen.extend(left.iter().chain(&right).map(|claimed| claimed.message.id));
            one.work(CONSUMER, left).await.unwrap();
            two.work(CONSUMER, right).await.unwrap();
        }
        assert_eq!((claims, seen.len()), (queued, queued));
        assert_eq!(counted(world).await, emitted(world).await);
    }

    /// A worker whose lease is over has no effect any more: the message is another's.
    async fn a_lease_that_is_over_has_no_effect(world) {
        a_morning(world).await;
        let slow = worker(world).claim(CONSUMER).await.unwrap();
        assert!(!slow.is_empty());
        assert_eq!(worker(world).step().await.unwrap(), 0, "it is claimed");
        world.advance(TimeDelta::from_std(LEASE).unwrap()).await;
        empties(world).await;
        let counts = counted(world).await;
        assert_eq!(counts, emitted(world).await);
        worker(world).work(CONSUMER, slow).await.unwrap();
        assert_eq!(counted(world).await, counts);
        assert_eq!(deliveries(world, DeliveryState::Queued).await, []);
    }

    /// A message that fails is tried later each time, delays no other, and is parked in the end.
    async fn a_message_that_fails_again_and_again_is_parked(world) {
        a_morning(world).await;
        empties(world).await;
        let full = "UPDATE event_count SET n = 9223372036854775807 WHERE kind = 'order.declined'";
        let (kristal, anar) = (world.branch("Mirror").await, world.client("Leyla").await);
        let order = anar.orders(&kristal).await;
        kristal.declines(&order).await.ok();
        empties(world).await;
        world.tampers(full).await;
        let order = anar.orders(&kristal).await;
        kristal.declines(&order).await.ok();
        for attempt in 1..ATTEMPTS_MAX {
            assert!(worker(world).step().await.unwrap() > 0, "attempt {attempt}");
            let left = deliveries(world, DeliveryState::Queued).await;
            let [late] = left.as_slice() else { panic!("{left:?}") };
            assert_eq!((late.attempts, late.next_at), (attempt, world.now() + backoff(attempt)));
            assert!(late.last_error.is_some());
            assert_eq!(worker(world).step().await.unwrap(), 0, "not before its time");
            world.advance(backoff(attempt)).await;
        }
        empties(world).await;
        let parked = deliveries(world, DeliveryState::Parked).await;
        assert_eq!(parked.iter().map(|row| row.attempts).collect::<Vec<_>>(), [ATTEMPTS_MAX]);
        world.advance(TimeDelta::hours(1)).await;
        empties(world).await;
        assert_eq!(deliveries(world, DeliveryState::Parked).await, parked);
        assert_eq!(deliveries(world, DeliveryState::Queued).await, []);
    }

    /// A message whose worker is killed each time is parked too.
    async fn a_message_that_kills_its_worker_is_parked(world) {
        let anar = world.client("Anar").await;
        anar.orders(&world.branch("Kristal").await).await;
        for _ in 0..ATTEMPTS_MAX {
            assert!(!worker(world).claim(CONSUMER).await.unwrap().is_empty());
            world.advance(TimeDelta::from_std(LEASE).unwrap()).await;
        }
        worker(world).claim(CONSUMER).await.unwrap();
        assert!(!deliveries(world, DeliveryState::Parked).await.is_empty());
    }
}
