//! Declining an offer by the partner.

use entity::kinds::{CommandName, EventKind, StrikeKind};
use entity::order::{EndReason, Model};
use entity::value::{Actor, Instant, OrderId};
use serde_json::json;

use crate::context::{Context, Tx};
use crate::orders::decision::{End, Reasoned, Step};
use crate::orders::machine::{self, Intent};
use crate::orders::read::{self, OrderScope};
use crate::orders::view::OrderView;
use crate::orders::visit::accept::in_time;
use crate::orders::{Refusal, write};
use crate::policy::{self, Policy};
use platform::codes::given;
use platform::{Command, CommandError};

/// Declines an offer.
pub struct Decline {
    /// The acting branch.
    pub scope: OrderScope,
    /// The order.
    pub order_id: OrderId,
    /// The reason.
    pub reason: String,
}

impl Command<Context> for Decline {
    type Answer = OrderView;
    const NAME: CommandName = CommandName::Decline;

    async fn run(&self, tx: &mut Tx) -> Result<OrderView, CommandError> {
        let order = read::ask(tx, self.scope, self.order_id, Intent::Decline).await?;
        let facts = Reasoned { reason: given(&self.reason)? };
        let keys = policy::registry::at_version(tx, order.policy_version)?;
        let step = Self::decide(&order, &facts, &keys, tx.now());
        let step = step.map_err(|refusal| read::refuse(tx, refusal, &order, self.scope))?;
        let order = write::step(tx, &order, step).await?;
        read::shown(tx, &order, self.scope)
    }
}

impl Decline {
    /// An expired offer is ended only by the scheduler (ORD-5).
    pub(in crate::orders) fn decide(
        order: &Model,
        facts: &Reasoned<'_>,
        policy: &Policy,
        now: Instant,
    ) -> Result<Step, Refusal> {
        let to = machine::next(order, Intent::Decline, Actor::Staff)?;
        if !in_time(order, policy, now) {
            return Err(Refusal::OfferExpired);
        }
        let end = End::of(to, EndReason::Declined, now);
        Ok(Step {
            note: json!({"reason": facts.reason}),
            marks: vec![(order.partner_id.0, StrikeKind::Declined)],
            ..Step::end(Intent::Decline, EventKind::OrderDeclined, order, end)
        })
    }
}
