//! Sending a payout to its provider: each request is recorded before it is made, and a retry
//! queries the status first, so that nothing is paid twice (BON-5).

use chrono::TimeDelta;
use entity::kinds::{CommandName, EventKind, SupportQueue, TimerKind};
use entity::payment::Driver;
use entity::payout::{self as row, PayoutState};
use entity::payout_terms;
use entity::value::{EventId, Instant, PayoutId, SealedColumn, SealedField};
use sea_orm::EntityTrait as _;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::payout::{arrived, bounced};
use super::payout_terms::payable_to_card;
use super::payout_view::{PayoutView, payout};
use crate::access::limits;
use crate::billing::Refusal;
use crate::billing::gateway::{LEASE, Payments, PayoutStatus, ProviderError, Transfer};
use crate::context::{Context, Engine, Tx};
use crate::policy;
use platform::codes::given;
use platform::engine::audit::AuditedAct;
use platform::engine::write_set::Fired;
use platform::{Audience, By, Command, CommandError};

/// Sends a payout or queries its status, and executes the resulting command.
///
/// # Errors
/// Faults alone.
pub async fn fired(engine: &Engine, fired: &Fired) -> Result<(), CommandError> {
    let payout_id = PayoutId(fired.subject);
    let sending = engine.execute(By::CLOCK, None, MarkSent { payout_id }).await?.answer;
    if let Some(until) = sending.busy_until {
        return engine.fire(fired, Wait { payout_id, until }).await;
    }
    if !sending.open {
        return engine.consume(fired).await;
    }
    let Some(row) = row::Entity::find_by_id(payout_id).all(&engine.shared().db.write).await?.pop()
    else {
        return engine.consume(fired).await;
    };
    let Sending { first, voen, .. } = sending;
    let account = row.account.at(SealedColumn::PayoutAccount, row.partner_id);
    let transfer = Transfer { payout_id, amount: row.amount, account, voen };
    let sent = match engine.context().gateways.of(row.driver) {
        Some(gateway) => hand_over(&*gateway, &transfer, first).await,
        None => Err(ProviderError::NotReached("the provider is not set up".to_owned())),
    };
    match sent {
        Ok(PayoutStatus::Arrived(reference)) => {
            record(engine, RecordPaid { payout_id, reference }).await
        }
        Ok(PayoutStatus::Bounced(why)) | Err(ProviderError::Refused(why)) => {
            record(engine, RecordFailed { payout_id, why }).await
        }
        Ok(PayoutStatus::Pending) => record(engine, SendLater { payout_id, why: None }).await,
        Ok(sent @ (PayoutStatus::Absent | PayoutStatus::Unknown(_))) => {
            let why = Some(format!("The provider says {sent:?}"));
            record(engine, SendLater { payout_id, why }).await
        }
        Err(trouble) => {
            let why = Some(trouble.to_string());
            record(engine, SendLater { payout_id, why }).await
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

/// Requests the payout. After the first attempt it queries the status first, and repeats the
/// request only if the provider does not know the payout.
async fn hand_over(
    gateway: &dyn Payments,
    transfer: &Transfer,
    first: bool,
) -> Result<PayoutStatus, ProviderError> {
    if first {
        return gateway.pay_out(transfer).await;
    }
    let sent = gateway.pay_out_status(transfer.payout_id).await?;
    if sent != PayoutStatus::Absent {
        return Ok(sent);
    }
    // The first request may have succeeded, so a refusal of the second proves nothing.
    gateway.pay_out(transfer).await.map_err(|trouble| match trouble {
        ProviderError::Refused(why) => ProviderError::Unclear(why),
        ProviderError::NotReached(_)
        | ProviderError::PerhapsActed(_)
        | ProviderError::Unclear(_) => trouble,
    })
}

/// The request that is about to be made.
#[derive(Debug, Serialize, Deserialize)]
pub struct Sending {
    /// Whether the payout is still in progress.
    pub open: bool,
    /// Whether this is the first request to the provider.
    pub first: bool,
    /// The partner's tax number.
    pub voen: Option<SealedField>,
    /// The end of another node's lease, if one is making the request.
    pub busy_until: Option<Instant>,
}

/// Records that the payout is about to be requested, and takes the lease.
pub struct MarkSent {
    /// The payout.
    pub payout_id: PayoutId,
}

impl Command<Context> for MarkSent {
    type Answer = Sending;
    const NAME: CommandName = CommandName::MarkPayoutSent;

    async fn run(&self, tx: &mut Tx) -> Result<Sending, CommandError> {
        let old = load(tx, self.payout_id).await?;
        let terms = tx.find::<payout_terms::Entity>(old.partner_id).await?;
        let (now, first) = (tx.now(), old.state == PayoutState::Created);
        let open = match old.state {
            PayoutState::Created | PayoutState::Sent => true,
            PayoutState::Paid | PayoutState::Failed => false,
        };
        if first && !terms.as_ref().is_some_and(payable_to_card) {
            // No request was made yet, and the terms no longer allow the payout.
            bounced(tx, &old, "The terms allow no payout any more").await?;
            return Ok(Sending { open: false, first, voen: None, busy_until: None });
        }
        let voen = terms.and_then(|terms| terms.voen);
        let voen = voen.map(|voen| voen.at(SealedColumn::PayoutVoen, old.partner_id));
        let busy_until = old.busy_until.filter(|until| open && now < *until);
        if open && busy_until.is_none() {
            let next = row::Model {
                state: PayoutState::Sent,
                sent_at: old.sent_at.or(Some(now)),
                busy_until: Some(now + LEASE),
                ..old.clone()
            };
            tx.update(&old, &next);
        }
        Ok(Sending { open, first, voen, busy_until })
    }
}

/// Waits for another node's request: if that node dies, this one proceeds when the lease expires.
struct Wait {
    payout_id: PayoutId,
    until: Instant,
}

impl Command<Context> for Wait {
    type Answer = ();
    const NAME: CommandName = CommandName::WaitForPayout;

    async fn run(&self, tx: &mut Tx) -> Result<(), CommandError> {
        tx.arm(TimerKind::SendPayout, self.payout_id.0, self.until);
        Ok(())
    }
}

async fn load(tx: &mut Tx, id: PayoutId) -> Result<row::Model, CommandError> {
    tx.find::<row::Entity>(id).await?.ok_or_else(|| Refusal::NoSuchPayout.into())
}

/// Records that the payout arrived.
struct RecordPaid {
    payout_id: PayoutId,
    reference: String,
}

impl Command<Context> for RecordPaid {
    type Answer = ();
    const NAME: CommandName = CommandName::RecordPayout;

    async fn run(&self, tx: &mut Tx) -> Result<(), CommandError> {
        let old = load(tx, self.payout_id).await?;
        if old.state == PayoutState::Sent {
            arrived(tx, &old, &self.reference).await?;
        }
        Ok(())
    }
}

/// Records that the payout came back or was refused.
struct RecordFailed {
    payout_id: PayoutId,
    why: String,
}

impl Command<Context> for RecordFailed {
    type Answer = ();
    const NAME: CommandName = CommandName::RecordPayoutFailed;

    async fn run(&self, tx: &mut Tx) -> Result<(), CommandError> {
        let old = load(tx, self.payout_id).await?;
        if old.state == PayoutState::Sent {
            bounced(tx, &old, &self.why).await?;
        }
        Ok(())
    }
}

/// Retries later; notifies support once of each new problem.
struct SendLater {
    payout_id: PayoutId,
    why: Option<String>,
}

impl Command<Context> for SendLater {
    type Answer = ();
    const NAME: CommandName = CommandName::LookAtPayoutLater;

    async fn run(&self, tx: &mut Tx) -> Result<(), CommandError> {
        let old = load(tx, self.payout_id).await?;
        if old.state != PayoutState::Sent {
            return Ok(());
        }
        let keys = policy::registry::in_force(tx)?.keys;
        let news = self.why.clone().filter(|why| *why != old.note);
        let wait = if news.is_some() { keys.topup.look_min } else { keys.topup.look_again_min };
        tx.arm(TimerKind::SendPayout, old.id.0, tx.now() + TimeDelta::minutes(wait));
        let note = news.clone().unwrap_or_else(|| old.note.clone());
        let next = row::Model { note, busy_until: None, ..old.clone() };
        tx.update(&old, &next);
        let Some(note) = news else { return Ok(()) };
        let payload = json!({"payout": payout(&next), "reason": note});
        tx.emit(
            &Audience::Support(SupportQueue::Money),
            EventKind::SupportPayoutLate,
            None,
            EventId::new(),
            &payload,
        )
    }
}

/// Records a bank transfer that support made by hand.
pub struct RecordTransfer {
    /// The payout.
    pub payout_id: PayoutId,
    /// The bank's reference.
    pub reference: String,
}

impl Command<Context> for RecordTransfer {
    type Answer = PayoutView;
    const NAME: CommandName = CommandName::RecordTransfer;

    async fn run(&self, tx: &mut Tx) -> Result<PayoutView, CommandError> {
        let reference = given(&self.reference);
        let reference = reference.map_err(|refusal| refusal.refused().at("/reference"))?;
        let old = load(tx, self.payout_id).await?;
        if old.driver != Driver::Manual {
            return Err(Refusal::NotByHand.into());
        }
        match old.state {
            PayoutState::Created | PayoutState::Sent => {}
            PayoutState::Paid | PayoutState::Failed => return Err(Refusal::PayoutOver.into()),
        }
        let next = arrived(tx, &old, reference).await?;
        let act = AuditedAct {
            kind: "record_transfer",
            subject: ("payout", old.id.0),
            amount: old.amount,
            reason: reference,
            before: json!(payout(&old)),
            after: json!(payout(&next)),
        };
        limits::act(tx, act).await?;
        Ok(payout(&next))
    }
}
