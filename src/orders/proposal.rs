//! Proposals of one side to the other, and their ends without acceptance (ADD-1, BK-8, ORD-8).

use entity::order::{Actor, Model, Proposal, Proposed};
use entity::value::{OrderId, ProposalId};
use serde_json::json;

use super::lapse::past;
use super::machine::Intent;
use super::read::{self, OrderScope};
use super::view::{OrderView, view};
use super::write::{self, Step};
use super::{Refusal, add_on, auto, reschedule};
use crate::partners::plan;
use crate::platform::{Command, CommandError, Tx};

/// An answer to a proposal: by whom, to which, at which version (ORD-3).
#[derive(Clone, Copy)]
pub struct ProposalAnswer {
    /// The answering side.
    pub scope: OrderScope,
    /// The order.
    pub order_id: OrderId,
    /// The proposal.
    pub proposal_id: ProposalId,
    /// The version the sender saw.
    pub seen: i64,
}

/// Checks that a proposal can be made: none is pending, the client has not arrived, nothing is
/// frozen.
pub(super) fn may_propose(order: &Model) -> Result<(), Refusal> {
    if order.frozen_until.is_some() {
        return Err(Refusal::Frozen);
    }
    if order.proposal.is_some() {
        return Err(Refusal::ProposalPending);
    }
    Ok(())
}

/// The pending proposal, if it is this one and has not expired.
pub(super) fn pending(order: &Model, id: ProposalId, tx: &Tx) -> Result<Proposal, Refusal> {
    let proposal = order.proposal.as_ref().filter(|proposal| proposal.id == id);
    let proposal = proposal.ok_or(Refusal::NoSuchProposal)?;
    if tx.now() > proposal.expires_at {
        return Err(Refusal::ProposalOver);
    }
    Ok(proposal.clone())
}

/// Checks that the other side accepts; the scheduler does so for the partner.
pub(super) fn other_side(proposal: &Proposal, actor: Actor) -> Result<(), Refusal> {
    if proposal.by == actor { Err(Refusal::ProposalYours) } else { Ok(()) }
}

fn add_on(what: &Proposed) -> bool {
    match what {
        Proposed::AddOn { .. } => true,
        Proposed::Reschedule { .. } => false,
    }
}

/// Declines a proposal by the other side, or withdraws it by the side that made it.
pub struct DeclineProposal {
    /// The proposal, and who answers.
    pub answer: ProposalAnswer,
    /// Whether it is an add-on, not a move.
    pub add_on: bool,
}

impl Command for DeclineProposal {
    type Answer = OrderView;
    const NAME: &'static str = "decline_proposal";

    async fn run(&self, tx: &mut Tx) -> Result<OrderView, CommandError> {
        let ProposalAnswer { scope, order_id, proposal_id, seen } = self.answer;
        let (intent, event) = if self.add_on {
            (Intent::DeclineAddOn, "order.add_on_declined")
        } else {
            (Intent::DeclineReschedule, "order.reschedule_declined")
        };
        let (order, _) = read::ask(tx, scope, order_id, intent).await?;
        read::fresh(tx, &order, seen, scope).await?;
        let refuse = |refusal| read::refuse(refusal, &order, scope);
        let proposal = pending(&order, proposal_id, tx).map_err(refuse)?;
        if add_on(&proposal.what) != self.add_on {
            return Err(refuse(Refusal::NoSuchProposal).into());
        }
        let next = Model { proposal: None, ..order.clone() };
        let taken_back = proposal.by == scope.actor();
        let note = json!({"proposal": proposal, "taken_back": taken_back});
        let step = Step { note, ..Step::new(intent, event, next) };
        let order = write::step(tx, &order, step)?;
        Ok(view(&order, scope.reader()))
    }
}

/// Ends a proposal that was not answered in time.
pub struct LapseProposal {
    /// The order.
    pub order_id: OrderId,
}

impl Command for LapseProposal {
    type Answer = ();
    const NAME: &'static str = "lapse_proposal";

    async fn run(&self, tx: &mut Tx) -> Result<(), CommandError> {
        let intent = Intent::LapseProposal;
        let (order, _) = read::ask(tx, OrderScope::Clock, self.order_id, intent).await?;
        let Some(proposal) = &order.proposal else { return Err(Refusal::NoSuchProposal.into()) };
        past(tx, Some(proposal.expires_at))?;
        let event = if add_on(&proposal.what) {
            "order.add_on_expired"
        } else {
            "order.reschedule_expired"
        };
        let next = Model { proposal: None, ..order.clone() };
        let step = Step { note: json!({"proposal": proposal}), ..Step::new(intent, event, next) };
        write::step(tx, &order, step)?;
        Ok(())
    }
}

/// Accepts a client's proposal automatically, if the branch is configured so and still is (ADD-1,
/// BK-4).
pub struct AgreeAutomatically {
    /// The order.
    pub order_id: OrderId,
}

impl Command for AgreeAutomatically {
    type Answer = ();
    const NAME: &'static str = "agree_to_proposal";

    async fn run(&self, tx: &mut Tx) -> Result<(), CommandError> {
        let order = read::load(tx, OrderScope::Clock, self.order_id).await?;
        let Some(proposal) = &order.proposal else { return Err(Refusal::NoSuchProposal.into()) };
        let (partner, plan) = plan::of(tx, order.partner_id).await?;
        if !auto::agrees(&partner, &plan.calendar, &order) {
            // Another proposal than the one the timer was armed for, or the branch changed its
            // settings.
            return Err(Refusal::NotNow.into());
        }
        let answer = ProposalAnswer {
            scope: OrderScope::Clock,
            order_id: order.id,
            proposal_id: proposal.id,
            seen: order.version,
        };
        if add_on(&proposal.what) {
            add_on::AcceptAddOn(answer).run(tx).await?;
        } else {
            reschedule::AcceptReschedule(answer).run(tx).await?;
        }
        Ok(())
    }
}
