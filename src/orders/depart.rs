//! Departing ("В путь"): the client sets out (QO-4, BK-5).

use chrono::TimeDelta;
use entity::order::{Model, OrderKind};
use entity::value::OrderId;

use super::machine::Intent;
use super::read::{self, OrderScope};
use super::view::{OrderView, view};
use super::write::{self, Step};
use super::{Refusal, late};
use crate::platform::{Command, CommandError, Tx};

/// Records that the client sets out; allowed while overdue.
pub struct Depart {
    /// The acting client.
    pub scope: OrderScope,
    /// The order.
    pub order_id: OrderId,
}

impl Command for Depart {
    type Answer = OrderView;
    const NAME: &'static str = "depart";

    async fn run(&self, tx: &mut Tx) -> Result<OrderView, CommandError> {
        let (order, to) = read::ask(tx, self.scope, self.order_id, Intent::Depart).await?;
        if order.frozen_until.is_some() {
            return Err(read::refuse(Refusal::Frozen, &order, self.scope).into());
        }
        if order.depart_from.is_some_and(|from| tx.now() < from) {
            return Err(read::refuse(Refusal::TooEarlyToDepart, &order, self.scope).into());
        }
        late::still_awaited(tx, &order, self.scope)?;
        let eta = tx.now() + TimeDelta::seconds(order.snapshot.route_secs);
        let eta_at = match order.kind {
            OrderKind::Quick => order.eta_at,
            OrderKind::Booking => Some(eta),
        };
        let next = Model { status: to, departed_at: Some(tx.now()), eta_at, ..order.clone() };
        let order = write::step(tx, &order, Step::new(Intent::Depart, "order.departed", next))?;
        Ok(view(&order, self.scope.reader()))
    }
}
