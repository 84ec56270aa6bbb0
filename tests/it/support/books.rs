//! The check of the books at the end of every world, by rules written here and not by the code
//! under test: money adds up, holds match open orders, feeds and histories have no gaps, each open
//! order has exactly the right timers and none is overdue, and the calendar is consistent.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use entity::hold::{Allocation, HoldState};
use entity::lot::LotState;
use entity::order::{OrderKind, OrderStatus};
use entity::payable::PayableState;
use entity::payment::{Driver, PaymentState};
use entity::payout::PayoutState;
use entity::value::Instant;
use entity::{feed, feed_event, hold, order, order_step, posting, sanction, timer, wallet};
use entity::{lot, payable, payment, payout, reservation};
use sea_orm::{DatabaseConnection, EntityTrait as _, QueryOrder as _};
use uuid::Uuid;

use super::ticks;
use super::world::World;

/// Checks everything.
pub async fn check(world: &World) {
    let db = world.db();
    money(&db).await;
    holds(&db).await;
    lots(&db, world.now()).await;
    feeds(&db).await;
    histories(&db).await;
    timers(&db, world.now()).await;
    ticks::check(&db).await;
    let proof = world.support().proof().await;
    assert_eq!(proof.ok()["ok"], true, "the proof says {}", proof.json);
}

/// Every row of every table that commands write, to compare before and after.
pub async fn everything(db: &DatabaseConnection) -> Vec<String> {
    let mut rows = Vec::new();
    macro_rules! all {
        ($($table:ident),+) => {$(
            for row in entity::$table::Entity::find().all(db).await.unwrap() {
                rows.push(format!("{} {row:?}", stringify!($table)));
            }
        )+};
    }
    all!(order, order_step, order_position, hold, wallet, posting, penalty, timer, strike);
    all!(occupancy, bay_block, special_day, sanction, waiver, calendar_feed);
    all!(payment, inbound, payable, payout, payout_terms, stray_payment);
    all!(lot, bonus_account, reservation, campaign);
    all!(feed, feed_event, feed_cursor, delivery, idempotency, partner, person, car, outage);
    all!(policy_version, service, staff, staff_past, organisation);
    all!(audit_act, campaign_claim, code_try);
    rows.sort();
    rows
}

/// All accounts add up to zero; each wallet is the sum of its postings.
async fn money(db: &DatabaseConnection) {
    let mut accounts: BTreeMap<String, i64> = BTreeMap::new();
    let mut natural = BTreeSet::new();
    for row in posting::Entity::find().all(db).await.unwrap() {
        assert!(row.amount.0 > 0, "{row:?}");
        assert!(natural.insert((row.kind.clone(), row.subject, row.n)), "twice: {row:?}");
        *accounts.entry(row.debit).or_default() -= row.amount.0;
        *accounts.entry(row.credit).or_default() += row.amount.0;
    }
    assert_eq!(accounts.values().sum::<i64>(), 0, "{accounts:?}");
    for row in wallet::Entity::find().all(db).await.unwrap() {
        let posted = accounts.remove(&format!("partner:{}", row.id)).unwrap_or(0);
        assert_eq!(row.posted.0, posted, "posted of {row:?}");
    }
    let rest: Vec<&String> = accounts.keys().filter(|name| name.starts_with("partner:")).collect();
    assert!(rest.is_empty(), "accounts without a wallet: {rest:?}");
}

/// Exactly each accepted open order has an open hold, and the wallets hold their sum.
async fn holds(db: &DatabaseConnection) {
    let open = |row: &order::Model| match row.status {
        OrderStatus::Confirmed | OrderStatus::OnTheWay | OrderStatus::Active => true,
        OrderStatus::Requested | OrderStatus::Completed | OrderStatus::Cancelled => false,
    };
    let orders = order::Entity::find().all(db).await.unwrap();
    let expected: BTreeSet<_> = orders
        .iter()
        .filter(|row| open(row))
        .map(|row| (row.id.0, row.partner_id.0, row.commission.0))
        .collect();
    let holds = hold::Entity::find().all(db).await.unwrap();
    let standing: BTreeSet<_> = holds
        .iter()
        .filter(|row| row.state == HoldState::Open)
        .map(|row| (row.order_id.0, row.wallet_id, row.amount.0 + row.bonus.0))
        .collect();
    assert_eq!(standing, expected, "open holds, and accepted open orders");
    let mut held: BTreeMap<Uuid, i64> = BTreeMap::new();
    for row in holds.iter().filter(|row| row.state == HoldState::Open) {
        *held.entry(row.wallet_id).or_default() += row.amount.0;
    }
    for row in wallet::Entity::find().all(db).await.unwrap() {
        assert_eq!(row.held.0, held.get(&row.id).copied().unwrap_or(0), "held of {row:?}");
    }
}

/// The amount of a lot matches its postings, its held part is in open holds and reservations; of
/// each owner's queue one lot runs, the first, and its timers are armed.
async fn lots(db: &DatabaseConnection, now: Instant) {
    let mut has: BTreeMap<String, i64> = BTreeMap::new();
    for row in posting::Entity::find().all(db).await.unwrap() {
        *has.entry(row.debit).or_default() -= row.amount.0;
        *has.entry(row.credit).or_default() += row.amount.0;
    }
    let mut pins: BTreeMap<Uuid, i64> = BTreeMap::new();
    let mut pin = |allocations: &[Allocation]| {
        for leg in allocations {
            if let Some(pin) = leg.pin {
                *pins.entry(pin.lot.0).or_default() += leg.amount.0;
            }
        }
    };
    for row in hold::Entity::find().all(db).await.unwrap() {
        if row.state == HoldState::Open {
            pin(&row.allocations.unwrap_or_default().0);
        }
    }
    for row in reservation::Entity::find().all(db).await.unwrap() {
        if row.state == HoldState::Open {
            pin(&row.allocations.0);
        }
    }
    let mut clocks: BTreeMap<Uuid, Vec<(i64, bool, Option<Instant>)>> = BTreeMap::new();
    for row in lot::Entity::find().all(db).await.unwrap() {
        let posted = has.remove(&format!("lot:{}", row.id)).unwrap_or(0);
        assert_eq!(row.free.0 + row.pinned.0, posted, "postings of {row:?}");
        assert_eq!(row.pinned.0, pins.remove(&row.id.0).unwrap_or(0), "held of {row:?}");
        let running = row.state == LotState::Running;
        if running || row.state == LotState::Queued {
            assert!(row.free.0 > 0, "an empty lot in a queue: {row:?}");
            clocks.entry(row.owner).or_default().push((row.place, running, row.expires_at));
        }
    }
    assert!(pins.is_empty(), "held of no lot: {pins:?}");
    let rest: Vec<_> =
        has.iter().filter(|(name, n)| name.starts_with("lot:") && **n != 0).collect();
    assert!(rest.is_empty(), "lots without a row: {rest:?}");
    let timers = timer::Entity::find().all(db).await.unwrap();
    let turns = timers.iter().filter(|row| row.kind.as_str() == "bonus.turn");
    let turns: BTreeSet<_> = turns.map(|row| (row.subject, row.due_at)).collect();
    let mut expected = BTreeSet::new();
    for (owner, mut queue) in clocks {
        queue.sort_unstable();
        let running: Vec<_> = queue.iter().map(|lot| lot.1).collect();
        assert!(running[0] && running[1..].iter().all(|runs| !runs), "clocks of {owner}");
        let end = queue[0].2.expect("a running lot has an end");
        assert!(end >= now, "over at {now}: a lot of {owner}");
        expected.insert((owner, end));
    }
    assert_eq!(turns, expected, "heads, and the timers that end them");
}

/// Numbers 1, 2, 3 … up to the counter, no event twice in a feed, every payload readable.
async fn feeds(db: &DatabaseConnection) {
    let mut told: BTreeMap<String, Vec<feed_event::Model>> = BTreeMap::new();
    let events = feed_event::Entity::find().order_by_asc(feed_event::Column::Seq);
    for event in events.all(db).await.unwrap() {
        let data: serde_json::Value = serde_json::from_str(&event.payload).unwrap();
        assert!(data.is_object(), "{event:?}");
        told.entry(event.audience.clone()).or_default().push(event);
    }
    for row in feed::Entity::find().all(db).await.unwrap() {
        let events = told.remove(&row.audience).unwrap_or_default();
        let numbers: Vec<i64> = events.iter().map(|event| event.seq).collect();
        let dense: Vec<i64> = (1..=row.last_seq).collect();
        assert_eq!(numbers, dense, "the feed of {}", row.audience);
        let ids: BTreeSet<_> = events.iter().map(|event| event.id.0).collect();
        assert_eq!(ids.len(), events.len(), "an event twice in the feed of {}", row.audience);
    }
    assert!(told.is_empty(), "feeds without a counter: {:?}", told.keys());
}

/// Each order's steps are numbered 1 … version, each from the status the one before led to.
async fn histories(db: &DatabaseConnection) {
    let mut steps: BTreeMap<Uuid, Vec<order_step::Model>> = BTreeMap::new();
    let all = order_step::Entity::find().order_by_asc(order_step::Column::N);
    for step in all.all(db).await.unwrap() {
        steps.entry(step.order_id.0).or_default().push(step);
    }
    for row in order::Entity::find().all(db).await.unwrap() {
        let steps = steps.remove(&row.id.0).unwrap_or_default();
        let numbers: Vec<i64> = steps.iter().map(|step| step.n).collect();
        assert_eq!(numbers, (1..=row.version).collect::<Vec<i64>>(), "steps of {}", row.id);
        let mut before = None;
        for step in steps {
            assert_eq!(step.from_status, before, "{step:?}");
            before = Some(step.to_status);
        }
        assert_eq!(before, Some(row.status), "the last step of {}", row.id);
    }
    assert!(steps.is_empty(), "steps without an order: {:?}", steps.keys());
}

/// Reminders and bay checks of upcoming bookings.
const BESIDE: [&str; 4] =
    ["order.remind_day", "order.remind_soon", "order.remind_leave", "order.bay_check"];

/// The planned time of a car in its bay is over.
const OVERRUN: &str = "order.overrun";

/// Each car in a bay has one such timer: at its planned end, or a check after that.
fn overruns(orders: &[order::Model], rows: &[timer::Model]) {
    let inside = |row: &&order::Model| row.status == OrderStatus::Active && row.bay_id.is_some();
    let expected: BTreeSet<Uuid> = orders.iter().filter(inside).map(|row| row.id.0).collect();
    let of_kind = rows.iter().filter(|row| row.kind.as_str() == OVERRUN);
    let standing: BTreeSet<Uuid> = of_kind.map(|row| row.subject).collect();
    assert_eq!(standing, expected, "cars in a bay, and the timers of their time there");
}

/// Timers that are due immediately when armed: they may be due at this instant, never earlier.
const AT_ONCE: [&str; 5] = [
    "payable.settle",
    "sanction.judge_client",
    "sanction.judge_partner",
    "sanction.shut_out",
    "order.shut_out",
];

/// The timers are exactly those of open orders and open sanctions; none is parked, none is overdue.
async fn timers(db: &DatabaseConnection, now: Instant) {
    let orders = order::Entity::find().all(db).await.unwrap();
    let mut expected: BTreeSet<_> = orders
        .iter()
        .flat_map(|row| waits(row).into_iter().map(|(kind, due)| (kind.to_owned(), row.id.0, due)))
        .collect();
    let sanctions = sanction::Entity::find().all(db).await.unwrap();
    let open = sanctions.iter().filter(|row| row.ended_at.is_none());
    expected.extend(open.map(|row| ("sanction.ends".to_owned(), row.id.0, row.until)));
    let rows = timer::Entity::find().all(db).await.unwrap();
    for row in rows.iter().filter(|row| BESIDE.contains(&row.kind.as_str())) {
        let order = orders.iter().find(|order| order.id.0 == row.subject).expect("of an order");
        let waits = matches!(order.status, OrderStatus::Confirmed | OrderStatus::OnTheWay);
        assert!(waits && order.kind == OrderKind::Booking, "{row:?} of {order:?}");
    }
    overruns(&orders, &rows);
    money_timers(db, &rows).await;
    let standing: BTreeSet<_> = rows
        .iter()
        .filter(|row| {
            !row.kind.as_str().starts_with("payment.") && !row.kind.as_str().starts_with("payout.")
        })
        .filter(|row| !row.kind.as_str().starts_with("bonus."))
        .filter(|row| !BESIDE.contains(&row.kind.as_str()))
        .filter(|row| !AT_ONCE.contains(&row.kind.as_str()) && row.kind.as_str() != OVERRUN)
        .map(|row| (row.kind.to_string(), row.subject, row.due_at))
        .collect();
    assert_eq!(standing, expected, "timers, and what open orders and sanctions wait for");
    for row in rows {
        assert!(row.parked_at.is_none() && row.attempts == 0, "a broken timer: {row:?}");
        assert!(row.due_at >= now, "overdue at {now}: {row:?}");
    }
}

/// Pending payments are polled, refunds and payouts under way are polled too, and payables are due.
async fn money_timers(db: &DatabaseConnection, rows: &[timer::Model]) {
    let mut expected = BTreeSet::new();
    for row in payment::Entity::find().all(db).await.unwrap() {
        let look = ("payment.look".to_owned(), row.id.0);
        // After a refused card a second one may succeed, until polling ends.
        let looked_at =
            rows.iter().any(|timer| timer.kind.as_str() == look.0 && timer.subject == look.1);
        if row.state == PaymentState::Created || (row.state == PaymentState::Failed && looked_at) {
            expected.insert(look);
        }
        if row.state == PaymentState::Refunding && row.driver != Driver::Manual {
            expected.insert(("payment.refund".to_owned(), row.id.0));
        }
    }
    for row in payout::Entity::find().all(db).await.unwrap() {
        let open = matches!(row.state, PayoutState::Created | PayoutState::Sent);
        if open && row.driver != Driver::Manual {
            expected.insert(("payout.send".to_owned(), row.id.0));
        }
    }
    for row in payable::Entity::find().all(db).await.unwrap() {
        if row.state == PayableState::Owed && row.payout_id.is_none() && row.due_on.is_some() {
            expected.insert(("payout.run".to_owned(), row.partner_id.0));
        }
    }
    // A payment is compared with its provider daily, as long as any part of it may change.
    let beside = ["payment.reconcile", "payment.stray"];
    let of_money = |kind: &str| {
        let own = kind.starts_with("payment.") || kind.starts_with("payout.");
        own && !beside.contains(&kind)
    };
    let standing: BTreeSet<_> = rows
        .iter()
        .filter(|row| of_money(row.kind.as_str()))
        .map(|row| (row.kind.to_string(), row.subject))
        .collect();
    assert_eq!(standing, expected, "timers of money");
}

/// The timers of a state: the rulebook's QO-2 (and its grace), QO-4, QO-5, BK-3, BK-5, BK-6, ADD-1,
/// BK-8, ARR-2, auto-complete; reminders and bay checks come in addition.
fn waits(row: &order::Model) -> Vec<(&'static str, Instant)> {
    match row.status {
        OrderStatus::Requested => {
            let due = row.offer_deadline.expect("a requested order has an offer deadline");
            let grace = if row.kind == OrderKind::Quick { 2 } else { 0 };
            vec![("order.offer_deadline", due + TimeDelta::seconds(grace))]
        }
        OrderStatus::Confirmed | OrderStatus::OnTheWay => {
            let mut waits = awaited(row);
            if let Some(proposal) = &row.proposal {
                waits.push(("order.proposal_deadline", proposal.expires_at));
            }
            waits
        }
        OrderStatus::Active => {
            let end = row.planned_end.expect("an active order has a planned end");
            vec![("order.auto_complete", end + TimeDelta::hours(12))]
        }
        OrderStatus::Completed | OrderStatus::Cancelled => Vec::new(),
    }
}

fn awaited(row: &order::Model) -> Vec<(&'static str, Instant)> {
    if let Some(until) = row.frozen_until {
        return vec![("order.frozen", until)];
    }
    if row.arrived_at.is_some() {
        let end = row.admit_deadline.expect("an arrived client has an admit deadline");
        let mut waits = vec![("order.admit_deadline", end)];
        if row.alerted_at.is_none() {
            let alert = row.admit_alert_at.expect("an arrived client has an alert");
            waits.push(("order.admit_alert", alert));
        }
        return waits;
    }
    if row.kind == OrderKind::Booking {
        let start = row.starts_at.expect("a booking has a start");
        let extended = TimeDelta::minutes(10 * i64::from(row.extensions));
        let grace =
            if row.departed_at.is_some() { TimeDelta::minutes(10) } else { TimeDelta::seconds(60) };
        let due =
            if row.departed_at.is_some() { row.arrival_deadline } else { row.depart_deadline };
        let due = due.expect("a booking burns at some time");
        assert!(due >= start + extended + grace, "burns too early: {row:?}");
        return vec![("order.burn", due)];
    }
    if row.overdue_at.is_some() {
        let decide = row.decision_deadline.expect("an overdue order has a decision deadline");
        return vec![("order.late_decision", decide)];
    }
    let deadline = row.arrival_deadline.expect("an awaited client has a deadline");
    vec![("order.arrival_deadline", deadline)]
}
