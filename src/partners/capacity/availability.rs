//! The free slots of a branch: its plan without the occupancy (BK-1, BK-2).

use chrono::{Days, NaiveDate, TimeDelta};
use entity::occupancy;
use entity::value::{BayId, CarId, Instant, PartnerId, Span};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DatabaseBackend, DbErr, EntityTrait as _, QueryFilter as _,
    Statement, Value,
};
use uuid::Uuid;

use super::plan::{Need, Plan};
use super::slots::{self, Busy, Slot, Ticks, ticks};
use crate::context::Tx;
use crate::policy::Policy;
use platform::db::pool::Pool;
use platform::{CommandError, Fault};

/// The holder for a search in which nobody's occupancy counts as free.
pub const NOBODY: Uuid = Uuid::nil();

/// A search for free slots.
pub struct Search<'a> {
    /// The branch's plan.
    pub plan: &'a Plan,
    /// What the visit needs.
    pub need: &'a Need,
    /// The car, if known: it cannot be at two places at the same time (BK-11).
    pub car: Option<CarId>,
    /// Whose occupancy counts as free: that of the visit to be moved.
    pub holder: Uuid,
    /// The policy.
    pub policy: &'a Policy,
    /// The time of the search.
    pub now: Instant,
}

/// The occupied times, and the branch's version when they were read.
pub struct HeldTimes {
    /// Runs of occupancy cells by bay.
    pub busy: Vec<Busy>,
    /// Runs of occupancy cells of the car.
    pub car: Vec<Ticks>,
    /// The branch's version.
    pub version: i64,
}

impl Search<'_> {
    /// The span in which a visit may be booked to start (BK-3, BK-13).
    #[must_use]
    pub fn bookable(&self) -> Span {
        let notice = self.notice();
        Span {
            from: self.plan.closed_until.map_or(notice, |closed| closed.max(notice)),
            until: self.now + TimeDelta::days(self.policy.booking.horizon_days),
        }
    }

    /// The earliest start, by the minimum notice for a branch (BK-3).
    #[must_use]
    pub fn notice(&self) -> Instant {
        self.now + TimeDelta::minutes(self.policy.booking.min_notice_min)
    }

    /// The span of all visits that start on these local dates.
    fn reach(&self, date: NaiveDate, days: u64) -> Span {
        let last = date.checked_add_days(Days::new(days.saturating_sub(1))).unwrap_or(date);
        let from = self.plan.calendar.day(date).from;
        let until = self.plan.calendar.day(last).until;
        let visit = self.need.visit;
        Span { from, until: until + TimeDelta::minutes(visit.minutes + visit.buffer_min) }
    }

    /// The slots that start on these local dates and have a free bay, and the occupied times;
    /// [`Self::for_car`] filters by those of the car.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn slots<C: ConnectionTrait>(
        &self,
        db: &C,
        partner_id: PartnerId,
        date: NaiveDate,
        days: u64,
    ) -> Result<(Vec<Slot>, HeldTimes), CommandError> {
        let reach = self.reach(date, days);
        let bays = self.plan.bays_for(self.need.bay_kind.as_deref());
        let car = self.car.map(|car| BayId(car.0));
        let all: Vec<BayId> = bays.iter().copied().chain(car).collect();
        let mut held = held(db, partner_id, &all, ticks(reach), self.holder).await?;
        let of_car = |busy: &&Busy| Some(busy.bay_id) == car;
        held.car = held.busy.iter().filter(of_car).map(|busy| busy.ticks).collect();
        let open = self.plan.calendar.open(reach);
        let grid = self.plan.grid_min(self.policy);
        let dates = (0..days).filter_map(|n| date.checked_add_days(Days::new(n)));
        let starts: Vec<Instant> =
            dates.flat_map(|date| self.plan.calendar.starts(date, grid)).collect();
        let free = slots::free(&open, &starts, &bays, &held.busy, self.need.visit, self.bookable());
        Ok((free, held))
    }

    /// The slots at which the car has no other booking (BK-11).
    #[must_use]
    pub fn for_car(&self, mut slots: Vec<Slot>, held: &HeldTimes) -> Vec<Slot> {
        let meets = |slot: &Slot| {
            let wanted = ticks(self.need.visit.occupying(slot.starts_at));
            held.car.iter().any(|taken| taken.meets(&wanted))
        };
        slots.retain(|slot| !meets(slot));
        slots
    }
}

/// The runs of occupied cells of these bays, and the branch's version, in one read; those of
/// `holder` count as free.
///
/// # Errors
/// When the database fails.
pub async fn held<C: ConnectionTrait>(
    db: &C,
    partner_id: PartnerId,
    bays: &[BayId],
    within: Ticks,
    holder: Uuid,
) -> Result<HeldTimes, CommandError> {
    let backend = db.get_database_backend();
    let mut values: Vec<Value> = vec![
        Value::from(partner_id.0),
        Value::from(within.from),
        Value::from(within.until),
        Value::from(holder),
    ];
    let names: Vec<String> = bays
        .iter()
        .map(|bay| {
            values.push(Value::from(bay.0));
            format!("${}", values.len())
        })
        .collect();
    // One row for each bay: far cheaper than one for each run of cells, or for each cell.
    let bay_ids = if names.is_empty() { "NULL".to_owned() } else { names.join(", ") };
    let postgres = backend == DatabaseBackend::Postgres;
    let nothing = if postgres { "NULL::uuid" } else { "NULL" };
    let all = if postgres { "string_agg(n::text, ',')" } else { "group_concat(n)" };
    let sql = format!(
        "SELECT {nothing} AS bay, CAST(version AS text) AS held FROM partner WHERE id = $1 \
         UNION ALL SELECT resource, {all} FROM occupancy \
         WHERE resource IN ({bay_ids}) AND n >= $2 AND n < $3 AND holder <> $4 GROUP BY resource"
    );
    let rows = db.query_all_raw(Statement::from_sql_and_values(backend, sql, values)).await?;
    let mut held = HeldTimes { busy: Vec::new(), car: Vec::new(), version: 0 };
    for row in rows {
        let text: String = row.try_get("", "held")?;
        match row.try_get::<Option<Uuid>>("", "bay")? {
            None => held.version = number(&text)?,
            Some(bay) => held.busy.extend(runs(BayId(bay), &text)?),
        }
    }
    Ok(held)
}

/// Merges cells in any order into runs of consecutive ones.
fn runs(bay_id: BayId, ticks: &str) -> Result<Vec<Busy>, Fault> {
    let mut all: Vec<i64> = ticks.split(',').map(number).collect::<Result<_, _>>()?;
    all.sort_unstable();
    let mut runs: Vec<Busy> = Vec::new();
    for n in all {
        match runs.last_mut() {
            Some(last) if last.ticks.until == n => last.ticks.until = n + 1,
            Some(_) | None => runs.push(Busy { bay_id, ticks: Ticks { from: n, until: n + 1 } }),
        }
    }
    Ok(runs)
}

fn number(text: &str) -> Result<i64, Fault> {
    text.parse().map_err(|_| Fault::Other(format!("{text} is no number of a tick")))
}

/// Which of these bays are free in this span, in the order given.
///
/// # Errors
/// When the database fails.
pub async fn free_bays<C: ConnectionTrait>(
    db: &C,
    partner_id: PartnerId,
    bays: &[BayId],
    span: Span,
    holder: Uuid,
) -> Result<Vec<BayId>, CommandError> {
    let within = ticks(span);
    let held = held(db, partner_id, bays, within, holder).await?;
    let taken = |bay: &&BayId| !held.busy.iter().any(|busy| busy.bay_id == **bay);
    Ok(bays.iter().filter(taken).copied().collect())
}

/// Until when the hold of a bay can be extended from the start of the span, at most to its end.
///
/// # Errors
/// When the database fails.
pub async fn free_until<C: ConnectionTrait>(
    db: &C,
    partner_id: PartnerId,
    bay_id: BayId,
    span: Span,
    holder: Uuid,
) -> Result<Instant, CommandError> {
    let held = held(db, partner_id, &[bay_id], ticks(span), holder).await?;
    let first = held.busy.iter().map(|busy| busy.ticks.from).min();
    let first = first.and_then(|n| Instant::from_timestamp(n * slots::TICK_SECS, 0));
    Ok(first.map_or(span.until, |first| first.clamp(span.from, span.until)))
}

/// Releases every occupancy cell of a holder, whatever it took.
pub fn release_all(tx: &mut Tx, holder: Uuid) {
    tx.delete("occupancy", vec![("holder", holder.into())]);
}

/// Deletes occupancy cells before this instant: those of past blocks. Orders free theirs at their
/// end.
///
/// # Errors
/// When the database fails.
pub async fn forget(db: &Pool, before: Instant) -> Result<u64, DbErr> {
    let last = before.timestamp().div_euclid(slots::TICK_SECS);
    let gone =
        occupancy::Entity::delete_many().filter(occupancy::Column::N.lt(last)).exec(db).await?;
    Ok(gone.rows_affected)
}
