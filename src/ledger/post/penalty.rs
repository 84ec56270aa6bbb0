//! The postings of money received for penalties: split, and returned (PEN-5, PEN-7).

use entity::kinds::PostingKind;
use entity::value::{Money, OrderId, PartnerId, PenaltyId};

use super::{Movement, On, change_by, post};
use crate::context::Tx;
use crate::ledger::chart;
use crate::ledger::split::Split;
use platform::CommandError;

/// The n-th act about a penalty: money received or returned.
pub struct PenaltyAct<'a> {
    /// The penalty.
    pub penalty_id: PenaltyId,
    /// The order that caused it.
    pub order_id: OrderId,
    /// The partner who gets a share.
    pub partner_id: PartnerId,
    /// 1, 2, 3 … within the penalty.
    pub n: i32,
    /// A note for people.
    pub note: &'a str,
}

/// Posts both shares of money received for a penalty (PEN-5).
///
/// # Errors
/// Faults only.
pub fn share(tx: &mut Tx, act: &PenaltyAct<'_>, parts: Split) -> Result<(), CommandError> {
    let (partner, operator) = (chart::partner(act.partner_id), chart::PENALTIES.to_owned());
    let received = || chart::RECEIVED.to_owned();
    change_by(tx, act.partner_id, parts.partner)?;
    let own = Some(act.partner_id);
    part(tx, act, PostingKind::PenaltyShare, (received(), partner), parts.partner, own);
    part(tx, act, PostingKind::PenaltyFee, (received(), operator), parts.operator, None);
    Ok(())
}

/// Posts the return of both shares, even below the floor (PEN-7).
///
/// # Errors
/// Faults only.
pub fn share_back(tx: &mut Tx, act: &PenaltyAct<'_>, parts: Split) -> Result<(), CommandError> {
    let (partner, operator) = (chart::partner(act.partner_id), chart::PENALTIES.to_owned());
    let received = || chart::RECEIVED.to_owned();
    change_by(tx, act.partner_id, Money(-parts.partner.0))?;
    let own = Some(act.partner_id);
    part(tx, act, PostingKind::PenaltyShareBack, (partner, received()), parts.partner, own);
    part(tx, act, PostingKind::PenaltyFeeBack, (operator, received()), parts.operator, None);
    Ok(())
}

fn part(
    tx: &mut Tx,
    act: &PenaltyAct<'_>,
    kind: PostingKind,
    (debit, credit): (String, String),
    amount: Money,
    partner_id: Option<PartnerId>,
) {
    let (subject, n, note) = (act.penalty_id.0, act.n, act.note);
    let on = On { partner_id, order_id: Some(act.order_id), ..On::default() };
    post(tx, Movement { debit, credit, amount, kind, subject, n, on, note });
}
