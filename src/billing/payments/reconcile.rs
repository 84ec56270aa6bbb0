//! The daily reconciliation of each payment with its provider: a charge-back is reversed, and money
//! that arrived late is booked (LIM-11).

use entity::kinds::{CommandName, EventKind};
use entity::payment::{Model, PaymentState, Purpose};
use entity::value::{LotId, Money, PaymentId};

use super::payment as rules;
use super::payment_timers::reconcile_again;
use super::payment_view::{self, emit, support};
use super::settle::Settle;
use crate::billing::gateway::{PaymentRef, PaymentStatus};
use crate::billing::penalties::read::{self, view};
use crate::billing::penalties::{emit, penalty};
use crate::bonus::{Owner, grant};
use crate::context::{Context, Engine, Tx};
use crate::ledger::payments;
use crate::ledger::post::penalty::{PenaltyAct, share_back};
use crate::ledger::split::split;
use crate::policy;
use platform::engine::write_set::Fired;
use platform::{Command, CommandError};

/// Queries the payment's status at the provider, and executes the resulting command.
///
/// # Errors
/// Faults alone.
pub async fn fired(engine: &Engine, fired: &Fired) -> Result<(), CommandError> {
    let payment_id = PaymentId(fired.subject);
    let row = match payment_view::now(&engine.shared().db.write, payment_id).await {
        Ok(row) => row,
        Err(CommandError::Refused(_)) => return engine.consume(fired).await,
        Err(stop) => return Err(stop),
    };
    let same = |what: Option<String>| Compared { payment_id, what };
    let Some(gateway) = engine.context().gateways.of(row.driver) else {
        return engine.fire(fired, same(None)).await;
    };
    let seen = match gateway.status(&PaymentRef::of(&row)).await {
        Ok(seen) => seen,
        Err(trouble) => {
            tracing::warn!(payment = %payment_id, %trouble, "a payment could not be compared");
            return engine.fire(fired, same(None)).await;
        }
    };
    match (compare(&row, &seen), seen) {
        (Difference::None, _) => engine.fire(fired, same(None)).await,
        (Difference::Came, PaymentStatus::Paid { amount, reference }) => {
            let settle = Settle { payment_id, amount, reference, message: None };
            engine.fire(fired, settle).await
        }
        (Difference::ChargedBack(amount), seen) => {
            let why = format!("The provider says {seen:?}, and nobody here gave it back");
            engine.fire(fired, ChargeBack { payment_id, amount, why }).await
        }
        (Difference::Came | Difference::Unclear, seen) => {
            engine.fire(fired, same(Some(format!("The provider says {seen:?}")))).await
        }
    }
}

/// The difference between a payment's row and its status at the provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Difference {
    /// No difference, or one that a running refund explains.
    None,
    /// The payment was paid after all.
    Came,
    /// The provider returned this amount without a refund of ours.
    ChargedBack(Money),
    /// Undecidable: support has to check.
    Unclear,
}

/// Compares a payment with its provider's status (LIM-11). If the provider does not state the
/// amount it took back, that counts as all of it, unless there was a partial refund of ours before:
/// then the difference is undecidable.
fn compare(row: &Model, seen: &PaymentStatus) -> Difference {
    let here = rules::here(row);
    match (row.state, seen) {
        (PaymentState::Failed | PaymentState::Expired, PaymentStatus::Paid { .. }) => {
            Difference::Came
        }
        (PaymentState::Failed | PaymentState::Expired, PaymentStatus::PartlyReturned) => {
            Difference::Unclear
        }
        (
            PaymentState::Created
            | PaymentState::Refunding
            | PaymentState::Refunded
            | PaymentState::Failed
            | PaymentState::Expired,
            _,
        )
        | (PaymentState::Paid, PaymentStatus::Pending) => Difference::None,
        (PaymentState::Paid, PaymentStatus::Paid { amount, .. }) if *amount == row.amount => {
            Difference::None
        }
        (PaymentState::Paid, PaymentStatus::Returned) => Difference::ChargedBack(here),
        (PaymentState::Paid, PaymentStatus::Touched) if row.returned == Money::ZERO => {
            Difference::ChargedBack(here)
        }
        // Our own refund yields the same status.
        (PaymentState::Paid, PaymentStatus::Touched | PaymentStatus::PartlyReturned)
            if row.returned.is_positive() =>
        {
            Difference::None
        }
        (PaymentState::Paid, _) => Difference::Unclear,
    }
}

/// Records a reconciliation without a change. An undecidable difference is notified to support,
/// once per distinct answer.
struct Compared {
    payment_id: PaymentId,
    what: Option<String>,
}

impl Command<Context> for Compared {
    type Answer = ();
    const NAME: CommandName = CommandName::ComparePayment;

    async fn run(&self, tx: &mut Tx) -> Result<(), CommandError> {
        let row = payment_view::load(tx, self.payment_id).await?;
        reconcile_again(tx, &row)?;
        let Some(what) = self.what.as_ref().filter(|what| **what != row.note) else {
            return Ok(());
        };
        tracing::error!(alarm = "payment_differs", payment = %row.id, what);
        let next = Model { note: what.clone(), last_look_at: Some(tx.now()), ..row.clone() };
        tx.update(&row, &next);
        support(tx, EventKind::SupportPaymentDiffers, &next, what)
    }
}

/// Reverses a payment that was charged back: a top-up's balance is locked, a penalty is a debt
/// again (LIM-11).
struct ChargeBack {
    payment_id: PaymentId,
    amount: Money,
    why: String,
}

impl Command<Context> for ChargeBack {
    type Answer = ();
    const NAME: CommandName = CommandName::ChargeBack;

    async fn run(&self, tx: &mut Tx) -> Result<(), CommandError> {
        let row = payment_view::load(tx, self.payment_id).await?;
        let Some(next) = rules::charged_back(&row, self.amount, tx.now()) else {
            return reconcile_again(tx, &row);
        };
        let next = Model { note: self.why.clone(), ..next };
        payments::charged_back(tx, &next, self.amount, &self.why)?;
        match next.purpose {
            Purpose::TopUp => {
                gift_goes(tx, &next).await?;
                payment_view::balance(tx, &next, "charge_back", Money(-self.amount.0))?;
            }
            Purpose::Penalty => debt_again(tx, &next, self.amount).await?,
        }
        tx.update(&row, &next);
        reconcile_again(tx, &next)?;
        tracing::error!(alarm = "charge_back", payment = %row.id, amount = %self.amount);
        let refund_h = policy::registry::in_force(tx)?.keys.topup.refund_h;
        emit(tx, &next, refund_h)?;
        support(tx, EventKind::SupportChargeBack, &next, &self.why)
    }
}

/// Revokes the gift lot of a charged-back top-up; if it was used, support has to recover it.
async fn gift_goes(tx: &mut Tx, row: &Model) -> Result<(), CommandError> {
    let Some(lot) = row.gift_lot_id else { return Ok(()) };
    match grant::revoke(tx, Owner::Partner(row.partner_id), LotId(lot)).await {
        Ok(()) => Ok(()),
        Err(CommandError::Refused(_)) => support(
            tx,
            EventKind::SupportGiftSpent,
            row,
            "The top-up was charged back, and its gift was used",
        ),
        Err(stop) => Err(stop),
    }
}

async fn debt_again(tx: &mut Tx, row: &Model, amount: Money) -> Result<(), CommandError> {
    let id = Tx::must("payment", row.id, row.penalty_id)?;
    let (old, keys) = read::load(tx, id).await?;
    let Some(next) = penalty::charged_back(&old, amount) else {
        tx.check(&old);
        return Ok(());
    };
    let rate = keys.fee.split_partner_bp;
    let parts = split(old.paid, rate).since(split(next.paid, rate));
    let (penalty_id, order_id) = (old.id, old.order_id);
    let (partner_id, n) = (old.partner_id, next.payments);
    let note = "Charged back";
    share_back(tx, &PenaltyAct { penalty_id, order_id, partner_id, n, note }, parts)?;
    tx.update(&old, &next);
    emit::client(tx, &view(&next, &keys), Some(note))?;
    emit::branch(tx, &next, "penalty_share_back", Money(-parts.partner.0))
}
