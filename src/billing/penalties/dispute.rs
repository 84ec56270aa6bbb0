//! Disputing a penalty (by the client) and rejecting the dispute (by support) (PEN-5, PEN-7).

use chrono::TimeDelta;
use entity::kinds::{CommandName, EventKind};
use entity::penalty::Model;
use entity::value::{Money, PenaltyId, PersonId};

use super::read::{self, PenaltyView, view};
use super::waive::record;
use super::{emit, penalty};
use crate::access::limits;
use crate::billing::Refusal;
use crate::context::{Context, Tx};
use platform::codes::given;
use platform::scheduler::heartbeat;
use platform::{Command, CommandError, Refused};

/// Disputes one of the client's own penalties.
pub struct Dispute {
    /// The client.
    pub client_id: PersonId,
    /// The penalty.
    pub penalty_id: PenaltyId,
    /// The client's reason.
    pub reason: String,
}

impl Command<Context> for Dispute {
    type Answer = PenaltyView;
    const NAME: CommandName = CommandName::DisputePenalty;

    async fn run(&self, tx: &mut Tx) -> Result<PenaltyView, CommandError> {
        let (row, keys) = read::load(tx, self.penalty_id).await?;
        if row.client_id != self.client_id {
            return Err(Refusal::NoSuchPenalty.into());
        }
        let reason = given(&self.reason)?;
        let days = keys.penalty.dispute_days;
        let until = penalty::dispute_until(&row, days);
        let least = TimeDelta::seconds(keys.outage.least_s);
        let judged = heartbeat::judged(tx.db(), until, tx.now(), least).await?;
        let next = penalty::disputed(&row, reason, days, judged)
            .map_err(|refusal| Refused::from(refusal).with("until", until))?;
        let next = Model { disputed_at: Some(tx.now()), ..next };
        tx.update(&row, &next);
        let shown = view(&next, &keys);
        emit::client(tx, &shown, None)?;
        emit::support(tx, EventKind::SupportPenaltyDisputed, &shown, reason)?;
        Ok(shown)
    }
}

/// Rejects a dispute: the penalty is a debt again, or paid.
pub struct Reject {
    /// The penalty.
    pub penalty_id: PenaltyId,
    /// Support's reason.
    pub reason: String,
}

impl Command<Context> for Reject {
    type Answer = PenaltyView;
    const NAME: CommandName = CommandName::RejectDispute;

    async fn run(&self, tx: &mut Tx) -> Result<PenaltyView, CommandError> {
        let reason = given(&self.reason)?;
        let (row, keys) = read::load(tx, self.penalty_id).await?;
        let next = penalty::rejected(&row)?;
        let act = record("reject_dispute", (&row, &next), Money::ZERO, reason);
        limits::act(tx, act).await?;
        tx.update(&row, &next);
        let shown = view(&next, &keys);
        emit::client(tx, &shown, Some(reason))?;
        emit::support(tx, EventKind::SupportPenaltyRejected, &shown, reason)?;
        Ok(shown)
    }
}
