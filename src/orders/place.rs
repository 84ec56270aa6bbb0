//! Placing an order, quick or booked (QO-1, BK-1, ORD-7).

use chrono::TimeDelta;
use entity::order::{Kind, Model, Snapshot, Status};
use entity::penalty::{self, PenaltyState};
use entity::sanction::SanctionKind;
use entity::value::{CarId, Instant, Money, OrderId, PartnerId, PersonId};
use entity::{order, person};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait as _, EntityTrait as _, QueryFilter as _, Statement, Value,
};

use super::complete::reserved;
use super::machine::Intent;
use super::view::{OrderView, Reader, view};
use super::wish::{self, Wish};
use super::{Refusal, apply, auto, bonus, machine, slot};
use crate::billing::reserve;
use crate::ledger::commission::commission;
use crate::platform::{Command, Stop, Tx, readable};
use crate::{policy, reputation};

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
        let ready = wish::prepare(tx, self.client_id, &self.wish).await?;
        let keys = &ready.policy.keys;
        if self.wish.shown_total != Some(ready.total) {
            return Err(Refusal::PriceChanged
                .refused()
                .with("total", ready.total)
                .with("services", &ready.snapshot.lines)
                .into());
        }
        // Read first: whoever bans or fines the client meanwhile raises its version.
        let client = tx.find_kept::<person::Entity>(self.client_id).await?;
        let client = Tx::must("person", self.client_id, client)?;
        tx.check(&client);
        not_banned(tx, self.client_id).await?;
        solvent(tx, self.client_id, keys).await?;
        if self.wish.kind == Kind::Quick && !tx.first_run() {
            // The first run leaves it to the database's own rule; a second one says which order.
            car_free(tx, self.wish.car_id).await?;
        }
        let due = commission(ready.total, &keys.commission);
        affordable(tx, ready.partner.id, due, keys.balance.floor).await?;
        let answer_by = match &ready.booked {
            None => tx.now() + TimeDelta::seconds(keys.quick.offer_ttl_s),
            Some(booked) => slot::answer_by(booked.starts_at, tx.now(), keys),
        };
        // Hours, services and bays as they are now: an edit meanwhile has it run again (BK-13).
        tx.check(&ready.partner);
        tx.check(&ready.car);
        let order = Model {
            code: code(),
            kind: self.wish.kind,
            client_id: self.client_id,
            client_name: client.name,
            partner_id: ready.partner.id,
            car_id: ready.car.id,
            car_class: ready.car.class,
            plate: ready.car.plate,
            agreed: ready.total,
            client_agreed: ready.total,
            commission: due,
            policy_version: ready.policy.version,
            offer_deadline: Some(answer_by),
            bonus: self.wish.pay_with_bonus.unwrap_or_default(),
            ..blank(ready.snapshot, tx.now())
        };
        let order = match &ready.booked {
            None => order,
            Some(booked) => wish::scheduled(order, booked, keys),
        };
        if order.bonus != Money::ZERO {
            bonus::fits(order.bonus, order.agreed)?;
            reserve::set_aside(tx, reserved(&order)).await?;
        }
        let auto = auto::confirms(&ready.partner, &order);
        apply::create(tx, &order, auto)?;
        let warnings = wish::warnings(ready.overlaps);
        Ok(OrderView { warnings, ..view(&order, Reader::Client) })
    }
}

/// SAN-1: a banned client places nothing; what runs goes on.
async fn not_banned(tx: &Tx, client_id: PersonId) -> Result<(), Stop> {
    let ban = reputation::read::standing(tx.db(), client_id.0, SanctionKind::ClientBan, tx.now());
    match ban.await? {
        Some(ban) => Err(Refusal::Banned.refused().with("until", ban.until).into()),
        None => Ok(()),
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
        .filter(order::Column::Status.is_in(open));
    match readable::partly(tx.db(), busy).await?.first() {
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

/// Would the commission fit above the floor, usable bonus and the partner's other pending offers
/// counted, and does nothing restrict it (BAL-3)?
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
               WHERE o.partner_id = w.id AND o.status = 'requested'), 0) AS bigint) \
               + CAST(coalesce((SELECT sum(l.free) FROM lot l WHERE l.owner = w.id AND \
               (l.state = 'queued' OR (l.state = 'running' AND l.expires_at >= $2))), 0) \
               AS bigint) AS left_over, w.floor AS floor, w.restricted AS restricted \
               FROM wallet w WHERE w.id = $1";
    let statement = Statement::from_sql_and_values(
        tx.db().get_database_backend(),
        sql,
        [Value::from(partner_id.0), Value::from(tx.now())],
    );
    let row = tx.db().query_one_raw(statement).await?;
    let row = Tx::must("wallet", partner_id, row)?;
    let left = row.try_get::<i64>("", "left_over")? - due.0;
    let own: Option<i64> = row.try_get("", "floor")?;
    let restricted: bool = row.try_get("", "restricted")?;
    Ok(!restricted && left >= own.unwrap_or(floor.0))
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
fn blank(snapshot: Snapshot, now: Instant) -> Model {
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
        snapshot,
        agreed: Money::ZERO,
        client_agreed: Money::ZERO,
        class_total: None,
        amount_confirmed: None,
        final_amount: None,
        commission: Money::ZERO,
        commission_bonus: Money::ZERO,
        bonus: Money::ZERO,
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
        position_doubted_at: None,
        admitted_at: None,
        admitted_from: None,
        planned_end: None,
        completed_at: None,
        cancelled_at: None,
        penalty: None,
        flagged: false,
        undelivered: false,
        starts_at: None,
        ends_at: None,
        bay_id: None,
        taken_from: None,
        taken_until: None,
        overbooked: false,
        scheduled_at: None,
        depart_from: None,
        depart_deadline: None,
        reschedules: 0,
        moved_late: false,
        proposal: None,
        class_corrected: false,
        amount_contested_at: None,
        updated_at: now,
        unreadable: None,
    }
}
