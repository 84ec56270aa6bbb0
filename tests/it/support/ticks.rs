//! The check of the calendar at the end of every world: each occupancy cell of a bay or a car is
//! held by exactly whom the rulebook says (BK-2, BK-8, BK-11, BK-13), and by nobody else.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use entity::order::{OrderKind, OrderStatus, Proposed};
use entity::value::Instant;
use entity::{bay_block, occupancy, order};
use sea_orm::{DatabaseConnection, EntityTrait as _};
use uuid::Uuid;

/// One cell: five minutes.
const SECS: i64 = 300;

/// Bay or car, number of five-minute cells since 1970, holder.
type Held = BTreeSet<(Uuid, i64, Uuid)>;

/// Checks all cells.
pub async fn check(db: &DatabaseConnection) {
    let mut expected = Held::new();
    for row in order::Entity::find().all(db).await.unwrap() {
        visit(&mut expected, &row);
    }
    for row in bay_block::Entity::find().all(db).await.unwrap() {
        if row.removed_at.is_none() {
            let whole =
                |at: Instant| at.timestamp() % SECS == 0 && at.timestamp_subsec_nanos() == 0;
            assert!(whole(row.starts_at) && whole(row.ends_at), "rounded outward: {row:?}");
            hold(&mut expected, row.bay_id.0, (row.starts_at, row.ends_at), row.id.0);
        }
    }
    let rows = occupancy::Entity::find().all(db).await.unwrap();
    let standing: Held = rows.into_iter().map(|row| (row.resource, row.n, row.holder)).collect();
    let lost: Vec<_> = expected.difference(&standing).collect();
    let stray: Vec<_> = standing.difference(&expected).collect();
    assert!(lost.is_empty() && stray.is_empty(), "not held: {lost:?}, held for nobody: {stray:?}");
}

/// An open order holds its bay, and also the bay it may move to; and its car until that is
/// admitted: a booking for the same time, a quick order for the visit from the arrival estimated at
/// placing.
fn visit(held: &mut Held, row: &order::Model) {
    match row.status {
        OrderStatus::Requested
        | OrderStatus::Confirmed
        | OrderStatus::OnTheWay
        | OrderStatus::Active => {}
        OrderStatus::Completed | OrderStatus::Cancelled => return,
    }
    let mut places = Vec::new();
    if let (Some(bay), Some(from), Some(until)) = (row.bay_id, row.taken_from, row.taken_until) {
        assert!(!row.overbooked, "overbooked, it holds none: {row:?}");
        places.push((bay, from, until));
    }
    let proposed = row.proposal.as_ref().map(|proposal| &proposal.what);
    if let Some(Proposed::Reschedule { place, .. }) = proposed {
        places.push((place.bay_id, place.from, place.until));
    }
    assert!(row.kind == OrderKind::Quick || !places.is_empty(), "a booking without a bay: {row:?}");
    if row.kind == OrderKind::Quick && row.status != OrderStatus::Active {
        let lines = &row.snapshot.lines;
        let minutes: i32 = lines.iter().map(|line| line.minutes).sum();
        let rest = lines.iter().map(|line| line.buffer_min).max().unwrap();
        let from = row.placed_at + TimeDelta::seconds(row.snapshot.route_secs);
        let until = from + TimeDelta::minutes((minutes + rest).into());
        hold(held, row.car_id.0, (from, until), row.id.0);
    }
    for (bay, from, until) in places {
        hold(held, bay.0, (from, until), row.id.0);
        if row.kind == OrderKind::Booking && row.status != OrderStatus::Active {
            hold(held, row.car_id.0, (from, until), row.id.0);
        }
    }
}

/// Every cell the time touches; it must be free.
fn hold(held: &mut Held, what: Uuid, (from, until): (Instant, Instant), by: Uuid) {
    let first = from.timestamp().div_euclid(SECS);
    let mut n = first;
    while n * SECS < until.timestamp() + i64::from(until.timestamp_subsec_nanos() > 0) {
        let mut holders = held.range((what, n, Uuid::nil())..=(what, n, Uuid::max()));
        assert!(holders.all(|(_, _, holder)| *holder == by), "two hold {what} at {n}");
        held.insert((what, n, by));
        n += 1;
    }
    assert!(first < n, "no time at all: {what} {from} {until}");
}
