//! В путь: the client drives (QO-4).

use entity::order::Model;
use entity::value::OrderId;

use super::apply::{self, Step};
use super::machine::Intent;
use super::read::{self, Scope};
use super::view::{OrderView, view};
use super::{Refusal, late};
use crate::platform::{Command, Stop, Tx};

/// The client sets out; allowed while overdue.
pub struct Depart {
    /// Whose order.
    pub scope: Scope,
    /// Which order.
    pub order_id: OrderId,
}

impl Command for Depart {
    type Answer = OrderView;
    const NAME: &'static str = "depart";

    async fn run(&self, tx: &mut Tx) -> Result<OrderView, Stop> {
        let (order, to) = read::ask(tx, self.scope, self.order_id, Intent::Depart).await?;
        if order.frozen_until.is_some() {
            return Err(read::refuse(Refusal::Frozen, &order, self.scope).into());
        }
        late::still_awaited(tx, &order, self.scope)?;
        let next = Model { status: to, departed_at: Some(tx.now()), ..order.clone() };
        let order = apply::step(tx, &order, Step::new(Intent::Depart, "order.departed", next))?;
        Ok(view(&order, self.scope.reader()))
    }
}
