//! Once a day each payment is compared with its provider: what was charged back is reversed, and
//! money that came after all is booked (LIM-11).

use chrono::TimeDelta;
use entity::payment::{Driver, Model, PaymentState, Purpose};
use entity::value::{Instant, LotId, Money, PaymentId};

use super::gateway::{Gateways, Seen};
use super::look::named;
use super::payment_view::{self, support, told};
use super::read::{self, view};
use super::settle::Settle;
use super::{payment as rules, penalty, tell};
use crate::bonus::{Owner, grant};
use crate::ledger::payments;
use crate::ledger::post::penalty::{Act, share_back};
use crate::ledger::split::split;
use crate::platform::write_set::Fired;
use crate::platform::{Command, Engine, Stop, Tx};
use crate::policy;
use crate::policy::keys::TopUp;

/// Timer: compare a payment with its provider.
pub const RECONCILE: &str = "payment.reconcile";

/// How often.
const DAILY: TimeDelta = TimeDelta::hours(24);

/// Until when a payment is compared; none where nothing of it could change.
fn until(row: &Model, keys: &TopUp) -> Option<Instant> {
    match (row.driver, row.state) {
        (Driver::Manual, _) | (_, PaymentState::Created | PaymentState::Refunded) => None,
        (_, PaymentState::Paid | PaymentState::Refunding) => {
            row.paid_at.map(|at| at + TimeDelta::days(keys.reconcile_days))
        }
        (_, PaymentState::Failed | PaymentState::Expired) => {
            Some(row.expires_at + TimeDelta::days(keys.reconcile_unpaid_days))
        }
    }
}

/// Compares it again a day from now, as long as something of it could change.
///
/// # Errors
/// Faults only.
pub(super) fn again(tx: &mut Tx, row: &Model) -> Result<(), Stop> {
    let keys = policy::book::in_force(tx)?.keys;
    let next = tx.now() + DAILY;
    if until(row, &keys.topup).is_some_and(|until| next <= until) {
        tx.arm(RECONCILE, row.id.0, next);
    } else {
        tx.disarm(RECONCILE, row.id.0);
    }
    Ok(())
}

/// Asks the provider how a payment stands, and sends what follows.
///
/// # Errors
/// Faults alone.
pub async fn fired(engine: &Engine, fired: &Fired) -> Result<(), Stop> {
    let payment_id = PaymentId(fired.subject);
    let row = match payment_view::now(&engine.shared().db.write, payment_id).await {
        Ok(row) => row,
        Err(Stop::Refused(_)) => return engine.consume(fired).await,
        Err(stop) => return Err(stop),
    };
    let same = |what: Option<String>| Compared { payment_id, what };
    let Some(gateway) = engine.extension::<Gateways>()?.of(row.driver) else {
        return engine.fire(fired, same(None)).await;
    };
    let seen = match gateway.status(&named(&row)).await {
        Ok(seen) => seen,
        Err(trouble) => {
            tracing::warn!(payment = %payment_id, %trouble, "a payment could not be compared");
            return engine.fire(fired, same(None)).await;
        }
    };
    match (compare(&row, &seen), seen) {
        (Difference::None, _) => engine.fire(fired, same(None)).await,
        (Difference::Came, Seen::Paid { amount, reference }) => {
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

/// How a payment differs from what its provider says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Difference {
    /// It does not, or what differs is on its way.
    None,
    /// It was paid after all.
    Came,
    /// So much went back that nobody here gave back.
    ChargedBack(Money),
    /// Nobody can tell: support looks.
    Unclear,
}

/// Compares a payment with what its provider says (LIM-11). A provider that does not say how much
/// it took back is taken to have taken everything, unless we gave back a part before: then nobody
/// guesses.
fn compare(row: &Model, seen: &Seen) -> Difference {
    let here = rules::here(row);
    match (row.state, seen) {
        (PaymentState::Failed | PaymentState::Expired, Seen::Paid { .. }) => Difference::Came,
        (PaymentState::Failed | PaymentState::Expired, Seen::PartlyReturned) => Difference::Unclear,
        (
            PaymentState::Created
            | PaymentState::Refunding
            | PaymentState::Refunded
            | PaymentState::Failed
            | PaymentState::Expired,
            _,
        )
        | (PaymentState::Paid, Seen::Pending) => Difference::None,
        (PaymentState::Paid, Seen::Paid { amount, .. }) if *amount == row.amount => {
            Difference::None
        }
        (PaymentState::Paid, Seen::Returned) => Difference::ChargedBack(here),
        (PaymentState::Paid, Seen::Touched) if row.returned == Money::ZERO => {
            Difference::ChargedBack(here)
        }
        // What we gave back ourselves looks the same.
        (PaymentState::Paid, Seen::Touched | Seen::PartlyReturned)
            if row.returned.is_positive() =>
        {
            Difference::None
        }
        (PaymentState::Paid, _) => Difference::Unclear,
    }
}

/// It stands as it should, or nobody can tell: then support is told, once for each thing that is
/// said.
struct Compared {
    payment_id: PaymentId,
    what: Option<String>,
}

impl Command for Compared {
    type Answer = ();
    const NAME: &'static str = "compare_payment";

    async fn run(&self, tx: &mut Tx) -> Result<(), Stop> {
        let row = payment_view::load(tx, self.payment_id).await?;
        again(tx, &row)?;
        let Some(what) = self.what.as_ref().filter(|what| **what != row.note) else {
            return Ok(());
        };
        tracing::error!(alarm = "payment_differs", payment = %row.id, what);
        let next = Model { note: what.clone(), last_look_at: Some(tx.now()), ..row.clone() };
        tx.update(&row, &next);
        support(tx, "support.payment_differs", &next, what)
    }
}

/// Money went back at the provider and nobody here gave it back: it is reversed, a top-up's balance
/// is locked, what came for a penalty is a debt again (LIM-11).
struct ChargeBack {
    payment_id: PaymentId,
    amount: Money,
    why: String,
}

impl Command for ChargeBack {
    type Answer = ();
    const NAME: &'static str = "charge_back";

    async fn run(&self, tx: &mut Tx) -> Result<(), Stop> {
        let row = payment_view::load(tx, self.payment_id).await?;
        let Some(next) = rules::charged_back(&row, self.amount, tx.now()) else {
            return again(tx, &row);
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
        again(tx, &next)?;
        tracing::error!(alarm = "charge_back", payment = %row.id, amount = %self.amount);
        let refund_h = policy::book::in_force(tx)?.keys.topup.refund_h;
        told(tx, &next, refund_h)?;
        support(tx, "support.charge_back", &next, &self.why)
    }
}

/// What came with a top-up goes with it; what was used of it is support's to recover.
async fn gift_goes(tx: &mut Tx, row: &Model) -> Result<(), Stop> {
    let Some(lot) = row.gift_lot_id else { return Ok(()) };
    match grant::revoke(tx, Owner::Partner(row.partner_id), LotId(lot)).await {
        Ok(()) => Ok(()),
        Err(Stop::Refused(_)) => support(
            tx,
            "support.gift_spent",
            row,
            "The top-up was charged back, and its gift was used",
        ),
        Err(stop) => Err(stop),
    }
}

async fn debt_again(tx: &mut Tx, row: &Model, amount: Money) -> Result<(), Stop> {
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
    share_back(tx, &Act { penalty_id, order_id, partner_id, n, note }, parts)?;
    tx.update(&old, &next);
    tell::client(tx, &view(&next, &keys), Some(note))?;
    tell::branch(tx, &next, "penalty_share_back", Money(-parts.partner.0))
}
