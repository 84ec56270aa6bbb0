//! Timer dispatch: the command of every kind of timer.

use entity::value::{OrderId, PartnerId, PayableId, PersonId, SanctionId};

use crate::billing::payable::{self, SettlePayable};
use crate::billing::payout::{self, RunPayouts};
use crate::billing::{payout_send, reconcile, refund, status_poll, stray};
use crate::bonus::timers::{self as bonus_timers, ExpireHead, NotifyExpiring};
use crate::context::Engine;
use crate::orders::accept::AutoConfirmBooking;
use crate::orders::agree::AgreeAutomatically;
use crate::orders::burn::{Burn, CheckBay, Remind};
use crate::orders::close_for_block::{CloseAllForBlock, CloseForBlock};
use crate::orders::complete::AutoComplete;
use crate::orders::lapse::{
    AlertAdmit, LapseOffer, MarkOverdue, NoShow, NotAdmitted, ReleaseFrozen,
};
use crate::orders::overrun::HoldOn;
use crate::orders::read::OrderScope;
use crate::orders::{proposal, timers};
use crate::platform::write_set::Fired;
use crate::platform::{CommandError, Fault};
use crate::reputation::judge::{JudgeClient, JudgePartner};
use crate::reputation::rules;
use crate::reputation::sanction::EndSanction;

/// Executes the command of a timer that fell due.
///
/// # Errors
/// Faults only; a stale command is refused by its rules, and the timer is consumed.
pub async fn send(engine: &Engine, fired: &Fired) -> Result<(), CommandError> {
    let order_id = OrderId(fired.subject);
    let scope = OrderScope::Clock;
    match fired.kind.as_str() {
        timers::OFFER => engine.fire(fired, LapseOffer { order_id }).await,
        timers::ARRIVAL => engine.fire(fired, MarkOverdue { order_id }).await,
        timers::DECISION => engine.fire(fired, NoShow { scope, order_id }).await,
        timers::ADMIT_ALERT => engine.fire(fired, AlertAdmit { order_id }).await,
        timers::ADMIT => engine.fire(fired, NotAdmitted { order_id }).await,
        timers::FROZEN => engine.fire(fired, ReleaseFrozen { order_id }).await,
        timers::AUTO_CONFIRM => engine.fire(fired, AutoConfirmBooking { order_id }).await,
        timers::BURN => engine.fire(fired, Burn { order_id }).await,
        timers::PROPOSAL => engine.fire(fired, proposal::LapseProposal { order_id }).await,
        timers::AUTO_AGREE => engine.fire(fired, AgreeAutomatically { order_id }).await,
        which @ (timers::REMIND_DAY | timers::REMIND_SOON | timers::REMIND_LEAVE) => {
            engine.fire(fired, Remind { order_id, which: named(which) }).await
        }
        timers::BAY_CHECK => engine.fire(fired, CheckBay { order_id }).await,
        timers::OVERRUN => engine.fire(fired, HoldOn { order_id }).await,
        timers::CLOSE_FOR_BLOCK => engine.fire(fired, CloseForBlock { order_id }).await,
        rules::CLOSE_FOR_BLOCK => {
            engine.fire(fired, CloseAllForBlock { partner_id: PartnerId(fired.subject) }).await
        }
        rules::JUDGE_CLIENT => {
            engine.fire(fired, JudgeClient { client_id: PersonId(fired.subject) }).await
        }
        rules::JUDGE_PARTNER => {
            engine.fire(fired, JudgePartner { partner_id: PartnerId(fired.subject) }).await
        }
        rules::ENDS => {
            engine.fire(fired, EndSanction { sanction_id: SanctionId(fired.subject) }).await
        }
        bonus_timers::EXPIRE_HEAD => engine.fire(fired, ExpireHead { owner: fired.subject }).await,
        bonus_timers::WARN => engine.fire(fired, NotifyExpiring { owner: fired.subject }).await,
        status_poll::STATUS_POLL => status_poll::fired(engine, fired).await,
        refund::REFUND => refund::fired(engine, fired).await,
        reconcile::RECONCILE => reconcile::fired(engine, fired).await,
        stray::STRAY => stray::fired(engine, fired).await,
        payable::SETTLE => {
            let payable_id = PayableId(fired.subject);
            engine.fire(fired, SettlePayable { payable_id }).await
        }
        payout::RUN => {
            engine.fire(fired, RunPayouts { partner_id: PartnerId(fired.subject) }).await
        }
        payout_send::SEND => payout_send::fired(engine, fired).await,
        timers::AUTO_COMPLETE => engine.fire(fired, AutoComplete { order_id }).await,
        kind => Err(Fault::Other(format!("no command for timer {kind}")).into()),
    }
}

/// Does the command of this timer wait for an external provider? Then it must not delay others.
#[must_use]
pub fn asks_outside(kind: &str) -> bool {
    let kinds = [
        status_poll::STATUS_POLL,
        refund::REFUND,
        reconcile::RECONCILE,
        stray::STRAY,
        payout_send::SEND,
    ];
    kinds.contains(&kind)
}

fn named(which: &str) -> &'static str {
    timers::ALL.iter().find(|kind| **kind == which).copied().unwrap_or(timers::REMIND_LEAVE)
}

#[cfg(test)]
mod tests {
    /// Timers that are not an order's, and whether outages of ours move them (OUT-1).
    const OTHERS: &[(&str, &str)] = &[
        ("rules::CLOSE_FOR_BLOCK", "stays: support's act"),
        ("rules::JUDGE_CLIENT", "stays: what counts was recorded before"),
        ("rules::JUDGE_PARTNER", "stays: what counts was recorded before"),
        ("rules::ENDS", "stays: nobody is to be sanctioned for longer"),
        ("bonus_timers::EXPIRE_HEAD", "moves: sweeps::shift_bonus"),
        ("bonus_timers::WARN", "stays: armed anew with the moved end"),
        ("status_poll::STATUS_POLL", "stays: the provider says whether it was paid in time"),
        ("refund::REFUND", "stays: a try"),
        ("reconcile::RECONCILE", "stays: a look at the provider"),
        ("stray::STRAY", "stays: a look at the provider"),
        ("payable::SETTLE", "stays: a debt falls due once we are back"),
        ("payout::RUN", "stays: a day's work"),
        ("payout_send::SEND", "stays: a try"),
    ];

    /// OUT-1: every kind of timer is listed as moved by outages or not: an order's own in
    /// `orders::timers`, any other here.
    #[test]
    fn out_1_no_kind_of_timer_is_forgotten() {
        let source = include_str!("timer_dispatch.rs");
        let send = source.split("match fired.kind").nth(1).unwrap();
        let send = send.split("/// Does the command of this timer wait").next().unwrap();
        let name = |c: char| !(c.is_alphanumeric() || c == '_' || c == ':');
        for word in send.split(name) {
            let Some((module, kind)) = word.rsplit_once("::") else { continue };
            let constant = kind.len() > 2 && kind.chars().all(|c| c.is_uppercase() || c == '_');
            if constant && module != "timers" {
                assert!(OTHERS.iter().any(|(other, _)| *other == word), "{word}");
            }
        }
        assert!(OTHERS.iter().all(|(other, _)| send.contains(other)));
    }
}
