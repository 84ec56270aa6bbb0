//! The status poll of a payment whose provider never called back (BAL-5).

use entity::kinds::{CommandName, EventKind, TimerKind};
use entity::payment::{Model, PaymentState};
use entity::value::PaymentId;

use super::payment as rules;
use super::payment_timers::{next_poll, reconcile_again};
use super::payment_view::{self, emit, support};
use super::settle::{Fail, Settle, went_back};
use crate::billing::gateway::{PaymentRef, PaymentStatus};
use crate::context::{Context, Engine, Tx};
use crate::policy;
use platform::engine::write_set::Fired;
use platform::{Command, CommandError};

/// Factor by which the waiting time is longer when the provider cannot be reached.
const PATIENCE: i32 = 2;

/// Queries the provider about a payment that is still awaited, and executes the resulting command.
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
    if !rules::awaited(&row, engine.shared().clock.now()) {
        return engine.consume(fired).await;
    }
    let Some(gateway) = engine.context().gateways.of(row.driver) else {
        return engine.fire(fired, Later { payment_id, answered: false, unknown: None }).await;
    };
    let message = None;
    match gateway.status(&PaymentRef::of(&row)).await {
        Ok(PaymentStatus::Paid { amount, reference }) => {
            engine.fire(fired, Settle { payment_id, amount, reference, message }).await
        }
        Ok(PaymentStatus::Failed(why)) => {
            engine.fire(fired, Fail { payment_id, why, went_back: false, message }).await
        }
        Ok(
            seen @ (PaymentStatus::Returned
            | PaymentStatus::PartlyReturned
            | PaymentStatus::Touched),
        ) => {
            let fail = Fail { payment_id, why: went_back(&seen), went_back: true, message };
            engine.fire(fired, fail).await
        }
        Ok(PaymentStatus::Pending | PaymentStatus::Absent) => {
            engine.fire(fired, Later { payment_id, answered: true, unknown: None }).await
        }
        Ok(PaymentStatus::Unknown(what)) => {
            engine.fire(fired, Later { payment_id, answered: true, unknown: Some(what) }).await
        }
        Err(trouble) => {
            tracing::warn!(payment = %payment_id, %trouble, "a provider could not be asked");
            engine.fire(fired, Later { payment_id, answered: false, unknown: None }).await
        }
    }
}

/// The payment is still undecided: polls again later, or expires it.
struct Later {
    payment_id: PaymentId,
    answered: bool,
    unknown: Option<String>,
}

impl Command<Context> for Later {
    type Answer = ();
    const NAME: CommandName = CommandName::LookLater;

    async fn run(&self, tx: &mut Tx) -> Result<(), CommandError> {
        let row = payment_view::load(tx, self.payment_id).await?;
        if !rules::awaited(&row, tx.now()) {
            return Ok(());
        }
        let keys = policy::registry::in_force(tx)?.keys;
        let now = tx.now();
        let patience = (row.expires_at - row.created_at) * PATIENCE;
        let end = if self.answered { row.expires_at } else { row.created_at + patience };
        let unknown = self.unknown.as_ref().map(|what| format!("The provider says {what}"));
        let news = unknown.filter(|note| *note != row.note);
        let note = news.clone().unwrap_or_else(|| row.note.clone());
        let looked = Model { note, last_look_at: Some(now), ..row.clone() };
        if now >= end {
            let expired = rules::given_up(&looked, PaymentState::Expired, now);
            let next = expired.unwrap_or(looked);
            tx.update(&row, &next);
            emit(tx, &next, keys.topup.refund_h)?;
            reconcile_again(tx, &next)?;
        } else {
            tx.update(&row, &looked);
            tx.arm(TimerKind::PollPayment, row.id.0, next_poll(&row, &keys.topup, now));
        }
        match news {
            Some(note) => support(tx, EventKind::SupportPaymentUnclear, &row, &note),
            None => Ok(()),
        }
    }
}
