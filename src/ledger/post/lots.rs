//! The postings of bonus lots: each lot is an account, credited from the operator's bonus and
//! debited by what it paid, what expired and what was revoked (BON-2).

use entity::bonus_account::OwnerKind;
use entity::kinds::PostingKind;
use entity::lot::Model;
use entity::value::{LotId, Money, OrderId, PartnerId, PersonId};
use uuid::Uuid;

use super::{Movement, On, post};
use crate::context::Tx;
use crate::ledger::chart;

/// The statement on which a lot's movement appears.
#[must_use]
pub fn on(lot: &Model, order_id: Option<OrderId>) -> On {
    let (partner_id, client_id) = match lot.owner_kind {
        OwnerKind::Client => (None, Some(PersonId(lot.owner))),
        OwnerKind::Partner => (Some(PartnerId(lot.owner)), None),
    };
    On { partner_id, client_id, order_id, lot_id: Some(lot.id) }
}

/// Posts the grant of a lot.
pub fn granted(tx: &mut Tx, lot: &Model) {
    fill(tx, lot, chart::BONUS.to_owned(), PostingKind::BonusGranted);
}

/// Posts the grant of a lot out of what the operator owes the partner (BON-5).
pub fn granted_from_owed(tx: &mut Tx, lot: &Model) {
    fill(tx, lot, chart::OWED_AS_BONUS.to_owned(), PostingKind::BonusFromOwed);
}

fn fill(tx: &mut Tx, lot: &Model, debit: String, kind: PostingKind) {
    let movement = Movement {
        debit,
        credit: chart::lot(lot.id),
        amount: lot.amount,
        kind,
        subject: lot.id.0,
        n: 1,
        on: on(lot, None),
        note: &lot.note,
    };
    post(tx, movement);
}

/// Posts the end of a lot's free part: it expired, or its grant was revoked.
pub fn over(tx: &mut Tx, lot: &Model, kind: PostingKind, amount: Money) {
    empty(tx, lot, kind, (lot.id.0, 1), amount, None);
}

/// Posts that a released allocation was already expired; `part` names it (BON-3).
pub fn burned(tx: &mut Tx, lot: &Model, part: LotId, amount: Money, order_id: OrderId) {
    empty(tx, lot, PostingKind::BonusBurned, (part.0, 1), amount, Some(order_id));
}

fn empty(
    tx: &mut Tx,
    lot: &Model,
    kind: PostingKind,
    (subject, n): (Uuid, i32),
    amount: Money,
    order_id: Option<OrderId>,
) {
    let movement = Movement {
        debit: chart::lot(lot.id),
        credit: chart::BONUS.to_owned(),
        amount,
        kind,
        subject,
        n,
        on: on(lot, order_id),
        note: &lot.note,
    };
    post(tx, movement);
}

/// Posts that a released allocation becomes a lot of its own (BON-3).
pub fn returned(tx: &mut Tx, from: LotId, lot: &Model, order_id: OrderId) {
    let movement = Movement {
        debit: chart::lot(from),
        credit: chart::lot(lot.id),
        amount: lot.amount,
        kind: PostingKind::BonusReturned,
        subject: lot.id.0,
        n: 1,
        on: on(lot, Some(order_id)),
        note: &lot.note,
    };
    post(tx, movement);
}

/// A payment from a lot, or the return of one.
pub struct Paid<'a> {
    /// The order.
    pub order_id: OrderId,
    /// The other account.
    pub account: String,
    /// The kind of the posting.
    pub kind: PostingKind,
    /// 1, 2, 3 … within the order and kind.
    pub n: i32,
    /// A note for people.
    pub note: &'a str,
}

/// Posts a payment from a lot.
pub fn paid(tx: &mut Tx, lot: &Model, amount: Money, paid: Paid<'_>) {
    let on = on(lot, Some(paid.order_id));
    let Paid { order_id, account, kind, n, note } = paid;
    let (debit, subject) = (chart::lot(lot.id), order_id.0);
    post(tx, Movement { debit, credit: account, amount, kind, subject, n, on, note });
}

/// Posts the return of a payment to its lot, before it leaves again as a lot of its own.
pub fn refunded(tx: &mut Tx, lot: &Model, amount: Money, paid: Paid<'_>) {
    let on = on(lot, Some(paid.order_id));
    let Paid { order_id, account, kind, n, note } = paid;
    let (credit, subject) = (chart::lot(lot.id), order_id.0);
    post(tx, Movement { debit: account, credit, amount, kind, subject, n, on, note });
}
