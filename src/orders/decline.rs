//! The partner says no.

use entity::order::{Model, Reason};
use entity::value::OrderId;
use serde_json::json;

use super::Refusal;
use super::accept::in_time;
use super::apply::{self, Step};
use super::machine::Intent;
use super::read::{self, Scope};
use super::view::{OrderView, view};
use crate::platform::codes::given;
use crate::platform::{Command, Stop, Tx};
use crate::policy;

/// Declines an offer.
pub struct Decline {
    /// Of which branch.
    pub scope: Scope,
    /// Which order.
    pub order_id: OrderId,
    /// Why.
    pub reason: String,
}

impl Command for Decline {
    type Answer = OrderView;
    const NAME: &'static str = "decline";

    async fn run(&self, tx: &mut Tx) -> Result<OrderView, Stop> {
        let (order, to) = read::ask(tx, self.scope, self.order_id, Intent::Decline).await?;
        let reason = given(&self.reason)?;
        // What is over is answered by the clock alone (ORD-5).
        let keys = policy::book::pinned(tx, order.policy_version)?;
        if !in_time(&order, &keys, tx.now()) {
            return Err(read::refuse(Refusal::OfferExpired, &order, self.scope).into());
        }
        let next = Model {
            status: to,
            reason: Some(Reason::Declined),
            cancelled_at: Some(tx.now()),
            ..order.clone()
        };
        let step = Step {
            note: json!({"reason": reason}),
            marks: vec![(order.partner_id.0, "declined")],
            ..Step::new(Intent::Decline, "order.declined", next)
        };
        let order = apply::step(tx, &order, step)?;
        Ok(view(&order, self.scope.reader()))
    }
}
