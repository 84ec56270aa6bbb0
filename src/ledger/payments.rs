//! The postings of money that comes in through a provider, is returned, or is paid out to partners
//! (BAL-5, PEN-5, BON-5).
//!
//! The money of a payment has one base account: the partner's balance, or the money received for
//! penalties. Its receipt is posted `gateway → base`, the start of a refund
//! `base → operator:refunds`, and the completed refund `operator:refunds → gateway`.

use entity::kinds::PostingKind;
use entity::payment::{Driver, Model as Payment, Purpose};
use entity::value::{Money, PartnerId};
use entity::{payable, payout};
use uuid::Uuid;

use super::chart;
use super::post::{Movement, On, change, credit, post, take_charged_back, take_unspent};
use crate::context::Tx;
use platform::CommandError;

/// The base account of a payment.
#[must_use]
pub fn base(row: &Payment) -> String {
    match row.purpose {
        Purpose::TopUp => chart::partner(row.partner_id),
        Purpose::Penalty => chart::RECEIVED.to_owned(),
    }
}

/// Posts the one credit of a payment that was received (BAL-5).
///
/// # Errors
/// Faults only.
pub fn came(tx: &mut Tx, row: &Payment, note: &str) -> Result<(), CommandError> {
    let kind = match (row.purpose, row.driver) {
        (Purpose::TopUp, Driver::Manual) => {
            return credit(tx, row.partner_id, row.amount, row.id.0, note);
        }
        (Purpose::TopUp, Driver::Epoint | Driver::Payriff) => PostingKind::TopUp,
        (Purpose::Penalty, _) => PostingKind::Payment,
    };
    add(tx, row, row.amount)?;
    step(tx, row, (chart::gateway(row.driver), base(row)), row.amount, (kind, 1, note));
    Ok(())
}

/// Posts the start of a top-up's refund, if the balance is still as it was read (BAL-5).
///
/// # Errors
/// Faults only.
pub fn send_unspent_back(
    tx: &mut Tx,
    row: &Payment,
    amount: Money,
    seen: Money,
    note: &str,
) -> Result<(), CommandError> {
    take_unspent(tx, row.partner_id, amount, seen)?;
    let way = (base(row), chart::REFUNDS.to_owned());
    step(tx, row, way, amount, (PostingKind::TopUpRefund, row.refunds, note));
    Ok(())
}

/// Posts the start of a penalty payment's refund (PEN-7).
pub fn send_back(tx: &mut Tx, row: &Payment, amount: Money, note: &str) {
    let way = (base(row), chart::REFUNDS.to_owned());
    step(tx, row, way, amount, (PostingKind::PaymentRefund, row.refunds, note));
}

/// Posts a completed refund.
pub fn gone_back(tx: &mut Tx, row: &Payment, amount: Money, note: &str) {
    let way = (chart::REFUNDS.to_owned(), chart::gateway(row.driver));
    let kind = match row.purpose {
        Purpose::TopUp => PostingKind::TopUpRefunded,
        Purpose::Penalty => PostingKind::PaymentRefunded,
    };
    post(tx, movement(row, way, amount, (kind, row.refunds, note), None));
}

/// Posts the cancellation of a refund: the money stays.
///
/// # Errors
/// Faults only.
pub fn kept(tx: &mut Tx, row: &Payment, amount: Money, note: &str) -> Result<(), CommandError> {
    let kind = match row.purpose {
        Purpose::TopUp => PostingKind::TopUpKept,
        Purpose::Penalty => PostingKind::PaymentKept,
    };
    add(tx, row, amount)?;
    let way = (chart::REFUNDS.to_owned(), base(row));
    step(tx, row, way, amount, (kind, row.refunds, note));
    Ok(())
}

/// Posts a charge-back: the money leaves its base account at once, and a top-up's balance is locked
/// (LIM-11).
///
/// # Errors
/// Faults only.
pub fn charged_back(
    tx: &mut Tx,
    row: &Payment,
    amount: Money,
    note: &str,
) -> Result<(), CommandError> {
    let kind = match row.purpose {
        Purpose::TopUp => {
            take_charged_back(tx, row.partner_id, amount)?;
            PostingKind::TopUpChargeBack
        }
        Purpose::Penalty => PostingKind::PaymentChargeBack,
    };
    let way = (base(row), chart::gateway(row.driver));
    step(tx, row, way, amount, (kind, row.refunds, note));
    Ok(())
}

fn add(tx: &mut Tx, row: &Payment, amount: Money) -> Result<(), CommandError> {
    match row.purpose {
        Purpose::TopUp => change(tx, row.partner_id, amount, Money::ZERO),
        Purpose::Penalty => Ok(()),
    }
}

/// A movement on the base account; a top-up's appears on the partner's statement.
fn step(
    tx: &mut Tx,
    row: &Payment,
    way: (String, String),
    amount: Money,
    named: (PostingKind, i32, &str),
) {
    let stated = match row.purpose {
        Purpose::TopUp => Some(row.partner_id),
        Purpose::Penalty => None,
    };
    post(tx, movement(row, way, amount, named, stated));
}

fn movement<'a>(
    row: &Payment,
    (debit, credit): (String, String),
    amount: Money,
    (kind, n, note): (PostingKind, i32, &'a str),
    partner_id: Option<PartnerId>,
) -> Movement<'a> {
    let on = On { partner_id, ..On::default() };
    Movement { debit, credit, amount, kind, subject: row.id.0, n, on, note }
}

/// Posts the settlement of a payable to the partner's balance.
///
/// # Errors
/// Faults only.
pub fn to_balance(tx: &mut Tx, row: &payable::Model, amount: Money) -> Result<(), CommandError> {
    if amount.is_positive() {
        change(tx, row.partner_id, amount, Money::ZERO)?;
        let way = (chart::payable(row.partner_id), chart::partner(row.partner_id));
        let stated = On::order(row.partner_id, row.order_id);
        owed(tx, way, amount, (PostingKind::PayableBalance, row.id.0, 1), stated);
    }
    Ok(())
}

/// Posts the settlement of a payable as bonus: a lot is granted out of this account.
pub fn to_bonus(tx: &mut Tx, row: &payable::Model, amount: Money) {
    let way = (chart::payable(row.partner_id), chart::OWED_AS_BONUS.to_owned());
    let about = On { order_id: Some(row.order_id), ..On::default() };
    owed(tx, way, amount, (PostingKind::PayableBonus, row.id.0, 1), about);
}

/// Posts that support refused a payable (BON-6).
pub fn refused(tx: &mut Tx, row: &payable::Model) {
    let way = (chart::payable(row.partner_id), chart::REFUSED.to_owned());
    let about = On { order_id: Some(row.order_id), ..On::default() };
    owed(tx, way, row.amount, (PostingKind::PayableRefused, row.id.0, 1), about);
}

/// Posts the collection of payables into a payout.
pub fn collected(tx: &mut Tx, row: &payout::Model) {
    let way = (chart::payable(row.partner_id), chart::PAYOUTS.to_owned());
    owed(tx, way, row.amount, (PostingKind::Payout, row.id.0, 1), On::default());
}

/// Posts that a payout arrived.
pub fn arrived(tx: &mut Tx, row: &payout::Model) {
    let way = (chart::PAYOUTS.to_owned(), chart::gateway(row.driver));
    owed(tx, way, row.amount, (PostingKind::PayoutPaid, row.id.0, 1), On::default());
}

/// Posts that a payout came back: its payables are owed again.
pub fn bounced(tx: &mut Tx, row: &payout::Model) {
    let way = (chart::PAYOUTS.to_owned(), chart::payable(row.partner_id));
    owed(tx, way, row.amount, (PostingKind::PayoutFailed, row.id.0, 1), On::default());
}

fn owed(
    tx: &mut Tx,
    (debit, credit): (String, String),
    amount: Money,
    (kind, subject, n): (PostingKind, Uuid, i32),
    on: On,
) {
    post(tx, Movement { debit, credit, amount, kind, subject, n, on, note: "" });
}
