//! The days on which payables are due, in the partner's zone (BON-5).

use chrono::{NaiveDate, TimeDelta, TimeZone as _};
use chrono_tz::Tz;
use entity::partner;
use entity::payable::{self, PayableState};
use entity::value::{Instant, PartnerId};
use sea_orm::{
    ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
};

use crate::context::Tx;
use crate::ledger;
use crate::partners::local_time;
use platform::CommandError;

/// Maximum number of payables in one payout.
pub(in crate::billing) const TOGETHER_MAX: usize = 200;

/// The time zone in which a partner's days are counted.
pub(in crate::billing) async fn zone(
    tx: &mut Tx,
    partner_id: PartnerId,
) -> Result<Tz, CommandError> {
    let row = tx.find::<partner::Entity>(partner_id).await?;
    let row = row.ok_or(ledger::Refusal::NoSuchPartner)?;
    Ok(local_time::zone(&row)?)
}

/// The instant at which a local date's payouts are collected.
pub(in crate::billing) fn run_at(date: NaiveDate, zone: Tz, minutes: u32) -> Instant {
    let local = date.and_time(chrono::NaiveTime::MIN) + TimeDelta::minutes(i64::from(minutes));
    let at = zone.from_local_datetime(&local).earliest();
    at.map_or_else(|| local.and_utc(), |at| at.to_utc())
}

/// The partner's owed payables in no payout, oldest first.
pub(in crate::billing) async fn owed(
    tx: &Tx,
    partner_id: PartnerId,
) -> Result<Vec<payable::Model>, CommandError> {
    Ok(payable::Entity::find()
        .filter(payable::Column::PartnerId.eq(partner_id))
        .filter(payable::Column::State.eq(PayableState::Owed))
        .filter(payable::Column::PayoutId.is_null())
        // A new payable has no due date until its own command sets one.
        .filter(payable::Column::DueOn.is_not_null())
        .order_by_asc(payable::Column::DueOn)
        .order_by_asc(payable::Column::Id)
        .limit(u64::try_from(TOGETHER_MAX).unwrap_or(0))
        .all(tx.db())
        .await?)
}

/// The earliest due date of a partner's payables.
pub(in crate::billing) async fn first_due(
    tx: &Tx,
    partner_id: PartnerId,
) -> Result<Option<NaiveDate>, CommandError> {
    Ok(owed(tx, partner_id).await?.first().and_then(date))
}

/// The date on which a payable is due.
pub(in crate::billing) fn date(row: &payable::Model) -> Option<NaiveDate> {
    row.due_on.as_ref().and_then(|text| text.parse().ok())
}
