//! Moving a booking: one side proposes a start, the new slot is held, the other side agrees and the
//! old slot is released (BK-8).

use chrono::TimeDelta;
use entity::kinds::{CommandName, EventKind, TimerKind};
use entity::order::{Model, Proposal, Proposed};
use entity::partner::PartnerState;
use entity::value::{Actor, Instant, OrderId, ProposalId, Span};
use serde_json::json;
use uuid::Uuid;

use super::auto;
use super::proposal::{self, AnswerFacts, ProposalAnswer};
use crate::context::{Context, Tx};
use crate::orders::booking::slot::{Chosen, SlotRequest};
use crate::orders::decision::{Step, Window};
use crate::orders::end::cancel::cost;
use crate::orders::machine::{self, Intent};
use crate::orders::place::request::{self, Clash};
use crate::orders::read::{self, OrderScope};
use crate::orders::view::OrderView;
use crate::orders::visit::late;
use crate::orders::{Refusal, price, write};
use crate::partners;
use crate::partners::capacity::plan::{self, Need};
use crate::policy::{self, Policy};
use platform::{Command, CommandError};

/// Proposes another start.
pub struct ProposeReschedule {
    /// The proposing side: the client, or the branch.
    pub scope: OrderScope,
    /// The order.
    pub order_id: OrderId,
    /// The new start.
    pub starts_at: Instant,
}

impl Command<Context> for ProposeReschedule {
    type Answer = OrderView;
    const NAME: CommandName = CommandName::ProposeReschedule;

    async fn run(&self, tx: &mut Tx) -> Result<OrderView, CommandError> {
        let order = read::ask(tx, self.scope, self.order_id, Intent::ProposeReschedule).await?;
        let keys = policy::registry::at_version(tx, order.policy_version)?;
        let refuse = |tx: &Tx, refusal| read::refuse(tx, refusal, &order, self.scope);
        let by = self.scope.actor();
        // What is refused whatever is free is refused before a slot is looked for.
        let mut facts = MoveFacts { starts_at: Some(self.starts_at), ..MoveFacts::favourable(by) };
        let asked = Self::decide(&order, &facts, &keys, tx.now());
        asked.map_err(|refusal| refuse(tx, refusal))?;
        let (partner, plan) = plan::of(tx, order.partner_id).await?;
        facts.taking = partners::profile::read::taking(&partner);
        let asked = Self::decide(&order, &facts, &keys, tx.now());
        asked.map_err(|refusal| refuse(tx, refusal))?;
        tx.check(&partner);
        let bay_kind = order.snapshot.bay_kind.clone();
        let need = Need { visit: price::visit(&order.snapshot.lines), bay_kind };
        let (moving, car) = (Some(order.id), order.car_id);
        let wanted = SlotRequest { plan: &plan, need: &need, car, policy: &keys, moving };
        let chosen = wanted.choose(tx, order.partner_id, self.starts_at).await?;
        let span = Span { from: chosen.place.from, until: chosen.place.until };
        let by_client = by == Actor::Client;
        let overlaps = Clash::of_order(&order, by_client).overlaps(tx, span).await?;
        // A move is late if cancelling at this time would have a fee.
        facts.late = by_client && cost(tx, &order).await?.amount.is_positive();
        (facts.id, facts.slot) = (ProposalId::new(), Some(chosen));
        let step = Self::decide(&order, &facts, &keys, tx.now());
        let mut step = step.map_err(|refusal| refuse(tx, refusal))?;
        if auto::agrees(&partner, &plan.calendar, &step.next) {
            step.timers.push((TimerKind::AutoAgree, tx.now()));
        }
        let order = write::step(tx, &order, step).await?;
        let warnings = request::warnings(overlaps && by_client);
        Ok(OrderView { warnings, ..read::shown(tx, &order, self.scope)? })
    }
}

/// What proposing a move depends on beside the order.
pub(in crate::orders) struct MoveFacts {
    /// The id of the proposal.
    pub id: ProposalId,
    /// The proposing side.
    pub by: Actor,
    /// The new start; none where only the rest of the rule is asked.
    pub starts_at: Option<Instant>,
    /// Whether the branch takes orders.
    pub taking: bool,
    /// The free slot at that start; none before it was looked for.
    pub slot: Option<Chosen>,
    /// Whether cancelling now would have a fee for the client (BK-8).
    pub late: bool,
}

impl MoveFacts {
    /// Some other start, free at a branch that takes orders.
    pub(in crate::orders) fn favourable(by: Actor) -> Self {
        let id = ProposalId(Uuid::nil());
        Self { id, by, starts_at: None, taking: true, slot: None, late: false }
    }
}

impl ProposeReschedule {
    /// As often as the policy permits, until a while before the start; the answer is due before the
    /// nearer of both starts.
    pub(in crate::orders) fn decide(
        order: &Model,
        facts: &MoveFacts,
        policy: &Policy,
        now: Instant,
    ) -> Result<Step, Refusal> {
        let intent = Intent::ProposeReschedule;
        machine::next(order, intent, facts.by)?;
        proposal::may_propose(order)?;
        late::still_awaited(order, policy, now)?;
        if order.arrived_at.is_some() {
            return Err(Refusal::AlreadyArrived);
        }
        if order.reschedules >= policy.booking.max_reschedules {
            return Err(Refusal::TooManyMoves);
        }
        if facts.starts_at.is_some() && order.starts_at == facts.starts_at {
            return Err(Refusal::SameStart);
        }
        if Self::window(order, policy).over(now) {
            return Err(Refusal::TooLateToMove);
        }
        if !facts.taking {
            return Err(Refusal::PartnerNotTaking);
        }
        let proposal = facts.slot.as_ref().map(|slot| Proposal {
            id: facts.id,
            by: facts.by,
            at: now,
            expires_at: answer_until(order, slot.starts_at, policy, now),
            what: Proposed::Reschedule {
                starts_at: slot.starts_at,
                ends_at: slot.ends_at,
                place: slot.place,
                late: facts.late,
            },
        });
        let next = Model { proposal, ..order.clone() };
        Ok(Step::new(intent, EventKind::OrderRescheduleProposed, next))
    }

    /// The time to propose a move.
    pub(in crate::orders) fn window(order: &Model, policy: &Policy) -> Window {
        let before = TimeDelta::minutes(policy.booking.reschedule_before_start_min);
        Window::until(order.starts_at.map(|start| start - before))
    }
}

/// The deadline for the answer to a move.
fn answer_until(order: &Model, starts_at: Instant, policy: &Policy, now: Instant) -> Instant {
    let before = TimeDelta::minutes(policy.booking.reschedule_before_start_min);
    let ttl = now + TimeDelta::minutes(policy.booking.reschedule_ttl_min);
    let nearest = order.starts_at.map_or(starts_at, |start| start.min(starts_at));
    // A new start that is too near is refused by the slot's own code.
    ttl.min(nearest - before).max(now)
}

/// Accepts a move: the order takes the new slot, the old one is released.
pub struct AcceptReschedule(pub ProposalAnswer);

impl Command<Context> for AcceptReschedule {
    type Answer = OrderView;
    const NAME: CommandName = CommandName::AcceptReschedule;

    async fn run(&self, tx: &mut Tx) -> Result<OrderView, CommandError> {
        let ProposalAnswer { scope, order_id, proposal_id, seen } = self.0;
        let order = read::ask(tx, scope, order_id, Intent::AcceptReschedule).await?;
        read::fresh(tx, &order, seen, scope).await?;
        let keys = policy::registry::at_version(tx, order.policy_version)?;
        let answer = AnswerFacts { by: scope.actor(), proposal_id };
        let (partner, _) = plan::of(tx, order.partner_id).await?;
        let live = partner.state == PartnerState::Live;
        let step = Self::decide(&order, &AgreedMove { answer, live }, &keys, tx.now());
        let step = step.map_err(|refusal| read::refuse(tx, refusal, &order, scope))?;
        tx.check(&partner);
        let mut overlaps = false;
        if let (Actor::Client, Some(from), Some(until)) =
            (scope.actor(), step.next.taken_from, step.next.taken_until)
        {
            let span = Span { from, until };
            overlaps = Clash::of_order(&order, true).overlaps(tx, span).await?;
        }
        let order = write::step(tx, &order, step).await?;
        let warnings = request::warnings(overlaps);
        Ok(OrderView { warnings, ..read::shown(tx, &order, scope)? })
    }
}

/// What agreeing to a move depends on beside the order.
pub(in crate::orders) struct AgreedMove {
    /// Who answers which proposal.
    pub answer: AnswerFacts,
    /// Whether the branch is live.
    pub live: bool,
}

impl AcceptReschedule {
    /// The pending move of the other side, before the client arrived.
    pub(in crate::orders) fn decide(
        order: &Model,
        facts: &AgreedMove,
        policy: &Policy,
        now: Instant,
    ) -> Result<Step, Refusal> {
        let intent = Intent::AcceptReschedule;
        let to = machine::next(order, intent, facts.answer.by)?;
        let proposal = proposal::of_the_other_side(order, facts.answer, now)?;
        if order.arrived_at.is_some() {
            return Err(Refusal::AlreadyArrived);
        }
        let Proposed::Reschedule { starts_at, ends_at, place, late } = proposal.what else {
            return Err(Refusal::NoSuchProposal);
        };
        if !facts.live {
            // A move into the time of a block is refused (SAN-4).
            return Err(Refusal::PartnerNotTaking);
        }
        let chosen = Chosen { starts_at, ends_at, place };
        let next = Model {
            status: to,
            departed_at: None,
            eta_at: None,
            scheduled_at: Some(now),
            // Extensions applied to the old start.
            extensions: 0,
            reschedules: order.reschedules + 1,
            moved_late: order.moved_late || late,
            proposal: None,
            ..request::scheduled(order.clone(), &chosen, policy)
        };
        let note = json!({"from": order.starts_at, "to": starts_at, "late": late});
        Ok(Step { note, ..Step::new(intent, EventKind::OrderRescheduled, next) })
    }
}
