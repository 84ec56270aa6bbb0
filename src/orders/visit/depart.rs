//! Departing ("В путь"): the client sets out (QO-4, BK-5).

use chrono::TimeDelta;
use entity::kinds::{CommandName, EventKind};
use entity::order::{Model, OrderKind};
use entity::value::{Actor, Instant, OrderId};

use super::late;
use crate::context::{Context, Tx};
use crate::orders::decision::{NoFacts, Step};
use crate::orders::machine::{self, Intent};
use crate::orders::read::{self, OrderScope};
use crate::orders::view::OrderView;
use crate::orders::{Refusal, write};
use crate::policy::{self, Policy};
use platform::{Command, CommandError};

/// Records that the client sets out; allowed while overdue.
pub struct Depart {
    /// The acting client.
    pub scope: OrderScope,
    /// The order.
    pub order_id: OrderId,
}

impl Command<Context> for Depart {
    type Answer = OrderView;
    const NAME: CommandName = CommandName::Depart;

    async fn run(&self, tx: &mut Tx) -> Result<OrderView, CommandError> {
        let order = read::ask(tx, self.scope, self.order_id, Intent::Depart).await?;
        let keys = policy::registry::at_version(tx, order.policy_version)?;
        let step = Self::decide(&order, &NoFacts, &keys, tx.now());
        let step = step.map_err(|refusal| read::refuse(tx, refusal, &order, self.scope))?;
        let order = write::step(tx, &order, step).await?;
        read::shown(tx, &order, self.scope)
    }
}

impl Depart {
    /// The client may set out from the start of the window, and while still awaited.
    pub(in crate::orders) fn decide(
        order: &Model,
        _: &NoFacts,
        policy: &Policy,
        now: Instant,
    ) -> Result<Step, Refusal> {
        let to = machine::next(order, Intent::Depart, Actor::Client)?;
        if order.frozen_until.is_some() {
            return Err(Refusal::Frozen);
        }
        if late::travel_window(order, policy).early(now) {
            return Err(Refusal::TooEarlyToDepart);
        }
        late::still_awaited(order, policy, now)?;
        let eta_at = match order.kind {
            OrderKind::Quick => order.eta_at,
            OrderKind::Booking => Some(now + TimeDelta::seconds(order.snapshot.route_secs)),
        };
        let next = Model { status: to, departed_at: Some(now), eta_at, ..order.clone() };
        Ok(Step::new(Intent::Depart, EventKind::OrderDeparted, next))
    }
}
