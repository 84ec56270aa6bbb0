//! Checks of a client's record before placing: bans, debts, and the number of placings.
//!
//! Nothing here is locked. Every change to the client's disadvantage – a placing, a withdrawn
//! request, a penalty, a ban – raises the version of the client's row. Placing reads that row first
//! and raises it too, so two concurrent placings never count from the same record (LIM-1).

use std::fmt::Write as _;

use chrono::{DateTime, TimeDelta, Utc};
use entity::kinds::StrikeKind;
use entity::order as order_table;
use entity::order::{self, Model, OrderKind, OrderStatus};
use entity::value::{CarId, Instant, Money, PartnerId, PersonId};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait as _, EntityTrait as _, PaginatorTrait as _,
    QueryFilter as _, Statement, Value,
};

use super::limits::{ClientCounts, PlacingLimits};
use crate::context::Tx;
use crate::orders::Refusal;
use crate::orders::view::{Reader, Viewer};
use crate::policy::Policy;
use crate::reputation::record;
use platform::CommandError;

/// A placing to check: client, branch, and the client's other open orders.
pub(in crate::orders) struct Placing<'a> {
    /// The client.
    pub client_id: PersonId,
    /// The branch.
    pub partner_id: PartnerId,
    /// All open orders of the client.
    pub open: &'a [Model],
    /// Today's policy.
    pub keys: &'a Policy,
}

/// The client's record.
struct Record {
    banned_until: Option<Instant>,
    debt: Money,
    unpaid: usize,
    nth_placed: Option<Instant>,
    last_withdrawn: Option<Instant>,
    nth_withdrawn: Option<Instant>,
    /// Offers of the client at this branch that recently ended unanswered.
    unanswered_here: i64,
}

impl Placing<'_> {
    /// Checks that the client may place one more order; returns whether it counts against other
    /// clients of the branch while it is unanswered.
    ///
    /// # Source
    /// SAN-1, PEN-6, LIM-1; LIM-2: at most one pending offer of each client counts, and none for
    /// some hours after one of them ended unanswered.
    ///
    /// # Errors
    /// `client_banned`, `penalties_unpaid`, the limit that is reached, or a fault.
    pub(in crate::orders) async fn allowed(&self, tx: &Tx) -> Result<bool, CommandError> {
        let limits = PlacingLimits::of(&self.keys.client);
        let record = self.record(tx, &limits).await?;
        // SAN-1: open orders continue.
        if let Some(until) = record.banned_until {
            return Err(Refusal::Banned.refused().with("until", until).into());
        }
        // PEN-6: disputed penalties do not count.
        let fee = &self.keys.fee;
        if record.debt >= fee.block_debt || record.unpaid >= fee.block_count {
            return Err(Refusal::InDebt.refused().with("debt", record.debt).into());
        }
        if let Some(passed) = limits.passed(&self.tally(&record), tx.now()) {
            if !trusted(tx, self.client_id, self.keys).await? {
                return Err(passed.into());
            }
            let limits = limits.times(self.keys.client.trusted_factor);
            let record = self.record(tx, &limits).await?;
            if let Some(passed) = limits.passed(&self.tally(&record), tx.now()) {
                return Err(passed.into());
            }
        }
        let counted = self.pending_here().any(|other| other.pending_commission.is_positive());
        Ok(record.unanswered_here == 0 && !counted)
    }

    fn pending(&self) -> impl Iterator<Item = &Model> {
        self.open.iter().filter(|other| other.status == OrderStatus::Requested)
    }

    fn pending_here(&self) -> impl Iterator<Item = &Model> {
        self.pending().filter(|other| other.partner_id == self.partner_id)
    }

    fn tally(&self, record: &Record) -> ClientCounts {
        let first =
            |all: &mut dyn Iterator<Item = &Model>| all.filter_map(|o| o.offer_deadline).min();
        ClientCounts {
            open: self.open.len(),
            pending: (self.pending().count(), first(&mut self.pending())),
            pair: (self.pending_here().count(), first(&mut self.pending_here())),
            nth_placed: record.nth_placed,
            last_withdrawn: record.last_withdrawn,
            nth_withdrawn: record.nth_withdrawn,
        }
    }

    /// Reads the record in one statement. Offsets are literals: `SQLite` would reparse a statement
    /// with a bound offset each time.
    async fn record(&self, tx: &Tx, limits: &PlacingLimits) -> Result<Record, CommandError> {
        let (withdrew, unanswered) = (StrikeKind::ClientWithdrew, StrikeKind::ClientUnanswered);
        let mut sql = RECORD.replace("{withdrew}", withdrew.into());
        sql = sql.replace("{unanswered}", unanswered.into());
        let placed = limits.placings.saturating_sub(1);
        let withdrawn = limits.withdrawn.saturating_sub(1);
        let _ = write!(
            sql,
            "(SELECT o.placed_at FROM \"order\" o WHERE o.client_id = $1 ORDER BY o.id DESC \
             LIMIT 1 OFFSET {placed}) AS nth_placed, \
             (SELECT m.at FROM strike m WHERE m.subject = $1 AND m.kind = '{withdrew}' \
             AND m.voided_at IS NULL ORDER BY m.at DESC LIMIT 1 OFFSET {withdrawn}) \
             AS nth_withdrawn"
        );
        let rest = TimeDelta::hours(self.keys.balance.pending_rest_h);
        let values = [
            Value::from(self.client_id.0),
            Value::from(tx.now()),
            Value::from(self.partner_id.0),
            Value::from(tx.now() - rest),
        ];
        let backend = tx.db().get_database_backend();
        let row = tx.db().query_one_raw(Statement::from_sql_and_values(backend, sql, values));
        let row = Tx::must("person", self.client_id, row.await?)?;
        let instant = |column: &str| row.try_get::<Option<DateTime<Utc>>>("", column);
        Ok(Record {
            banned_until: instant("banned_until")?,
            debt: Money(row.try_get("", "debt")?),
            unpaid: usize::try_from(row.try_get::<i64>("", "unpaid")?).unwrap_or(usize::MAX),
            nth_placed: instant("nth_placed")?,
            last_withdrawn: instant("last_withdrawn")?,
            nth_withdrawn: instant("nth_withdrawn")?,
            unanswered_here: row.try_get("", "unanswered_here")?,
        })
    }
}

/// The kinds of strikes are filled in.
/// $1 the client, $2 now, $3 the branch, $4 since when an unanswered offer counts.
const RECORD: &str = "SELECT \
    (SELECT s.until FROM sanction s WHERE s.subject = $1 AND s.kind = 'client_ban' \
    AND s.ended_at IS NULL AND s.until > $2 ORDER BY s.until DESC LIMIT 1) AS banned_until, \
    (SELECT CAST(coalesce(sum(p.amount - p.paid), 0) AS bigint) FROM penalty p \
    WHERE p.client_id = $1 AND p.state = 'pending') AS debt, \
    (SELECT count(*) FROM penalty p WHERE p.client_id = $1 AND p.state = 'pending') AS unpaid, \
    (SELECT count(*) FROM strike m JOIN \"order\" o ON o.id = m.order_id WHERE m.subject = $1 \
    AND m.at > $4 AND m.kind IN ('{withdrew}', '{unanswered}') \
    AND m.voided_at IS NULL AND o.partner_id = $3 AND o.pending_commission > 0) \
    AS unanswered_here, \
    (SELECT m.at FROM strike m WHERE m.subject = $1 AND m.kind = '{withdrew}' \
    AND m.voided_at IS NULL ORDER BY m.at DESC LIMIT 1) AS last_withdrawn, ";

/// Has the client completed enough orders since the last strike (LIM-1)?
async fn trusted(tx: &Tx, client_id: PersonId, keys: &Policy) -> Result<bool, CommandError> {
    let strike = record::newest_fault(tx, client_id).await?;
    let mut completed = order_table::Entity::find()
        .filter(order::Column::ClientId.eq(client_id))
        .filter(order::Column::Status.eq(OrderStatus::Completed));
    if let Some(strike) = strike {
        completed = completed.filter(order::Column::CompletedAt.gt(strike.at));
    }
    Ok(completed.count(tx.db()).await? >= keys.client.trusted_completed)
}

/// QO-7: checks that the car has no open quick order; the database enforces it at the commit.
///
/// # Errors
/// `car_busy`, with that order.
pub(in crate::orders) fn car_free(
    tx: &Tx,
    open: &[Model],
    car_id: CarId,
) -> Result<(), CommandError> {
    let busy = |other: &&Model| other.car_id == car_id && other.kind == OrderKind::Quick;
    match open.iter().find(busy) {
        Some(order) => {
            let order = Viewer::of(tx)?.view(order, Reader::Client);
            Err(Refusal::CarBusy.refused().with("order", order).into())
        }
        None => Ok(()),
    }
}
