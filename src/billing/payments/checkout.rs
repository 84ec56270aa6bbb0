//! Opens a payment's checkout page: after the payment intent commits, the provider is asked for the
//! page and its answer is recorded (BAL-5).

use entity::kinds::{CommandName, EventKind, TimerKind};
use entity::payment::{Model, PaymentState, Purpose};
use entity::value::PaymentId;

use super::payment as rules;
use super::payment_view::{self, PaymentView, view};
use crate::billing::Refusal;
use crate::billing::gateway::{
    Checkout, PaymentRef, PaymentRequest, PaymentStatus, Payments, ProviderError,
};
use crate::context::{Context, Engine, Tx};
use crate::policy;
use platform::engine::write_set::Unique;
use platform::{By, Command, CommandError};

/// Asks the provider for the checkout page, unless it is known already, and records it. A repeated
/// request opens no second payment, because it carries the same payment id.
///
/// # Errors
/// `provider_refused`, `provider_unreachable`, `provider_unclear`, or a fault.
pub async fn open(engine: &Engine, id: PaymentId) -> Result<PaymentView, CommandError> {
    let row = payment_view::now(&engine.shared().db.write, id).await?;
    let refund_h = engine.context().policy.at(engine.shared().clock.now())?.keys.topup.refund_h;
    if row.state != PaymentState::Created || row.provider_ref.is_some() {
        return match row.state {
            PaymentState::Failed => Err(Refusal::ProviderRefused.into()),
            PaymentState::Created
            | PaymentState::Paid
            | PaymentState::Expired
            | PaymentState::Refunding
            | PaymentState::Refunded => Ok(view(&row, refund_h)),
        };
    }
    let gateway = engine.context().gateways.of(row.driver).ok_or(Refusal::NoProvider)?;
    let wish = PaymentRequest { payment_id: row.id, amount: row.amount, about: about(&row) };
    match gateway.create(&wish).await {
        Ok(checkout) => {
            let command = RecordCheckout { payment_id: row.id, checkout };
            Ok(engine.execute(By::CLOCK, None, command).await?.answer)
        }
        // An earlier request may have opened the payment; the provider then refuses only the
        // repetition.
        Err(ProviderError::Refused(why)) if !unknown(&*gateway, &row).await => {
            unclear(engine, id, why).await
        }
        Err(ProviderError::Refused(why)) => {
            tracing::warn!(payment = %row.id, why, "a provider refused a payment");
            let command = RecordNone { payment_id: row.id, why };
            engine.execute(By::CLOCK, None, command).await?;
            Err(Refusal::ProviderRefused.into())
        }
        Err(trouble @ (ProviderError::NotReached(_) | ProviderError::PerhapsActed(_))) => {
            tracing::warn!(payment = %row.id, %trouble, "a provider did not answer");
            Err(Refusal::ProviderAway.into())
        }
        Err(ProviderError::Unclear(what)) => unclear(engine, id, what).await,
    }
}

/// Notifies support that the provider may or may not have the payment, once per distinct answer.
async fn unclear<T>(
    engine: &Engine,
    payment_id: PaymentId,
    what: String,
) -> Result<T, CommandError> {
    tracing::error!(alarm = "provider_unclear", payment = %payment_id, what);
    engine.execute(By::CLOCK, None, RecordUnclear { payment_id, what }).await?;
    Err(Refusal::ProviderUnclear.into())
}

/// Whether the provider has nothing under this payment's names that could still be paid.
async fn unknown(gateway: &dyn Payments, row: &Model) -> bool {
    matches!(
        gateway.status(&PaymentRef::of(row)).await,
        Ok(PaymentStatus::Absent | PaymentStatus::Failed(_))
    )
}

fn about(row: &Model) -> &'static str {
    match row.purpose {
        Purpose::TopUp => "Yumo Balance",
        Purpose::Penalty => "Yumo penalty",
    }
}

/// Records the checkout page of a payment intent.
pub struct RecordCheckout {
    /// The payment intent.
    pub payment_id: PaymentId,
    /// The checkout page.
    pub checkout: Checkout,
}

impl Command<Context> for RecordCheckout {
    type Answer = PaymentView;
    const NAME: CommandName = CommandName::RecordCheckout;

    async fn run(&self, tx: &mut Tx) -> Result<PaymentView, CommandError> {
        let row = payment_view::load(tx, self.payment_id).await?;
        let refund_h = policy::registry::in_force(tx)?.keys.topup.refund_h;
        // A concurrent request committed first: the payment keeps its page.
        if row.provider_ref.is_some() {
            return Ok(view(&row, refund_h));
        }
        let next = Model {
            provider_ref: Some(self.checkout.reference.clone()),
            redirect_url: self.checkout.redirect_url.clone(),
            ..row.clone()
        };
        tx.unique(Unique {
            name: "payment_provider_ref",
            columns: "payment.driver, payment.provider_ref",
            refusal: Refusal::ProviderUnclear.refused(),
            choose_again: false,
        });
        tx.update(&row, &next);
        Ok(view(&next, refund_h))
    }
}

/// Records that the provider refused the payment.
struct RecordNone {
    payment_id: PaymentId,
    why: String,
}

impl Command<Context> for RecordNone {
    type Answer = ();
    const NAME: CommandName = CommandName::RecordNoCheckout;

    async fn run(&self, tx: &mut Tx) -> Result<(), CommandError> {
        let row = payment_view::load(tx, self.payment_id).await?;
        if let Some(next) = rules::given_up(&row, PaymentState::Failed, tx.now()) {
            tx.update(&row, &Model { note: self.why.clone(), ..next });
            tx.disarm(TimerKind::PollPayment, row.id.0);
        }
        Ok(())
    }
}

/// Records an unclear answer to the request for a checkout page.
struct RecordUnclear {
    payment_id: PaymentId,
    what: String,
}

impl Command<Context> for RecordUnclear {
    type Answer = ();
    const NAME: CommandName = CommandName::RecordUnclearCheckout;

    async fn run(&self, tx: &mut Tx) -> Result<(), CommandError> {
        let row = payment_view::load(tx, self.payment_id).await?;
        let note = format!("Asked for a page, the provider says {}", self.what);
        if row.note == note {
            return Ok(());
        }
        let next = Model { note: note.clone(), ..row.clone() };
        tx.update(&row, &next);
        payment_view::support(tx, EventKind::SupportPaymentUnclear, &next, &note)
    }
}
