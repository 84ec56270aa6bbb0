//! Refunds through the provider that took the payment: each request is recorded before it is made,
//! a retry queries the status first, and the result is recorded (BAL-5, PEN-7).

use chrono::TimeDelta;
use entity::kinds::{CommandName, EventKind, TimerKind};
use entity::payment::{Driver, Model, PaymentState, Purpose};
use entity::value::{Instant, LotId, Money, PaymentId};
use serde::{Deserialize, Serialize};

use super::payment as rules;
use super::payment_view::{self, PaymentView, emit, support, view};
use crate::access::limits;
use crate::billing::Refusal;
use crate::billing::gateway::{LEASE, PaymentRef, PaymentStatus, Payments, ProviderError};
use crate::bonus::{Owner, grant};
use crate::context::{Context, Engine, Tx};
use crate::ledger::payments;
use crate::policy;
use platform::codes::given;
use platform::engine::write_set::Fired;
use platform::{By, Command, CommandError};

/// Starts the refund of what is to be returned: a timer requests it from the provider at once, or
/// support hands the money over.
///
/// # Errors
/// A fault when the event cannot be serialised.
pub(in crate::billing) fn begin(tx: &mut Tx, row: &Model) -> Result<(), CommandError> {
    match row.driver {
        Driver::Manual => support(tx, EventKind::SupportRefundDue, row, "It was paid by hand"),
        Driver::Epoint | Driver::Payriff => {
            tx.arm(TimerKind::RefundPayment, row.id.0, tx.now());
            Ok(())
        }
    }
}

/// The result of a refund request.
enum Answer {
    Gone,
    Retained(String),
    /// Undecided; `asked` where the provider may have acted on the request.
    Later {
        asked: bool,
        why: String,
    },
}

/// Requests the refund of what is to be returned, and executes the resulting command.
///
/// # Errors
/// Faults alone.
pub async fn fired(engine: &Engine, fired: &Fired) -> Result<(), CommandError> {
    let payment_id = PaymentId(fired.subject);
    let asking = engine.execute(By::CLOCK, None, AskBack { payment_id }).await?.answer;
    if let Some(until) = asking.busy_until {
        return engine.fire(fired, Wait { payment_id, until }).await;
    }
    let Some(amount) = asking.amount else { return engine.consume(fired).await };
    let row = payment_view::now(&engine.shared().db.write, payment_id).await?;
    let answer = match engine.context().gateways.of(row.driver) {
        Some(gateway) => ask(&*gateway, &row, amount, asking.fresh).await,
        None => Answer::Later { asked: false, why: "the provider is not set up".to_owned() },
    };
    match answer {
        Answer::Gone => record(engine, RecordGone { payment_id }).await,
        Answer::Retained(why) => record(engine, RecordKept { payment_id, why }).await,
        Answer::Later { asked, why } => {
            tracing::warn!(payment = %payment_id, why, "money could not go back yet");
            let asked = asked || !asking.fresh;
            record(engine, AskLater { payment_id, asked, why }).await
        }
    }
}

/// Executes the command on its own, so that the result is recorded even if another node has
/// re-armed the timer.
async fn record<C: Command<Context, Answer = ()>>(
    engine: &Engine,
    command: C,
) -> Result<(), CommandError> {
    engine.execute(By::CLOCK, None, command).await.map(|_| ())
}

/// Queries the status before requesting, so that a provider that acted without answering does not
/// act twice.
async fn ask(gateway: &dyn Payments, row: &Model, amount: Money, fresh: bool) -> Answer {
    let later = |asked, why: String| Answer::Later { asked, why };
    let seen = match gateway.status(&PaymentRef::of(row)).await {
        Ok(seen) => seen,
        Err(trouble) => return later(false, trouble.to_string()),
    };
    match gone_already(row, amount, fresh, &seen) {
        Some(true) => return Answer::Gone,
        Some(false) => {}
        None => return later(false, format!("the provider says {seen:?}")),
    }
    match gateway.refund(&PaymentRef::of(row), amount).await {
        Ok(()) => Answer::Gone,
        Err(ProviderError::Refused(why)) if fresh => Answer::Retained(why),
        // The first request may have succeeded, so a refusal of the second proves nothing.
        Err(ProviderError::Refused(why)) => later(true, why),
        Err(ProviderError::NotReached(why)) => later(false, why),
        Err(trouble @ (ProviderError::PerhapsActed(_) | ProviderError::Unclear(_))) => {
            later(true, trouble.to_string())
        }
    }
}

/// Whether the requested refund was made already; none where undecidable, and support has to check.
fn gone_already(row: &Model, amount: Money, fresh: bool, seen: &PaymentStatus) -> Option<bool> {
    let untouched = row.returned == Money::ZERO;
    let rest = row.returned.0 + amount.0 == row.amount.0;
    match seen {
        PaymentStatus::Paid { .. } => (untouched || fresh).then_some(false),
        PaymentStatus::Returned => rest.then_some(true),
        PaymentStatus::PartlyReturned if untouched => (!fresh && !rest).then_some(true),
        // Before the first request, a refund by somebody else: its amount is unknown.
        PaymentStatus::Touched if untouched => (!fresh).then_some(true),
        // The earlier refunds were ours; this one was not requested yet.
        PaymentStatus::PartlyReturned | PaymentStatus::Touched => fresh.then_some(false),
        PaymentStatus::Pending
        | PaymentStatus::Failed(_)
        | PaymentStatus::Absent
        | PaymentStatus::Unknown(_) => None,
    }
}

/// The refund request that is about to be made.
#[derive(Serialize, Deserialize)]
struct Asking {
    amount: Option<Money>,
    /// Whether this is its first attempt.
    fresh: bool,
    /// The end of another node's lease, if one is making the request.
    busy_until: Option<Instant>,
}

/// Records the refund request that is about to be made, and takes the lease.
struct AskBack {
    payment_id: PaymentId,
}

impl Command<Context> for AskBack {
    type Answer = Asking;
    const NAME: CommandName = CommandName::AskBack;

    async fn run(&self, tx: &mut Tx) -> Result<Asking, CommandError> {
        let row = payment_view::load(tx, self.payment_id).await?;
        let (now, fresh) = (tx.now(), row.asked.is_none());
        let Some((next, amount)) = rules::asking(&row, now + LEASE) else {
            return Ok(Asking { amount: None, fresh, busy_until: None });
        };
        let busy_until = row.busy_until.filter(|until| now < *until);
        if busy_until.is_none() {
            tx.update(&row, &next);
        }
        Ok(Asking { amount: Some(amount), fresh, busy_until })
    }
}

/// Waits for another node's request: if that node dies, this one proceeds when the lease expires.
struct Wait {
    payment_id: PaymentId,
    until: Instant,
}

impl Command<Context> for Wait {
    type Answer = ();
    const NAME: CommandName = CommandName::WaitForRefund;

    async fn run(&self, tx: &mut Tx) -> Result<(), CommandError> {
        tx.arm(TimerKind::RefundPayment, self.payment_id.0, self.until);
        Ok(())
    }
}

/// Records that the refund was made.
struct RecordGone {
    payment_id: PaymentId,
}

impl Command<Context> for RecordGone {
    type Answer = ();
    const NAME: CommandName = CommandName::RecordRefund;

    async fn run(&self, tx: &mut Tx) -> Result<(), CommandError> {
        let row = payment_view::load(tx, self.payment_id).await?;
        let Some((next, amount)) = rules::gone_back(&row, tx.now()) else { return Ok(()) };
        // The note described a problem that is solved now.
        let next = Model { note: String::new(), ..next };
        payments::gone_back(tx, &next, amount, "");
        tx.update(&row, &next);
        follow(tx, &next);
        let refund_h = policy::registry::in_force(tx)?.keys.topup.refund_h;
        emit(tx, &next, refund_h)
    }
}

/// Arms the timer while more is to be returned, and disarms it otherwise.
fn follow(tx: &mut Tx, row: &Model) {
    if row.state == PaymentState::Refunding {
        tx.arm(TimerKind::RefundPayment, row.id.0, tx.now());
    } else {
        tx.disarm(TimerKind::RefundPayment, row.id.0);
    }
}

/// Records that the provider refused the refund: the money stays where it was.
struct RecordKept {
    payment_id: PaymentId,
    why: String,
}

impl Command<Context> for RecordKept {
    type Answer = ();
    const NAME: CommandName = CommandName::RecordRefundRefused;

    async fn run(&self, tx: &mut Tx) -> Result<(), CommandError> {
        let row = payment_view::load(tx, self.payment_id).await?;
        let Some((next, amount)) = rules::kept(&row) else { return Ok(()) };
        let note = format!("The provider refused to give it back: {}", self.why);
        let next = Model { note: note.clone(), ..next };
        payments::kept(tx, &next, amount, &note)?;
        let next = match next.gift_lot_id {
            Some(lot) => {
                let owner = Owner::Partner(next.partner_id);
                let again = grant::again(tx, owner, LotId(lot)).await?;
                Model { gift_lot_id: again.map_or(Some(lot), |lot| Some(lot.0)), ..next }
            }
            None => next,
        };
        tx.update(&row, &next);
        follow(tx, &next);
        if next.purpose == Purpose::TopUp {
            payment_view::balance(tx, &next, "top_up_kept", amount)?;
        }
        let refund_h = policy::registry::in_force(tx)?.keys.topup.refund_h;
        emit(tx, &next, refund_h)?;
        support(tx, EventKind::SupportRefundRefused, &next, &self.why)
    }
}

/// Retries later; a request that was not made is not recorded as made.
struct AskLater {
    payment_id: PaymentId,
    asked: bool,
    why: String,
}

impl Command<Context> for AskLater {
    type Answer = ();
    const NAME: CommandName = CommandName::AskBackLater;

    async fn run(&self, tx: &mut Tx) -> Result<(), CommandError> {
        let row = payment_view::load(tx, self.payment_id).await?;
        if row.state != PaymentState::Refunding {
            return Ok(());
        }
        let keys = policy::registry::in_force(tx)?.keys;
        let asked = if self.asked { row.asked } else { None };
        let again = row.note == self.why;
        let next = Model {
            asked,
            busy_until: None,
            note: self.why.clone(),
            last_look_at: Some(tx.now()),
            ..row.clone()
        };
        tx.update(&row, &next);
        let wait = if again { keys.topup.look_again_min } else { keys.topup.look_min };
        tx.arm(TimerKind::RefundPayment, row.id.0, tx.now() + TimeDelta::minutes(wait));
        if again { Ok(()) } else { support(tx, EventKind::SupportRefundLate, &next, &self.why) }
    }
}

/// Records that support refunded by hand a payment that was received by hand.
pub struct RecordByHand {
    /// The payment.
    pub payment_id: PaymentId,
    /// The receipt's reference.
    pub reference: String,
}

impl Command<Context> for RecordByHand {
    type Answer = PaymentView;
    const NAME: CommandName = CommandName::RecordRefundByHand;

    async fn run(&self, tx: &mut Tx) -> Result<PaymentView, CommandError> {
        let reference = given(&self.reference);
        let reference = reference.map_err(|refusal| refusal.refused().at("/reference"))?;
        let row = payment_view::load(tx, self.payment_id).await?;
        if row.driver != Driver::Manual {
            return Err(Refusal::NotByHand.into());
        }
        let refund_h = policy::registry::in_force(tx)?.keys.topup.refund_h;
        let asking = rules::asking(&row, tx.now()).ok_or(match row.state {
            PaymentState::Refunded => Refusal::PaymentRefunded,
            PaymentState::Created
            | PaymentState::Paid
            | PaymentState::Failed
            | PaymentState::Expired
            | PaymentState::Refunding => Refusal::RefundNotDue,
        })?;
        let asked = Model { note: reference.to_owned(), ..asking.0 };
        // Request and refund are one step, at the version that was read.
        let Some((next, amount)) = rules::gone_back(&asked, tx.now()) else {
            return Err(Refusal::RefundNotDue.into());
        };
        let act = payment_view::act("record_refund", (&row, &next), amount, reference);
        limits::act(tx, act).await?;
        payments::gone_back(tx, &next, amount, reference);
        tx.update(&row, &next);
        emit(tx, &next, refund_h)?;
        Ok(view(&next, refund_h))
    }
}
