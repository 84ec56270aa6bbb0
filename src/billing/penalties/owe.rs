//! The penalty that the end of an order leaves: the client's debt (PEN-5, PEN-6).

use entity::order;
use entity::penalty::{Model, PenaltyState};
use entity::value::{Money, PenaltyId};

use crate::access::people::person;
use crate::context::Tx;

/// Creates the penalty of an order that ended with a fee.
pub fn owe(tx: &mut Tx, order: &order::Model, amount: Money) {
    // A concurrent placing must count this debt (PEN-6).
    person::raise(tx, order.client_id);
    tx.insert(Model {
        id: PenaltyId::new(),
        order_id: order.id,
        client_id: order.client_id,
        partner_id: order.partner_id,
        amount,
        paid: Money::ZERO,
        state: PenaltyState::Pending,
        payments: 0,
        disputed_at: None,
        dispute_reason: None,
        settled_at: None,
        created_at: tx.now(),
        version: 1,
    });
}
