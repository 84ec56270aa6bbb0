//! Placing a quick order, and the preview before it (QO-1, ORD-7).

use chrono::TimeDelta;
use entity::order::{Kind, Line, Model, Snapshot, Status};
use entity::penalty::{self, PenaltyState};
use entity::value::{CarId, Instant, Money, OrderId, PartnerId, PersonId, Point, ServiceId};
use entity::{car, order, partner, person};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait as _, EntityTrait as _, QueryFilter as _, Statement, Value,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::machine::Intent;
use super::view::{OrderView, Reader, view};
use super::{Refusal, apply, machine, price};
use crate::discovery::geo;
use crate::ledger::commission::commission;
use crate::partners;
use crate::platform::{Command, Stop, Tx};
use crate::policy::{self, PolicyVersion};

/// What a client asks for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Wish {
    /// Quick; booking comes with its own part of the engine.
    pub kind: Kind,
    /// At which branch.
    pub partner_id: PartnerId,
    /// For which car.
    pub car_id: CarId,
    /// Which services.
    pub service_ids: Vec<ServiceId>,
    /// Where the client is.
    pub origin: Point,
    /// The total that was shown, qəpik; not needed for a preview.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shown_total: Option<Money>,
}

/// What cancelling will cost, said before placing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Terms {
    /// Basis points of the agreed estimate.
    pub fee_bp: i32,
    /// At most.
    pub fee_cap: Money,
    /// Free until the partner's yes was seen.
    pub free_until: String,
}

/// A preview (QO-1).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Preview {
    /// The services, priced for the car.
    pub services: Vec<Line>,
    /// Their sum: place with it as `shown_total`.
    pub total: Money,
    /// The estimate of the route, seconds.
    pub route_secs: i64,
    /// What comes on top of it, seconds.
    pub arrival_buffer_secs: i64,
    /// What cancelling will cost.
    pub cancellation: Terms,
}

struct Ready {
    policy: PolicyVersion,
    car: car::Model,
    partner: partner::Model,
    snapshot: Snapshot,
    total: Money,
}

/// Shows what an order would be; changes nothing.
pub struct PreviewOrder {
    /// Who asks.
    pub client_id: PersonId,
    /// For what.
    pub wish: Wish,
}

impl Command for PreviewOrder {
    type Answer = Preview;
    const NAME: &'static str = "preview_order";

    async fn run(&self, tx: &mut Tx) -> Result<Preview, Stop> {
        let ready = prepare(tx, self.client_id, &self.wish).await?;
        Ok(Preview {
            total: ready.total,
            route_secs: ready.snapshot.route_secs,
            arrival_buffer_secs: ready.snapshot.buffer_secs,
            cancellation: Terms {
                fee_bp: ready.snapshot.fee_bp.0,
                fee_cap: ready.snapshot.fee_cap,
                free_until: "acceptance".to_owned(),
            },
            services: ready.snapshot.lines,
        })
    }
}

/// Places an order.
pub struct Place {
    /// Who places it.
    pub client_id: PersonId,
    /// What for.
    pub wish: Wish,
}

impl Command for Place {
    type Answer = OrderView;
    const NAME: &'static str = "place";

    async fn run(&self, tx: &mut Tx) -> Result<OrderView, Stop> {
        machine::allow(self.wish.kind, None, Intent::Place, tx.by().actor)?;
        let ready = prepare(tx, self.client_id, &self.wish).await?;
        let keys = &ready.policy.keys;
        if self.wish.shown_total != Some(ready.total) {
            return Err(Refusal::PriceChanged
                .refused()
                .with("total", ready.total)
                .with("services", &ready.snapshot.lines)
                .into());
        }
        solvent(tx, self.client_id, keys).await?;
        if !tx.first_run() {
            // The first run leaves it to the database's own rule; a second one says which order.
            car_free(tx, self.wish.car_id).await?;
        }
        let due = commission(ready.total, &keys.commission);
        affordable(tx, ready.partner.id, due, keys.balance.floor).await?;
        let client = tx.find_kept::<person::Entity>(self.client_id).await?;
        let client = Tx::must("person", self.client_id, client)?;
        let offer_deadline = tx.now() + TimeDelta::seconds(keys.quick.offer_ttl_s);
        let order = Model {
            code: code(),
            kind: self.wish.kind,
            client_id: self.client_id,
            client_name: client.name,
            partner_id: ready.partner.id,
            car_id: ready.car.id,
            car_class: ready.car.class,
            plate: ready.car.plate,
            snapshot: ready.snapshot,
            agreed: ready.total,
            commission: due,
            policy_version: ready.policy.version,
            offer_deadline: Some(offer_deadline),
            ..blank(tx.now())
        };
        apply::create(tx, &order)?;
        Ok(view(&order, Reader::Client))
    }
}

/// Everything a preview and an order share: the partner serves now, the services fit the car, the
/// price is known.
async fn prepare(tx: &mut Tx, client_id: PersonId, wish: &Wish) -> Result<Ready, Stop> {
    if wish.kind != Kind::Quick {
        return Err(Refusal::KindUnknown.into());
    }
    let policy = policy::book::in_force(tx)?;
    let car = tx.find_kept::<car::Entity>(wish.car_id).await?;
    let car = car.filter(|car| car.client_id == client_id && car.removed_at.is_none());
    let car = car.ok_or(Refusal::NoSuchCar)?;
    let partner = tx.find_kept::<partner::Entity>(wish.partner_id).await?;
    let partner = partner.ok_or(partners::Refusal::NoSuchPartner)?;
    let mut hours = partners::read::hours(tx.db(), &[partner.id]).await?;
    let hours = hours.remove(&partner.id).unwrap_or_default();
    if !partners::read::serving(&partner, &hours, tx.now())? {
        return Err(Refusal::PartnerNotTaking.into());
    }
    let mut services = partners::read::services(tx.db(), &[partner.id]).await?;
    let services = services.remove(&partner.id).unwrap_or_default();
    let lines = price::lines(&services, &[], &wish.service_ids, car.class)?;
    let total = price::total(&lines)?;
    let snapshot = snapshot(&policy, &partner, &car, lines, wish.origin);
    Ok(Ready { policy, car, partner, snapshot, total })
}

fn snapshot(
    policy: &PolicyVersion,
    partner: &partner::Model,
    car: &car::Model,
    lines: Vec<Line>,
    origin: Point,
) -> Snapshot {
    let keys = &policy.keys;
    let point = Point { lat: partner.lat, lon: partner.lon };
    let buffer_min = i64::from(partner.arrival_buffer_min).max(keys.quick.arrival_buffer_min);
    Snapshot {
        partner_name: partner.name.clone(),
        partner_address: partner.address.clone(),
        partner_point: point,
        zone: partner.zone.clone(),
        car_make: car.make.clone(),
        origin,
        lines,
        route_secs: geo::route_secs(
            geo::distance_m(origin, point),
            keys.arrival.route_detour_pct,
            keys.arrival.route_speed_kmh,
        ),
        buffer_secs: buffer_min * 60,
        fee_bp: keys.quick.fee_bp,
        fee_cap: keys.quick.fee_cap,
    }
}

/// PEN-6: unpaid penalties refuse new orders; disputed ones do not count.
async fn solvent(tx: &Tx, client_id: PersonId, keys: &policy::Policy) -> Result<(), Stop> {
    let unpaid = penalty::Entity::find()
        .filter(penalty::Column::ClientId.eq(client_id))
        .filter(penalty::Column::State.eq(PenaltyState::Pending))
        .all(tx.db())
        .await?;
    let debt = Money(unpaid.iter().map(|p| p.amount.0 - p.paid.0).sum());
    if debt >= keys.fee.block_debt || unpaid.len() >= keys.fee.block_count {
        return Err(Refusal::InDebt.refused().with("debt", debt).into());
    }
    Ok(())
}

/// QO-7; the database has the last word.
async fn car_free(tx: &Tx, car_id: CarId) -> Result<(), Stop> {
    let open = [Status::Requested, Status::Confirmed, Status::OnTheWay, Status::Active];
    let busy = order::Entity::find()
        .filter(order::Column::CarId.eq(car_id))
        .filter(order::Column::Kind.eq(Kind::Quick))
        .filter(order::Column::Status.is_in(open))
        .all(tx.db())
        .await?;
    match busy.first() {
        Some(order) => {
            let order = view(order, Reader::Client);
            Err(Refusal::CarBusy.refused().with("order", order).into())
        }
        None => Ok(()),
    }
}

/// BAL-3: a client never waits for a partner who cannot afford the commission.
async fn affordable(tx: &Tx, partner_id: PartnerId, due: Money, floor: Money) -> Result<(), Stop> {
    let affords = affords(tx, partner_id, due, floor).await?;
    if affords { Ok(()) } else { Err(Refusal::PartnerCannotAfford.into()) }
}

/// Would the commission fit above the floor, the partner's other pending offers counted (BAL-3)?
///
/// # Errors
/// A fault when the wallet is missing.
pub(super) async fn affords(
    tx: &Tx,
    partner_id: PartnerId,
    due: Money,
    floor: Money,
) -> Result<bool, Stop> {
    let sql = "SELECT w.posted - w.held - CAST(coalesce((SELECT sum(o.commission) FROM \"order\" o \
               WHERE o.partner_id = w.id AND o.status = 'requested'), 0) AS bigint) AS left_over, \
               w.floor AS floor FROM wallet w WHERE w.id = $1";
    let statement = Statement::from_sql_and_values(
        tx.db().get_database_backend(),
        sql,
        [Value::from(partner_id.0)],
    );
    let row = tx.db().query_one_raw(statement).await?;
    let row = Tx::must("wallet", partner_id, row)?;
    let left = row.try_get::<i64>("", "left_over")? - due.0;
    let own: Option<i64> = row.try_get("", "floor")?;
    Ok(left >= own.unwrap_or(floor.0))
}

/// What people read aloud: five letters and digits that are not mistaken for each other.
fn code() -> String {
    const LETTERS: &[u8] = b"ACDEFHJKLMNPQRTUVWXY3479";
    let letter = |_| {
        let i = rand::random_range(0..LETTERS.len());
        LETTERS.get(i).copied().map_or('A', char::from)
    };
    let mut code: String = (0..6).map(letter).collect();
    code.insert(4, '-');
    code
}

/// A requested order that nothing has happened to.
fn blank(now: Instant) -> Model {
    let point = Point { lat: 0.0, lon: 0.0 };
    Model {
        id: OrderId::new(),
        code: String::new(),
        kind: Kind::Quick,
        status: Status::Requested,
        reason: None,
        version: 1,
        client_id: PersonId(uuid::Uuid::nil()),
        client_name: None,
        partner_id: PartnerId(uuid::Uuid::nil()),
        car_id: CarId(uuid::Uuid::nil()),
        car_class: entity::value::CarClass::Sedan,
        plate: entity::value::Sealed(String::new()),
        snapshot: Snapshot {
            partner_name: String::new(),
            partner_address: String::new(),
            partner_point: point,
            zone: String::new(),
            car_make: String::new(),
            origin: point,
            lines: Vec::new(),
            route_secs: 0,
            buffer_secs: 0,
            fee_bp: entity::value::Bp(0),
            fee_cap: Money::ZERO,
        },
        agreed: Money::ZERO,
        final_amount: None,
        commission: Money::ZERO,
        policy_version: 0,
        placed_at: now,
        offer_deadline: None,
        accepted_at: None,
        arrival_deadline: None,
        overdue_at: None,
        decision_deadline: None,
        extensions: 0,
        departed_at: None,
        arrived_at: None,
        arrival_by: None,
        admit_alert_at: None,
        alerted_at: None,
        admit_deadline: None,
        frozen_until: None,
        eta_at: None,
        admitted_at: None,
        admitted_from: None,
        planned_end: None,
        completed_at: None,
        cancelled_at: None,
        penalty: None,
        flagged: false,
        undelivered: false,
        updated_at: now,
    }
}
