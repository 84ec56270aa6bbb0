//! Limits of a branch's catalogue and calendar (LIM-7).
//!
//! Each addition raises the branch's version first, so two concurrent ones cannot both be the last
//! permitted.

use entity::value::{Instant, PartnerId};
use entity::{bay, bay_block, partner, service, special_day};
use sea_orm::{ColumnTrait as _, EntityTrait as _, PaginatorTrait as _, QueryFilter as _};

use super::Refusal;
use super::local_time::today;
use crate::context::Tx;
use crate::policy;
use platform::CommandError;

/// Checks the limit of services, counting those offered no longer.
///
/// # Errors
/// `too_many_services`, or a fault.
pub(super) async fn one_more_service(tx: &Tx, id: PartnerId) -> Result<(), CommandError> {
    let all = service::Entity::find().filter(service::Column::PartnerId.eq(id));
    let most = policy::registry::in_force(tx)?.keys.catalogue.services_max;
    fits(all.count(tx.db()).await?, most, Refusal::TooManyServices)
}

/// Checks the limit of bays, counting those out of use.
///
/// # Errors
/// `too_many_bays`, or a fault.
pub(super) async fn one_more_bay(tx: &Tx, id: PartnerId) -> Result<(), CommandError> {
    let all = bay::Entity::find().filter(bay::Column::PartnerId.eq(id));
    let most = policy::registry::in_force(tx)?.keys.catalogue.bays_max;
    fits(all.count(tx.db()).await?, most, Refusal::TooManyBays)
}

/// Checks the limit of blocks, counting those that are not over.
///
/// # Errors
/// `too_many_blocks`, or a fault.
pub(super) async fn one_more_block(tx: &Tx, id: PartnerId) -> Result<(), CommandError> {
    let all = bay_block::Entity::find()
        .filter(bay_block::Column::PartnerId.eq(id))
        .filter(bay_block::Column::EndsAt.gt(tx.now()))
        .filter(bay_block::Column::RemovedAt.is_null());
    let most = policy::registry::in_force(tx)?.keys.catalogue.blocks_max;
    fits(all.count(tx.db()).await?, most, Refusal::TooManyBlocks)
}

/// Checks the limit of special days, counting those from today on.
///
/// # Errors
/// `too_many_special_days`, or a fault.
pub(super) async fn one_more_special_day(
    tx: &Tx,
    partner: &partner::Model,
    date: &str,
    now: Instant,
) -> Result<(), CommandError> {
    // Dates are stored as text that sorts chronologically.
    let today = today(partner, now)?.to_string();
    let others = special_day::Entity::find()
        .filter(special_day::Column::PartnerId.eq(partner.id))
        .filter(special_day::Column::Date.gte(today))
        .filter(special_day::Column::Date.ne(date));
    let most = policy::registry::in_force(tx)?.keys.catalogue.special_days_max;
    fits(others.count(tx.db()).await?, most, Refusal::TooManyDays)
}

fn fits(there: u64, most: u64, refusal: Refusal) -> Result<(), CommandError> {
    if there < most { Ok(()) } else { Err(refusal.refused().with("limit", most).into()) }
}
