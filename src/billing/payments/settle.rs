//! Booking a provider's answer about a payment: once, and only for the amount asked for (BAL-5,
//! PEN-5).

use entity::inbound;
use entity::kinds::{CommandName, EventKind, TimerKind};
use entity::payment::{Driver, Model, PaymentState, Purpose};
use entity::value::{Money, PaymentId};
use serde::{Deserialize, Serialize};

use super::payment_timers::{next_poll, reconcile_again};
use super::payment_view::{self, balance, emit, support};
use super::{payment as rules, top_up};
use crate::billing::gateway::PaymentStatus;
use crate::billing::penalties::penalty_payment;
use crate::context::{Context, Tx};
use crate::ledger::payments;
use crate::policy;
use platform::{Command, CommandError};

/// The outcome of processing a provider's answer or message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SettleOutcome {
    /// The money was booked.
    Credited,
    /// The money was booked before.
    Known,
    /// A different amount was paid than asked for; nothing was booked.
    AmountWrong,
    /// The payment failed.
    Failed,
    /// Not paid yet.
    Pending,
    /// The provider sent an unknown status; nothing was booked.
    Unclear,
    /// The payment is unknown.
    NoSuchPayment,
    /// The message was not signed by the provider.
    Forged,
    /// The message could not be parsed.
    Unreadable,
}

impl SettleOutcome {
    /// The outcome's stored name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Credited => "credited",
            Self::Known => "known",
            Self::AmountWrong => "amount_wrong",
            Self::Failed => "failed",
            Self::Pending => "pending",
            Self::Unclear => "unclear",
            Self::NoSuchPayment => "no_such_payment",
            Self::Forged => "forged",
            Self::Unreadable => "unreadable",
        }
    }
}

/// An inbound provider message, stored with its outcome.
#[derive(Clone, Debug)]
pub struct Message {
    /// The digest of the driver's name and the raw bytes.
    pub digest: String,
    /// The driver it claims to come from.
    pub driver: Driver,
}

impl Message {
    /// Stores the message with its outcome.
    pub fn keep(&self, tx: &mut Tx, payment_id: Option<PaymentId>, outcome: SettleOutcome) {
        tx.replace(inbound::Model {
            digest: self.digest.clone(),
            driver: format!("{:?}", self.driver).to_lowercase(),
            payment_id,
            outcome: outcome.name().to_owned(),
            at: tx.now(),
        });
    }
}

/// Books a payment that the provider reports as paid, unless it was booked before.
pub struct Settle {
    /// The payment.
    pub payment_id: PaymentId,
    /// The amount paid.
    pub amount: Money,
    /// The provider's reference.
    pub reference: Option<String>,
    /// The message that caused the query.
    pub message: Option<Message>,
}

impl Command<Context> for Settle {
    type Answer = SettleOutcome;
    const NAME: CommandName = CommandName::SettlePayment;

    async fn run(&self, tx: &mut Tx) -> Result<SettleOutcome, CommandError> {
        let row = payment_view::load(tx, self.payment_id).await?;
        let outcome = match rules::came(&row, self.amount, tx.now()) {
            Ok(Some(next)) => {
                self.book(tx, &row, next).await?;
                SettleOutcome::Credited
            }
            Ok(None) => SettleOutcome::Known,
            Err(_) => {
                self.wrong(tx, &row)?;
                SettleOutcome::AmountWrong
            }
        };
        if let Some(message) = &self.message {
            message.keep(tx, Some(row.id), outcome);
        }
        if outcome == SettleOutcome::Known {
            tx.disarm(TimerKind::PollPayment, row.id.0);
        }
        Ok(outcome)
    }
}

impl Settle {
    async fn book(&self, tx: &mut Tx, row: &Model, came: Model) -> Result<(), CommandError> {
        let reference = row.provider_ref.clone().or_else(|| self.reference.clone());
        let next = Model { provider_ref: reference, ..came };
        payments::came(tx, &next, "")?;
        let next = match next.purpose {
            Purpose::TopUp => {
                balance(tx, &next, "top_up", next.amount)?;
                top_up::with_gift(tx, next).await?
            }
            Purpose::Penalty => penalty_payment::apply(tx, &next).await?,
        };
        tx.update(row, &next);
        tx.disarm(TimerKind::PollPayment, row.id.0);
        reconcile_again(tx, &next)?;
        let refund_h = policy::registry::in_force(tx)?.keys.topup.refund_h;
        emit(tx, &next, refund_h)
    }

    fn wrong(&self, tx: &mut Tx, row: &Model) -> Result<(), CommandError> {
        let note = format!("The provider says {} was paid", self.amount);
        tracing::error!(alarm = "payment_amount_wrong", payment = %row.id, note);
        let (now, news) = (tx.now(), row.note != note);
        let looked = Model { note: note.clone(), last_look_at: Some(now), ..row.clone() };
        let keys = policy::registry::in_force(tx)?.keys;
        if now < row.expires_at {
            tx.update(row, &looked);
            tx.arm(TimerKind::PollPayment, row.id.0, next_poll(row, &keys.topup, now));
        } else {
            // Support was notified already; the payer need not wait longer.
            let next = rules::given_up(&looked, PaymentState::Expired, now).unwrap_or(looked);
            tx.update(row, &next);
            emit(tx, &next, keys.topup.refund_h)?;
            tx.disarm(TimerKind::PollPayment, row.id.0);
            reconcile_again(tx, &next)?;
        }
        if news { support(tx, EventKind::SupportPaymentAmountWrong, row, &note) } else { Ok(()) }
    }
}

/// Records that the provider reports a payment as failed.
pub struct Fail {
    /// The payment.
    pub payment_id: PaymentId,
    /// The provider's reason.
    pub why: String,
    /// Whether it was paid and returned before it was polled: support is notified (LIM-11).
    pub went_back: bool,
    /// The message that caused the query.
    pub message: Option<Message>,
}

impl Command<Context> for Fail {
    type Answer = SettleOutcome;
    const NAME: CommandName = CommandName::FailPayment;

    async fn run(&self, tx: &mut Tx) -> Result<SettleOutcome, CommandError> {
        let row = payment_view::load(tx, self.payment_id).await?;
        if let Some(message) = &self.message {
            message.keep(tx, Some(row.id), SettleOutcome::Failed);
        }
        let now = tx.now();
        if let Some(next) = rules::given_up(&row, PaymentState::Failed, now) {
            let next = Model { note: self.why.clone(), ..next };
            tx.update(&row, &next);
            emit(tx, &next, 0)?;
        } else if row.state == PaymentState::Failed {
            let note = self.why.clone();
            tx.update(&row, &Model { last_look_at: Some(now), note, ..row.clone() });
        }
        let open = matches!(row.state, PaymentState::Created | PaymentState::Failed);
        if open && row.redirect_url.is_some() && now < row.expires_at {
            // The payer may succeed with a second card, and that callback may be lost.
            let keys = policy::registry::in_force(tx)?.keys;
            tx.arm(TimerKind::PollPayment, row.id.0, next_poll(&row, &keys.topup, now));
        } else {
            tx.disarm(TimerKind::PollPayment, row.id.0);
            let state = if open { PaymentState::Failed } else { row.state };
            reconcile_again(tx, &Model { state, ..row.clone() })?;
        }
        if open && self.went_back && row.note != self.why {
            support(tx, EventKind::SupportPaymentWentBack, &row, &self.why)?;
        }
        Ok(SettleOutcome::Failed)
    }
}

/// The note on a payment that was paid and returned between two polls.
pub(in crate::billing) fn went_back(seen: &PaymentStatus) -> String {
    format!("It was paid and went back at the provider, which says {seen:?}")
}

/// Stores a message that has no effect.
pub struct Keep {
    /// The message.
    pub message: Message,
    /// The payment it was about, where that is known.
    pub payment_id: Option<PaymentId>,
    /// The outcome.
    pub outcome: SettleOutcome,
}

impl Command<Context> for Keep {
    type Answer = ();
    const NAME: CommandName = CommandName::KeepMessage;

    async fn run(&self, tx: &mut Tx) -> Result<(), CommandError> {
        self.message.keep(tx, self.payment_id, self.outcome);
        Ok(())
    }
}
