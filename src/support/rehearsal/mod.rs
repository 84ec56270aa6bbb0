//! Rehearsal of a policy: compares the orders of a past period under a draft with the version each
//! was placed under, and the sanctions that would have followed. Reads one snapshot and writes
//! nothing.
//!
//! The recorded behaviour stays fixed (when people cancelled, came, were served); only what the
//! policy derives from it is recomputed. What happened before the period counts for neither side.

mod judged;
mod sums;
mod terms;

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use entity::order::{Model, OrderKind};
use entity::value::{Instant, OrderId, Span};
use entity::{delivery, order, strike};
use sea_orm::{
    ColumnTrait as _, Condition, ConnectionTrait, EntityTrait as _, QueryFilter as _,
    QueryOrder as _, QuerySelect as _,
};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

pub use judged::SanctionChange;
use judged::{Faults, Judged};
pub use sums::{Biggest, Change, Sums};
use terms::{Cost, cost, faulty, rewritten};

use crate::context::Engine;
use crate::policy::check::{self, Finding};
use crate::policy::draft::Changes;
use crate::policy::{Policy, Registry, read};
use crate::reputation::rules::{CLIENT_FAULTS, PARTNER_FAULTS, RecordedFault};
use platform::db::readable;
use platform::scheduler::heartbeat;
use platform::{CommandError, ReadSnapshot};

/// The longest period, in days.
const DAYS_MAX: i64 = 92;
/// Maximum number of orders evaluated.
pub const ORDERS_MAX: usize = 100_000;
/// Rows read at once.
const BATCH: u64 = 1_000;
/// Maximum number of pages of branches' strikes.
const MARK_PAGES_MAX: usize = 100;

platform::refusals! {
    /// The refusals of a rehearsal.
    Refusal {
        PeriodInvalid = "rehearsal_period_invalid", Unprocessable, "That is no period to rehearse", "Name a past period of at most 92 days.";
    }
}

/// The request for a rehearsal.
#[derive(Clone, Debug)]
pub struct Rehearse {
    /// The draft, as changes of the newest version.
    pub changes: Changes,
    /// Includes orders placed from this instant …
    pub from: Instant,
    /// … and before this one.
    pub until: Instant,
    /// Maximum number of orders evaluated.
    pub orders_max: usize,
}

/// The result of a rehearsal.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Rehearsed {
    /// The version that the draft is based on.
    pub base_version: i32,
    /// The start of the period.
    pub from: DateTime<Utc>,
    /// The end of the period, exclusive.
    pub until: DateTime<Utc>,
    /// Where the evaluation stopped because of too many orders: those from then on are not
    /// included.
    pub cut_at: Option<DateTime<Utc>>,
    /// Quick orders.
    pub quick: Sums,
    /// Bookings.
    pub booking: Sums,
    /// Both.
    pub total: Sums,
    /// Bans and sanctions of branches, under the current policy and under the draft.
    pub sanctions: Vec<SanctionChange>,
    /// The ten orders that differ most.
    pub biggest: Vec<Biggest>,
    /// Warnings from the check of the draft.
    pub warnings: Vec<Finding>,
}

/// Runs a rehearsal.
///
/// # Errors
/// `rehearsal_period_invalid`, a draft that is refused, or a fault.
pub async fn rehearse(engine: &Engine, ask: &Rehearse) -> Result<Rehearsed, CommandError> {
    let shared = engine.shared();
    let now = shared.clock.now();
    let until = ask.until.min(now);
    if ask.from >= until || until - ask.from > TimeDelta::days(DAYS_MAX) {
        return Err(Refusal::PeriodInvalid.refused().at("/from").at("/until").into());
    }
    let (base_version, draft) = read::draft(&shared.db.read, &ask.changes).await?;
    let warnings = check::check(&draft.keys, now.date_naive());
    if check::broken(&warnings) {
        let refused = crate::policy::Refusal::Broken.refused().with("findings", warnings);
        return Err(refused.into());
    }
    let book = Arc::clone(&engine.context().policy);
    book.refresh(&shared.db.read).await?;
    let today = book.at(now)?.keys;
    let period = Rehearse { until, ..ask.clone() };
    let draft = Arc::new(draft.keys);
    let played = shared.db.snapshot(async move |moment: ReadSnapshot| {
        let (sums, clients) = (ByKind::default(), <[Faults; 2]>::default());
        let outages = heartbeat::outages(&moment, period.from).await?;
        let mut stage = Stage { moment, book, draft, sums, clients, outages };
        let cut_at = stage.orders(&period).await?;
        let branches = stage.branches(period.from, cut_at.unwrap_or(until)).await?;
        let Stage { draft, sums, clients, .. } = stage;
        Ok::<_, CommandError>((draft, sums, clients, cut_at, branches))
    });
    let (draft, sums, [before, after], cut_at, branches) = played.await?;
    let before = Judged::of(before, &branches, &today);
    let after = Judged::of(after, &branches, &draft);
    let total = sums.quick.plus(&sums.booking);
    Ok(Rehearsed {
        base_version,
        from: ask.from,
        until,
        cut_at,
        quick: sums.quick,
        booking: sums.booking,
        total,
        sanctions: judged::compare(&before, &after),
        biggest: sums.biggest.rows(),
        warnings,
    })
}

#[derive(Default)]
struct ByKind {
    quick: Sums,
    booking: Sums,
    biggest: sums::Top,
}

struct Stage {
    moment: ReadSnapshot,
    book: Arc<Registry>,
    draft: Arc<Policy>,
    sums: ByKind,
    /// Strikes of clients under the version of each order, and under the draft.
    clients: [Faults; 2],
    /// When the engine could not serve (OUT-1).
    outages: Vec<Span>,
}

impl Stage {
    /// Evaluates the orders; returns the instant where it stopped early, if it did.
    async fn orders(&mut self, period: &Rehearse) -> Result<Option<Instant>, CommandError> {
        let mut left = period.orders_max;
        let mut place = (period.from, OrderId(Uuid::nil()));
        loop {
            let rows = batch(&self.moment, place, period.until).await?;
            let Some(last) = rows.last() else { return Ok(None) };
            place = (last.placed_at, last.id);
            let beyond = rows.get(left).map(|row| row.placed_at);
            let taken: Vec<Model> = rows.into_iter().take(left).collect();
            self.play(&taken).await?;
            if beyond.is_some() {
                return Ok(beyond);
            }
            left -= taken.len();
        }
    }

    async fn play(&mut self, orders: &[Model]) -> Result<(), CommandError> {
        let ended: Vec<OrderId> =
            orders.iter().filter(|order| order.cancelled_at.is_some()).map(|o| o.id).collect();
        let seen = seen(&self.moment, &ended).await?;
        let voided = voided(&self.moment, &ended).await?;
        for order in orders.iter().filter(|order| order.unreadable.is_none()) {
            let pinned = self.book.version(order.policy_version)?;
            let seen = seen.get(&order.id).copied();
            let draft = rewritten(order, &pinned, &self.draft);
            let before = self.one(0, order, seen, &pinned, &voided);
            let keys = Arc::clone(&self.draft);
            let after = self.one(1, &draft, seen, &keys, &voided);
            let sums = match order.kind {
                OrderKind::Quick => &mut self.sums.quick,
                OrderKind::Booking => &mut self.sums.booking,
            };
            sums.add(before, after);
            self.sums.biggest.offer(order, before, after);
        }
        Ok(())
    }

    fn one(
        &mut self,
        side: usize,
        order: &Model,
        seen: Option<Instant>,
        keys: &Policy,
        voided: &[OrderId],
    ) -> Cost {
        let cost = cost(order, seen, &self.outages, keys);
        let at = order.cancelled_at.filter(|_| faulty(order, cost));
        if let (Some(at), false) = (at, voided.contains(&order.id))
            && let Some(clients) = self.clients.get_mut(side)
        {
            let fault = RecordedFault { id: entity::value::MarkId(order.id.0), at, voided: false };
            clients.entry(order.client_id.0).or_default().push(fault);
        }
        cost
    }

    /// The recorded strikes of branches.
    async fn branches(&self, from: Instant, until: Instant) -> Result<Faults, CommandError> {
        let mut found = Faults::new();
        let (mut at, mut id) = (from, Uuid::nil());
        for _ in 0..MARK_PAGES_MAX {
            let rows = strike::Entity::find()
                .filter(strike::Column::Kind.is_in(PARTNER_FAULTS.iter().copied()))
                .filter(strike::Column::VoidedAt.is_null())
                .filter(strike::Column::At.lt(until))
                .filter(after(strike::Column::At, at, strike::Column::Id, id))
                .order_by_asc(strike::Column::At)
                .order_by_asc(strike::Column::Id)
                .limit(BATCH)
                .all(&self.moment)
                .await?;
            let Some(last) = rows.last() else { break };
            (at, id) = (last.at, last.id.0);
            for row in rows {
                let fault = RecordedFault { id: row.id, at: row.at, voided: false };
                found.entry(row.subject).or_default().push(fault);
            }
        }
        Ok(found)
    }
}

/// The condition for rows after a position, by time and then by id.
fn after<C: sea_orm::ColumnTrait>(time: C, at: Instant, id: C, last: Uuid) -> Condition {
    let same = Condition::all().add(time.eq(at)).add(id.gt(last));
    Condition::any().add(time.gt(at)).add(same)
}

async fn batch<C: ConnectionTrait>(
    db: &C,
    (at, id): (Instant, OrderId),
    until: Instant,
) -> Result<Vec<Model>, CommandError> {
    let rows = order::Entity::find()
        .filter(order::Column::PlacedAt.lt(until))
        .filter(after(order::Column::PlacedAt, at, order::Column::Id, id.0))
        .order_by_asc(order::Column::PlacedAt)
        .order_by_asc(order::Column::Id)
        .limit(BATCH);
    Ok(readable::partly(db, rows).await?)
}

/// When a device acknowledged the acceptances of these orders (PEN-2).
async fn seen<C: ConnectionTrait>(
    db: &C,
    orders: &[OrderId],
) -> Result<BTreeMap<OrderId, Instant>, CommandError> {
    let rows = delivery::Entity::find()
        .filter(delivery::Column::OrderId.is_in(orders.iter().copied()))
        .filter(delivery::Column::What.eq("acceptance"))
        .all(db)
        .await?;
    Ok(rows.into_iter().map(|row| (row.order_id, row.at)).collect())
}

/// Those of these orders whose strikes against the client were voided (PEN-7).
async fn voided<C: ConnectionTrait>(
    db: &C,
    orders: &[OrderId],
) -> Result<Vec<OrderId>, CommandError> {
    let rows = strike::Entity::find()
        .filter(strike::Column::OrderId.is_in(orders.iter().copied()))
        .filter(strike::Column::Kind.is_in(CLIENT_FAULTS.iter().copied()))
        .filter(strike::Column::VoidedAt.is_not_null())
        .all(db)
        .await?;
    Ok(rows.into_iter().map(|row| row.order_id).collect())
}
