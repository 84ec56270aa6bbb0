//! The partner says yes: the commission is held, the client's time begins (QO-3, QO-4).

use chrono::TimeDelta;
use entity::order::{Model, Status};
use entity::partner;
use entity::partner::PartnerState;
use entity::value::{Instant, OrderId};

use super::Refusal;
use super::apply::{self, Step};
use super::machine::Intent;
use super::read::{self, Scope};
use super::view::{OrderView, view};
use crate::ledger::proof::Standing;
use crate::platform::{Command, Stop, Tx};
use crate::policy::{self, Policy};
use crate::{ledger, partners};

/// Accepts an offer.
pub struct Accept {
    /// Of which branch.
    pub scope: Scope,
    /// Which order.
    pub order_id: OrderId,
    /// The version the staff saw (ORD-3).
    pub seen: i64,
}

impl Command for Accept {
    type Answer = OrderView;
    const NAME: &'static str = "accept";

    async fn run(&self, tx: &mut Tx) -> Result<OrderView, Stop> {
        let (order, to) = read::ask(tx, self.scope, self.order_id, Intent::Accept).await?;
        read::fresh(&order, self.seen, self.scope)?;
        let keys = policy::book::pinned(tx, order.policy_version)?;
        if !in_time(&order, &keys, tx.now()) {
            return Err(read::refuse(Refusal::OfferExpired, &order, self.scope).into());
        }
        if !tx.shared::<Standing>()?.holds() {
            return Err(read::refuse(Refusal::BooksWrong, &order, self.scope).into());
        }
        let partner = tx.find_kept::<partner::Entity>(order.partner_id).await?;
        let partner = partner.ok_or(partners::Refusal::NoSuchPartner)?;
        if partner.state != PartnerState::Live {
            return Err(read::refuse(Refusal::PartnerNotTaking, &order, self.scope).into());
        }
        // Floors follow the policy of today, not the order's.
        let floor = policy::book::in_force(tx)?.keys.balance.floor;
        ledger::post::hold(tx, order.id, order.partner_id, order.commission, floor);
        let next = accepted(&order, to, tx.now());
        let order = apply::step(tx, &order, Step::new(Intent::Accept, "order.confirmed", next))?;
        Ok(view(&order, self.scope.reader()))
    }
}

/// Is the offer still open? The grace is shown to no one (QO-2, ORD-5).
pub(super) fn in_time(order: &Model, keys: &Policy, now: Instant) -> bool {
    let grace = TimeDelta::seconds(keys.quick.net_grace_s);
    order.offer_deadline.is_some_and(|deadline| now <= deadline + grace)
}

fn accepted(order: &Model, to: Status, now: Instant) -> Model {
    let route = TimeDelta::seconds(order.snapshot.route_secs);
    let buffer = TimeDelta::seconds(order.snapshot.buffer_secs);
    Model {
        status: to,
        accepted_at: Some(now),
        arrival_deadline: Some(now + route + buffer),
        eta_at: Some(now + route),
        ..order.clone()
    }
}
