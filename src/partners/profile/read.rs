//! Reads of branches: as shown, and as an order needs them.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use entity::partner::{AutoConfirm, PartnerState};
use entity::value::{
    CarClass, Instant, Money, PartnerId, Point, SealedColumn, SealedField, ServiceId,
};
use entity::{opening, partner, service, service_price};
use sea_orm::{ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::arrival_code;
use crate::partners::Refusal;
use crate::partners::local_time::zone;
use crate::partners::schedule::hours::{Calendar, Hours};
use platform::CommandError;
use platform::crypto::Keys;
use platform::db::readable::{self, Rows};
use platform::page::Page;

/// A branch as shown to its staff and to support.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct BranchView {
    /// The branch.
    pub id: PartnerId,
    /// Its name.
    pub name: String,
    /// Its address.
    pub address: String,
    /// Its position.
    pub point: Point,
    /// IANA time zone.
    pub zone: String,
    /// Its state.
    pub state: PartnerState,
    /// Whether it takes orders now, by its own setting.
    pub taking_orders: bool,
    /// Minutes added to the route.
    pub arrival_buffer_min: i32,
    /// Today's arrival code; a new one every local day (ARR-1, LIM-3).
    pub arrival_code: SealedField,
    /// The end of a pause, or of closing for today (BK-13).
    pub closed_until: Option<DateTime<Utc>>,
    /// Its slot grid, minutes; null for the policy's (BK-1).
    pub grid_min: Option<i16>,
    /// Bookings can be cancelled free until so many minutes before; null for the policy's.
    pub free_cancel_min: Option<i32>,
    /// Which bookings it confirms automatically (BK-4).
    pub auto_confirm: Option<AutoConfirm>,
    /// Whether it accepts add-ons automatically (ADD-1).
    pub auto_add_on: bool,
    /// Whether it takes quick orders whose client is expected after closing.
    pub late_arrivals: bool,
    /// The version; raised by every change.
    pub version: i64,
}

impl BranchView {
    /// The branch as it is at this instant.
    ///
    /// # Errors
    /// A fault when its zone is unknown, or the system has no randomness.
    pub fn of(row: partner::Model, keys: &Keys, now: Instant) -> Result<Self, CommandError> {
        let code = arrival_code::shown(keys, &row, now)?;
        let column = SealedColumn::ArrivalCode;
        let arrival_code = keys.seal(column, row.id, &code)?.at(column, row.id);
        Ok(Self {
            id: row.id,
            point: Point { lat: row.lat, lon: row.lon },
            name: row.name,
            address: row.address,
            zone: row.zone,
            state: row.state,
            taking_orders: row.taking_orders,
            arrival_buffer_min: row.arrival_buffer_min,
            arrival_code,
            closed_until: row.closed_until,
            grid_min: row.grid_min,
            free_cancel_min: row.free_cancel_min,
            auto_confirm: row.auto_confirm,
            auto_add_on: row.auto_add_on,
            late_arrivals: row.late_arrivals,
            version: row.version,
        })
    }
}

/// The price and duration of a service for one class of car.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PriceView {
    /// The class.
    pub class: CarClass,
    /// The price.
    pub price: Money,
    /// The duration, minutes.
    #[schema(minimum = 5, maximum = 10080, multiple_of = 5)]
    pub minutes: i32,
}

/// A service with its prices.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ServiceView {
    /// The service.
    pub id: ServiceId,
    /// The kind of work.
    pub code: String,
    /// The name clients see.
    pub name: String,
    /// Whether it is offered.
    pub active: bool,
    /// The required kind of bay; any if none is named.
    pub bay_kind: Option<String>,
    /// The buffer after it, minutes; null for the policy's.
    pub buffer_min: Option<i32>,
    /// One for each class of car.
    pub prices: Vec<PriceView>,
    /// The version; raised by every change.
    pub version: i64,
}

/// One branch.
///
/// # Errors
/// `no_such_partner`, or a fault.
pub async fn branch<C: ConnectionTrait>(
    db: &C,
    id: PartnerId,
) -> Result<partner::Model, CommandError> {
    let row = partner::Entity::find_by_id(id).all(db).await?.pop();
    row.ok_or_else(|| Refusal::NoSuchPartner.into())
}

/// The services of some branches, each with its prices.
///
/// # Errors
/// When the database fails.
pub async fn services<C: ConnectionTrait>(
    db: &C,
    partners: &[PartnerId],
) -> Result<BTreeMap<PartnerId, Vec<ServiceView>>, CommandError> {
    Ok(decoded(db, partners).await?.0)
}

/// The services of one branch; those that cannot be decoded are named.
///
/// # Errors
/// When the database fails.
pub async fn own_services<C: ConnectionTrait>(
    db: &C,
    id: PartnerId,
) -> Result<Page<ServiceView>, CommandError> {
    let (mut services, unreadable) = decoded(db, &[id]).await?;
    let items = services.remove(&id).unwrap_or_default();
    Ok(Page { items, next_cursor: None, unreadable })
}

/// Services with their prices, and the ids of those that cannot be decoded: one that has no right
/// price for a class of cars is not offered at all.
async fn decoded<C: ConnectionTrait>(
    db: &C,
    partners: &[PartnerId],
) -> Result<(BTreeMap<PartnerId, Vec<ServiceView>>, Vec<Uuid>), CommandError> {
    let rows =
        service::Entity::find().filter(service::Column::PartnerId.is_in(partners.iter().copied()));
    let Rows { rows, unreadable } = readable::all(db, rows).await?;
    let ids = rows.iter().map(|row| row.id);
    let mut prices: BTreeMap<ServiceId, Vec<PriceView>> = BTreeMap::new();
    let tags = service_price::Entity::find().filter(service_price::Column::ServiceId.is_in(ids));
    let tags = readable::all(db, tags).await?;
    let unreadable: Vec<Uuid> =
        unreadable.into_iter().chain(tags.unreadable).map(|row| row.id).collect();
    for row in tags.rows {
        let price = PriceView { class: row.class, price: row.price, minutes: row.minutes };
        prices.entry(row.service_id).or_default().push(price);
    }
    let mut services: BTreeMap<PartnerId, Vec<ServiceView>> = BTreeMap::new();
    for row in rows.into_iter().filter(|row| !unreadable.contains(&row.id.0)) {
        services.entry(row.partner_id).or_default().push(ServiceView {
            prices: prices.remove(&row.id).unwrap_or_default(),
            id: row.id,
            code: row.code,
            name: row.name,
            active: row.active,
            bay_kind: row.bay_kind,
            buffer_min: row.buffer_min,
            version: row.version,
        });
    }
    Ok((services, unreadable))
}

/// The weekly hours of some branches.
///
/// # Errors
/// When the database fails.
pub async fn hours<C: ConnectionTrait>(
    db: &C,
    partners: &[PartnerId],
) -> Result<BTreeMap<PartnerId, Vec<Hours>>, CommandError> {
    let rows = opening::Entity::find()
        .filter(opening::Column::PartnerId.is_in(partners.iter().copied()))
        .all(db)
        .await?;
    let mut hours: BTreeMap<PartnerId, Vec<Hours>> = BTreeMap::new();
    for row in rows {
        let span =
            Hours { weekday: row.weekday, opens_min: row.opens_min, closes_min: row.closes_min };
        hours.entry(row.partner_id).or_default().push(span);
    }
    Ok(hours)
}

/// The first instant of a branch's local date.
///
/// # Errors
/// `no_such_partner`, or a fault.
pub async fn begins<C: ConnectionTrait>(
    db: &C,
    id: PartnerId,
    date: NaiveDate,
) -> Result<Instant, CommandError> {
    let row = partner::Entity::find_by_id(id).all(db).await?.pop();
    let row = row.ok_or(Refusal::NoSuchPartner)?;
    let calendar = Calendar { zone: zone(&row)?, weekly: Vec::new(), special: Vec::new() };
    Ok(calendar.day(date).from)
}

/// Is the branch live, taking orders, not closed for today, and open at this instant?
#[must_use]
pub fn serving(row: &partner::Model, calendar: &Calendar, at: Instant) -> bool {
    taking(row) && row.closed_until.is_none_or(|until| until <= at) && calendar.open_at(at)
}

/// Is the branch live and taking orders, whether it is open now or not?
#[must_use]
pub fn taking(row: &partner::Model) -> bool {
    row.state == PartnerState::Live && row.taking_orders
}
