//! Paying a penalty through a provider: what covers the unpaid amount is split, any excess is
//! refunded (PEN-5, PEN-7).

use entity::kinds::{CommandName, TimerKind};
use entity::payment::{self, Driver, Purpose};
use entity::penalty::PenaltyState;
use entity::value::{Money, PaymentId, PenaltyId, PersonId};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _};
use serde::{Deserialize, Serialize};

use super::read::view;
use super::{emit, penalty, read};
use crate::billing::Refusal;
use crate::billing::payments::top_up::{NewPayment, intend_once};
use crate::billing::payments::{payment as rules, refund};
use crate::context::{Context, Tx};
use crate::ledger;
use crate::ledger::payments;
use crate::ledger::post::penalty::{PenaltyAct, share};
use crate::ledger::split::split;
use platform::{Command, CommandError, Refused};

/// Opens a payment for a penalty; the provider is asked after this command commits.
pub struct CreatePenaltyPayment {
    /// The client.
    pub client_id: PersonId,
    /// The penalty.
    pub penalty_id: PenaltyId,
    /// The amount, at most what is unpaid; none means all of it.
    pub amount: Option<Money>,
    /// Confirms that another payment beside the open one is intended.
    pub confirm: bool,
}

impl Command<Context> for CreatePenaltyPayment {
    type Answer = PaymentId;
    const NAME: CommandName = CommandName::CreatePenaltyPayment;

    async fn run(&self, tx: &mut Tx) -> Result<PaymentId, CommandError> {
        let (row, _) = read::load(tx, self.penalty_id).await?;
        if row.client_id != self.client_id {
            return Err(Refusal::NoSuchPenalty.into());
        }
        let left = left(&row);
        if row.state == PenaltyState::Waived {
            return Err(Refusal::Waived.into());
        }
        let amount = self.amount.unwrap_or(left);
        if self.amount.is_some_and(|amount| !amount.is_positive()) {
            return Err(ledger::Refusal::AmountInvalid.into());
        }
        if amount > left || !amount.is_positive() {
            return Err(Refused::from(Refusal::Overpaid).with("left", left).into());
        }
        let keys = crate::policy::registry::in_force(tx)?.keys;
        let intent = NewPayment {
            purpose: Purpose::Penalty,
            partner_id: row.partner_id,
            client_id: Some(row.client_id),
            penalty_id: Some(row.id),
            amount,
        };
        intend_once(tx, &intent, &keys, self.confirm).await
    }
}

fn left(row: &entity::penalty::Model) -> Money {
    match row.state {
        PenaltyState::Waived => Money::ZERO,
        PenaltyState::Pending | PenaltyState::Paid | PenaltyState::Disputed => penalty::left(row),
    }
}

/// Splits the received money up to the unpaid amount, and refunds the rest.
pub(in crate::billing) async fn apply(
    tx: &mut Tx,
    row: &payment::Model,
) -> Result<payment::Model, CommandError> {
    let id = Tx::must("payment", row.id, row.penalty_id)?;
    let (old, keys) = read::load(tx, id).await?;
    let fits = left(&old).min(row.amount);
    if fits.is_positive() {
        let next = penalty::paid(&old, fits, tx.now())?;
        let rate = keys.fee.split_partner_bp;
        let more = split(next.paid, rate).since(split(old.paid, rate));
        let (penalty_id, order_id) = (old.id, old.order_id);
        let (partner_id, n) = (old.partner_id, next.payments);
        share(tx, &PenaltyAct { penalty_id, order_id, partner_id, n, note: "" }, more)?;
        tx.update(&old, &next);
        emit::client(tx, &view(&next, &keys), None)?;
        emit::branch(tx, &next, "penalty_share", more.partner)?;
    } else {
        // Verifies the version, so that a concurrent waiver or reinstatement makes the command run
        // again.
        tx.check(&old);
    }
    let rest = Money(row.amount.0 - fits.0);
    if !rest.is_positive() {
        return Ok(row.clone());
    }
    let back = rules::sent_back(row, rest)?;
    payments::send_back(tx, &back, rest, "More came than was left to pay");
    refund::begin(tx, &back)?;
    Ok(back)
}

/// A refund of a payment, started by a waiver.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::billing) struct SentBack {
    payment_id: PaymentId,
    /// The refunded amount.
    amount: Money,
    /// The amount that was to be returned before.
    before: Money,
}

/// Refunds everything that was paid through providers (PEN-7).
pub(in crate::billing) async fn send_back(
    tx: &mut Tx,
    id: PenaltyId,
    why: &str,
) -> Result<Vec<SentBack>, CommandError> {
    let rows = payment::Entity::find()
        .filter(payment::Column::PenaltyId.eq(id))
        .filter(payment::Column::Driver.ne(Driver::Manual))
        .order_by_asc(payment::Column::Id)
        .all(tx.db())
        .await?;
    let mut sent = Vec::new();
    for row in rows {
        let amount = rules::here(&row);
        if amount.is_positive() {
            let next = rules::sent_back(&row, amount)?;
            payments::send_back(tx, &next, amount, why);
            tx.update(&row, &next);
            refund::begin(tx, &next)?;
            sent.push(SentBack { payment_id: row.id, amount, before: row.to_return });
        }
    }
    Ok(sent)
}

/// Cancels the refunds of a waiver that were not requested yet; returns the amount that was or may
/// have been refunded, which becomes a debt again (PEN-7).
pub(in crate::billing) async fn call_back(
    tx: &mut Tx,
    sent: &[SentBack],
    why: &str,
) -> Result<Money, CommandError> {
    let mut gone = Money::ZERO;
    for SentBack { payment_id, amount, before } in sent {
        let row = crate::billing::payments::payment_view::load(tx, *payment_id).await?;
        let to_go = Money(row.to_return.0 - before.0).min(*amount).max(Money::ZERO);
        let off = rules::unasked(&row).min(to_go);
        if off.is_positive() {
            let next = rules::stays(&row, off);
            payments::kept(tx, &next, off, why)?;
            tx.update(&row, &next);
            if !rules::unasked(&next).is_positive() {
                tx.disarm(TimerKind::RefundPayment, row.id.0);
            }
        } else {
            tx.check(&row);
        }
        gone = Money(gone.0 + to_go.0 - off.0);
    }
    Ok(gone)
}
