//! Timer dispatch: the command of every kind of timer.

use entity::kinds::TimerKind;
use entity::value::{OrderId, PartnerId, PayableId, PersonId, SanctionId};

use crate::billing::payments::{reconcile, refund, status_poll, stray};
use crate::billing::payouts::payable::SettlePayable;
use crate::billing::payouts::payout::RunPayouts;
use crate::billing::payouts::payout_send;
use crate::bonus::expiry::{ExpireHead, NotifyExpiring};
use crate::context::Engine;
use crate::orders::end::burn::{Burn, CheckBay, Remind};
use crate::orders::end::close_for_block::{CloseAllForBlock, CloseForBlock};
use crate::orders::end::complete::AutoComplete;
use crate::orders::end::lapse::{
    AlertAdmit, LapseOffer, MarkOverdue, NoShow, NotAdmitted, ReleaseFrozen,
};
use crate::orders::proposals::agree::AgreeAutomatically;
use crate::orders::proposals::proposal;
use crate::orders::read::OrderScope;
use crate::orders::timers::Reminder;
use crate::orders::visit::accept::AutoConfirmBooking;
use crate::orders::visit::overrun::HoldOn;
use crate::reputation::judge::{JudgeClient, JudgePartner};
use crate::reputation::sanction::EndSanction;
use platform::engine::write_set::Fired;
use platform::{CommandError, Fault};

/// Executes the command of a timer that fell due.
///
/// # Errors
/// Faults only; a stale command is refused by its rules, and the timer is consumed.
pub async fn send(engine: &Engine, fired: &Fired) -> Result<(), CommandError> {
    let order_id = OrderId(fired.subject);
    let scope = OrderScope::Clock;
    let kind = fired.kind.known().map_err(|unknown| {
        let (id, what) = (format!("{}/{}", fired.kind, fired.subject), unknown.to_string());
        Fault::Inconsistent { table: "timer", id, what }
    })?;
    match kind {
        TimerKind::OfferDeadline => engine.fire(fired, LapseOffer { order_id }).await,
        TimerKind::ArrivalDeadline => engine.fire(fired, MarkOverdue { order_id }).await,
        TimerKind::LateDecision => engine.fire(fired, NoShow { scope, order_id }).await,
        TimerKind::AdmitAlert => engine.fire(fired, AlertAdmit { order_id }).await,
        TimerKind::AdmitDeadline => engine.fire(fired, NotAdmitted { order_id }).await,
        TimerKind::FreezeEnd => engine.fire(fired, ReleaseFrozen { order_id }).await,
        TimerKind::AutoConfirm => engine.fire(fired, AutoConfirmBooking { order_id }).await,
        TimerKind::Burn => engine.fire(fired, Burn { order_id }).await,
        TimerKind::ProposalDeadline => {
            engine.fire(fired, proposal::LapseProposal { order_id }).await
        }
        TimerKind::AutoAgree => engine.fire(fired, AgreeAutomatically { order_id }).await,
        TimerKind::RemindDay => remind(engine, fired, Reminder::Day).await,
        TimerKind::RemindSoon => remind(engine, fired, Reminder::Soon).await,
        TimerKind::RemindLeave => remind(engine, fired, Reminder::Leave).await,
        TimerKind::BayCheck => engine.fire(fired, CheckBay { order_id }).await,
        TimerKind::Overrun => engine.fire(fired, HoldOn { order_id }).await,
        TimerKind::CloseForBlock => engine.fire(fired, CloseForBlock { order_id }).await,
        TimerKind::CloseAllForBlock => {
            engine.fire(fired, CloseAllForBlock { partner_id: PartnerId(fired.subject) }).await
        }
        TimerKind::JudgeClient => {
            engine.fire(fired, JudgeClient { client_id: PersonId(fired.subject) }).await
        }
        TimerKind::JudgePartner => {
            engine.fire(fired, JudgePartner { partner_id: PartnerId(fired.subject) }).await
        }
        TimerKind::SanctionEnd => {
            engine.fire(fired, EndSanction { sanction_id: SanctionId(fired.subject) }).await
        }
        TimerKind::ExpireBonus => engine.fire(fired, ExpireHead { owner: fired.subject }).await,
        TimerKind::WarnBonus => engine.fire(fired, NotifyExpiring { owner: fired.subject }).await,
        TimerKind::PollPayment => status_poll::fired(engine, fired).await,
        TimerKind::RefundPayment => refund::fired(engine, fired).await,
        TimerKind::ReconcilePayment => reconcile::fired(engine, fired).await,
        TimerKind::CheckStray => stray::fired(engine, fired).await,
        TimerKind::SettlePayable => {
            let payable_id = PayableId(fired.subject);
            engine.fire(fired, SettlePayable { payable_id }).await
        }
        TimerKind::RunPayouts => {
            engine.fire(fired, RunPayouts { partner_id: PartnerId(fired.subject) }).await
        }
        TimerKind::SendPayout => payout_send::fired(engine, fired).await,
        TimerKind::AutoComplete => engine.fire(fired, AutoComplete { order_id }).await,
    }
}

async fn remind(engine: &Engine, fired: &Fired, which: Reminder) -> Result<(), CommandError> {
    engine.fire(fired, Remind { order_id: OrderId(fired.subject), which }).await
}

/// Does the command of this timer wait for an external provider? Then it must not delay others.
#[must_use]
pub const fn asks_outside(kind: TimerKind) -> bool {
    match kind {
        TimerKind::PollPayment
        | TimerKind::RefundPayment
        | TimerKind::ReconcilePayment
        | TimerKind::CheckStray
        | TimerKind::SendPayout => true,
        TimerKind::OfferDeadline
        | TimerKind::ArrivalDeadline
        | TimerKind::LateDecision
        | TimerKind::AdmitAlert
        | TimerKind::AdmitDeadline
        | TimerKind::FreezeEnd
        | TimerKind::AutoConfirm
        | TimerKind::Burn
        | TimerKind::ProposalDeadline
        | TimerKind::AutoAgree
        | TimerKind::RemindDay
        | TimerKind::RemindSoon
        | TimerKind::RemindLeave
        | TimerKind::BayCheck
        | TimerKind::Overrun
        | TimerKind::CloseForBlock
        | TimerKind::AutoComplete
        | TimerKind::CloseAllForBlock
        | TimerKind::JudgeClient
        | TimerKind::JudgePartner
        | TimerKind::SanctionEnd
        | TimerKind::ExpireBonus
        | TimerKind::WarnBonus
        | TimerKind::SettlePayable
        | TimerKind::RunPayouts => false,
    }
}
