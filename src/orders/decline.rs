//! Declining an offer by the partner.

use entity::order::EndReason;
use entity::value::{Money, OrderId};
use serde_json::json;

use super::Refusal;
use super::accept::in_time;
use super::cancel::End;
use super::machine::Intent;
use super::read::{self, OrderScope};
use super::view::{OrderView, view};
use crate::platform::codes::given;
use crate::platform::{Command, CommandError, Tx};
use crate::policy;

/// Declines an offer.
pub struct Decline {
    /// The acting branch.
    pub scope: OrderScope,
    /// The order.
    pub order_id: OrderId,
    /// The reason.
    pub reason: String,
}

impl Command for Decline {
    type Answer = OrderView;
    const NAME: &'static str = "decline";

    async fn run(&self, tx: &mut Tx) -> Result<OrderView, CommandError> {
        let (order, to) = read::ask(tx, self.scope, self.order_id, Intent::Decline).await?;
        let reason = given(&self.reason)?;
        // An expired offer is ended only by the scheduler (ORD-5).
        let keys = policy::registry::at_version(tx, order.policy_version)?;
        if !in_time(&order, &keys, tx.now()) {
            return Err(read::refuse(Refusal::OfferExpired, &order, self.scope).into());
        }
        let end = End {
            intent: Intent::Decline,
            event: "order.declined",
            to,
            reason: EndReason::Declined,
            penalty: Money::ZERO,
            note: json!({"reason": reason}),
            marks: vec![(order.partner_id.0, "declined")],
        };
        let order = end.of(tx, &order).await?;
        Ok(view(&order, self.scope.reader()))
    }
}
