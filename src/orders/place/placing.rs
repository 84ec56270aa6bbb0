//! Placing an order, quick or booked (QO-1, BK-1, ORD-7).
//!
//! Each decision depends on something the commit checks: the client's record on the version of the
//! client's row (LIM-1, SAN-1, PEN-6), the branch's balance on a conditional update of its wallet
//! (BAL-3), hours and services on the branch's version, bays and cars on their occupancy (BK-2,
//! BK-11).

use chrono::TimeDelta;
use entity::kinds::CommandName;
use entity::order::{Model, OrderKind, OrderStatus, OrderTerms};
use entity::person;
use entity::value::{CarId, Instant, Money, OrderId, PartnerId, PersonId};

use super::client_record::{self, Placing};
use super::request::{self, OrderRequest};
use super::{afford, bonus};
use crate::access;
use crate::billing::holds::reserve;
use crate::context::{Context, Tx};
use crate::ledger::commission::commission;
use crate::ledger::post::pending::Expected;
use crate::orders::booking::slot;
use crate::orders::machine::Intent;
use crate::orders::money::reserved;
use crate::orders::proposals::auto;
use crate::orders::view::{OrderView, Reader, Viewer};
use crate::orders::{Refusal, machine, write};
use platform::{Command, CommandError};

/// Places an order.
pub struct Place {
    /// The client.
    pub client_id: PersonId,
    /// The order request.
    pub wish: OrderRequest,
}

impl Command<Context> for Place {
    type Answer = OrderView;
    const NAME: CommandName = CommandName::Place;

    async fn run(&self, tx: &mut Tx) -> Result<OrderView, CommandError> {
        machine::allow(self.wish.kind, None, Intent::Place, tx.by().actor)?;
        // Read before anything counted for the client: each placing raises its version.
        let client = tx.find_cached::<person::Entity>(self.client_id).await?;
        let client = Tx::must("person", self.client_id, client)?;
        let ready = request::prepare(tx, self.client_id, &self.wish).await?;
        let keys = &ready.policy.keys;
        if self.wish.shown_total != Some(ready.total) {
            return Err(Refusal::PriceChanged
                .refused()
                .with("total", ready.total)
                .with("services", &ready.snapshot.lines)
                .into());
        }
        client_record::car_free(tx, &ready.open, self.wish.car_id)?;
        let (client_id, partner_id) = (self.client_id, ready.partner.id);
        let placing = Placing { client_id, partner_id, open: &ready.open, keys };
        let counts = placing.allowed(tx).await?;
        // A change of this client's counts before the commit makes the command run again.
        access::people::person::raise_seen(tx, &client);
        let due = commission(ready.total, &keys.commission);
        let counted = if counts { due } else { Money::ZERO };
        let expected = Expected { due, counted, floor: keys.balance.floor };
        afford::expect(tx, partner_id, expected).await?;
        let answer_by = match &ready.booked {
            None => tx.now() + TimeDelta::seconds(keys.quick.offer_ttl_s),
            Some(booked) => slot::answer_by(booked.starts_at, tx.now(), keys),
        };
        // Guards the hours, services and bays: an edit meanwhile makes the command run again
        // (BK-13).
        tx.check(&ready.partner);
        tx.check(&ready.car);
        let warnings = ready.warnings();
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
            pending_commission: counted,
            policy_version: ready.policy.version,
            offer_deadline: Some(answer_by),
            bonus: self.wish.pay_with_bonus.unwrap_or_default(),
            ..blank(ready.snapshot, tx.now())
        };
        let order = match &ready.booked {
            None => order,
            Some(booked) => request::scheduled(order, booked, keys),
        };
        if order.bonus != Money::ZERO {
            bonus::fits(order.bonus, order.agreed)
                .map_err(|refusal| bonus::unfit(refusal, order.agreed, "/pay_with_bonus"))?;
            reserve::set_aside(tx, reserved(&order)).await?;
        }
        let auto = auto::confirms(&ready.partner, &order);
        write::create(tx, &order, auto)?;
        Ok(OrderView { warnings, ..Viewer::of(tx)?.view(&order, Reader::Client) })
    }
}

/// A short code to read aloud: five unambiguous letters and digits.
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

/// A requested order with no further history.
fn blank(snapshot: OrderTerms, now: Instant) -> Model {
    Model {
        id: OrderId::new(),
        code: String::new(),
        kind: OrderKind::Quick,
        status: OrderStatus::Requested,
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
        pending_commission: Money::ZERO,
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
