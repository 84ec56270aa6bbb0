//! The events about a penalty.

use entity::kinds::{EventKind, SupportQueue};
use entity::penalty;
use entity::value::{EventId, Money};
use serde_json::json;

use super::read::PenaltyView;
use crate::context::Tx;
use platform::{Audience, CommandError};

/// Emits the penalty's state to the client.
pub fn client(
    tx: &mut Tx,
    penalty: &PenaltyView,
    reason: Option<&str>,
) -> Result<(), CommandError> {
    let audience = Audience::Client(penalty.client_id);
    let payload = json!({"penalty": penalty, "reason": reason});
    tx.emit(
        &audience,
        EventKind::PenaltyChanged,
        Some(penalty.order_id.0),
        EventId::new(),
        &payload,
    )
}

/// Emits to the branch that its share was credited or taken back; nothing where it is zero.
pub fn branch(
    tx: &mut Tx,
    row: &penalty::Model,
    kind: &'static str,
    amount: Money,
) -> Result<(), CommandError> {
    if amount == Money::ZERO {
        return Ok(());
    }
    let audience = Audience::Branch(row.partner_id);
    let payload = json!({
        "kind": kind,
        "amount": amount,
        "penalty_id": row.id,
        "order_id": row.order_id,
        "penalty": {"amount": row.amount, "paid": row.paid, "state": row.state},
    });
    tx.emit(&audience, EventKind::BalanceChanged, Some(row.order_id.0), EventId::new(), &payload)
}

/// Emits an event to support's queue.
pub fn support(
    tx: &mut Tx,
    event: EventKind,
    penalty: &PenaltyView,
    reason: &str,
) -> Result<(), CommandError> {
    let payload = json!({"penalty": penalty, "reason": reason, "by_person": tx.by().person_id});
    tx.emit(
        &Audience::Support(SupportQueue::Money),
        event,
        Some(penalty.order_id.0),
        EventId::new(),
        &payload,
    )
}
