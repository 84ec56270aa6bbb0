//! Proposals of one side to the other, and their ends without acceptance (ADD-1, BK-8, ORD-8).

use entity::kinds::{CommandName, EventKind};
use entity::order::{Model, Proposal, Proposed};
use entity::value::{Actor, Instant, OrderId, ProposalId};
use serde_json::json;

use crate::context::{Context, Tx};
use crate::orders::decision::{NoFacts, Step, Window, past};
use crate::orders::machine::{self, Intent};
use crate::orders::read::{self, OrderScope};
use crate::orders::view::OrderView;
use crate::orders::{Refusal, write};
use crate::policy::{self, Policy};
use platform::{Command, CommandError};

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

/// What an answer to a proposal depends on beside the order.
#[derive(Clone, Copy)]
pub(in crate::orders) struct AnswerFacts {
    /// The answering side.
    pub by: Actor,
    /// The proposal it answers.
    pub proposal_id: ProposalId,
}

/// Checks that a proposal can be made: none is pending, nothing is frozen.
pub(in crate::orders) fn may_propose(order: &Model) -> Result<(), Refusal> {
    if order.frozen_until.is_some() {
        return Err(Refusal::Frozen);
    }
    if order.proposal.is_some() {
        return Err(Refusal::ProposalPending);
    }
    Ok(())
}

/// The pending proposal, if it is this one and has not expired.
pub(in crate::orders) fn pending(
    order: &Model,
    id: ProposalId,
    now: Instant,
) -> Result<Proposal, Refusal> {
    let proposal = order.proposal.as_ref().filter(|proposal| proposal.id == id);
    let proposal = proposal.ok_or(Refusal::NoSuchProposal)?;
    if window(order).over(now) {
        return Err(Refusal::ProposalOver);
    }
    Ok(proposal.clone())
}

/// The pending proposal, if it was made by the other side; the scheduler answers for the partner.
pub(in crate::orders) fn of_the_other_side(
    order: &Model,
    facts: AnswerFacts,
    now: Instant,
) -> Result<Proposal, Refusal> {
    let proposal = pending(order, facts.proposal_id, now)?;
    if proposal.by == facts.by { Err(Refusal::ProposalYours) } else { Ok(proposal) }
}

/// The time to answer the pending proposal.
pub(in crate::orders) fn window(order: &Model) -> Window {
    Window::until(order.proposal.as_ref().map(|proposal| proposal.expires_at))
}

/// Is it an add-on, not a move?
pub(in crate::orders) fn add_on(what: &Proposed) -> bool {
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

impl Command<Context> for DeclineProposal {
    type Answer = OrderView;
    const NAME: CommandName = CommandName::DeclineProposal;

    async fn run(&self, tx: &mut Tx) -> Result<OrderView, CommandError> {
        let ProposalAnswer { scope, order_id, proposal_id, seen } = self.answer;
        let order = read::ask(tx, scope, order_id, Self::intent(self.add_on)).await?;
        read::fresh(tx, &order, seen, scope).await?;
        let keys = policy::registry::at_version(tx, order.policy_version)?;
        let answer = AnswerFacts { by: scope.actor(), proposal_id };
        let facts = DeclineFacts { answer, add_on: self.add_on };
        let step = Self::decide(&order, &facts, &keys, tx.now());
        let step = step.map_err(|refusal| read::refuse(tx, refusal, &order, scope))?;
        let order = write::step(tx, &order, step).await?;
        read::shown(tx, &order, scope)
    }
}

/// What declining depends on beside the order.
pub(in crate::orders) struct DeclineFacts {
    /// Who answers which proposal.
    pub answer: AnswerFacts,
    /// Whether it is an add-on, not a move.
    pub add_on: bool,
}

impl DeclineProposal {
    /// Either side, while the proposal is pending.
    pub(in crate::orders) fn decide(
        order: &Model,
        facts: &DeclineFacts,
        _: &Policy,
        now: Instant,
    ) -> Result<Step, Refusal> {
        let intent = Self::intent(facts.add_on);
        machine::next(order, intent, facts.answer.by)?;
        let proposal = pending(order, facts.answer.proposal_id, now)?;
        if add_on(&proposal.what) != facts.add_on {
            return Err(Refusal::NoSuchProposal);
        }
        let event = if facts.add_on {
            EventKind::OrderAddOnDeclined
        } else {
            EventKind::OrderRescheduleDeclined
        };
        let next = Model { proposal: None, ..order.clone() };
        let taken_back = proposal.by == facts.answer.by;
        let note = json!({"proposal": proposal, "taken_back": taken_back});
        Ok(Step { note, ..Step::new(intent, event, next) })
    }

    fn intent(add_on: bool) -> Intent {
        if add_on { Intent::DeclineAddOn } else { Intent::DeclineReschedule }
    }
}

/// Ends a proposal that was not answered in time.
pub struct LapseProposal {
    /// The order.
    pub order_id: OrderId,
}

impl Command<Context> for LapseProposal {
    type Answer = ();
    const NAME: CommandName = CommandName::LapseProposal;

    async fn run(&self, tx: &mut Tx) -> Result<(), CommandError> {
        let order = read::ask(tx, OrderScope::Clock, self.order_id, Intent::LapseProposal).await?;
        let keys = policy::registry::at_version(tx, order.policy_version)?;
        let step = Self::decide(&order, &NoFacts, &keys, tx.now())?;
        write::step(tx, &order, step).await?;
        Ok(())
    }
}

impl LapseProposal {
    /// Strictly after the time to answer.
    fn decide(order: &Model, _: &NoFacts, _: &Policy, now: Instant) -> Result<Step, Refusal> {
        machine::next(order, Intent::LapseProposal, Actor::Clock)?;
        let proposal = order.proposal.as_ref().ok_or(Refusal::NoSuchProposal)?;
        past(Some(proposal.expires_at), now)?;
        let event = if add_on(&proposal.what) {
            EventKind::OrderAddOnExpired
        } else {
            EventKind::OrderRescheduleExpired
        };
        let next = Model { proposal: None, ..order.clone() };
        let note = json!({"proposal": proposal});
        Ok(Step { note, ..Step::new(Intent::LapseProposal, event, next) })
    }
}
