//! What the reader of an order may do with it now: the commands' own `decide`, asked without doing.
//! Pure.
//!
//! A rule that depends on more than the order's row is asked with favourable facts: a free bay, a
//! live branch, enough balance. So an intent shown as refused is refused, and one shown as allowed
//! may still be refused for what the row does not hold. The other way round only an outage of ours
//! matters: it extends the times to contest and to leave, which a view does not know (OUT-1).

use entity::order::Model;
use entity::value::{Actor, Instant, Money, ProposalId};
use strum::IntoEnumIterator as _;
use uuid::Uuid;

use super::Refusal;
use super::decision::{NoFacts, OutagesSince, Reasoned, Step, Window};
use super::end::adjust::{Amend, ForceCancel, ForceComplete};
use super::end::amount::{self, ConfirmAmount, ConfirmFacts, ContestAmount, ContestAmountFacts};
use super::end::cancel::{CancelByClient, CancelByStaff, CancelFacts};
use super::end::complete::{ChangeServices, Complete, CompleteFacts, ServicesFacts};
use super::end::decline::Decline;
use super::end::fee;
use super::end::lapse::{NoShow, NoShowFacts, NotHere};
use super::machine::{self, Intent};
use super::place::bonus::{BonusFacts, PayWithBonus};
use super::proposals::add_on::{AcceptAddOn, AddOnFacts, AgreedAddOn, ProposeAddOn};
use super::proposals::proposal::{self, AnswerFacts, DeclineFacts, DeclineProposal};
use super::proposals::reschedule::{AcceptReschedule, AgreedMove, MoveFacts, ProposeReschedule};
use super::view::{Action, Actions, Reader};
use super::visit::accept::{Accept, AcceptFacts};
use super::visit::admit::{Admit, AdmitFacts};
use super::visit::arrive::{ArrivalFacts, ArrivalProof, ArriveByCode};
use super::visit::contest::{Contest, ContestFacts, Leave};
use super::visit::depart::Depart;
use super::visit::extend::{Extend, ExtendFacts};
use super::visit::late;
use super::visit::reprice::Space;
use crate::policy::Policy;

/// What this reader may do with an order at this instant.
#[must_use]
pub fn of(order: &Model, reader: Reader, policy: &Policy, now: Instant) -> Actions {
    let asked = Asked { order, by: reader.actor(), policy, now };
    Intent::iter()
        .filter(|intent| machine::knows(order.kind, *intent, asked.by))
        .map(|intent| (intent.to_string(), asked.action(intent)))
        .collect()
}

/// Who asks about which order, when.
#[derive(Clone, Copy)]
struct Asked<'a> {
    order: &'a Model,
    by: Actor,
    policy: &'a Policy,
    now: Instant,
}

impl Asked<'_> {
    fn action(self, intent: Intent) -> Action {
        let window = self.window(intent);
        match self.decided(intent) {
            Ok(step) => {
                let cost = self.cost(intent, &step);
                let (cost, cost_until) = cost.map_or((None, None), |(cost, at)| (Some(cost), at));
                Action { allowed: true, until: window.until, cost, cost_until, ..Action::default() }
            }
            Err(refusal) => {
                // Only what is still to begin has a time that matters.
                let soon = refusal.begins_later() && window.from.is_some_and(|at| at >= self.now);
                let Window { from, until } = if soon { window } else { Window::default() };
                let code = Some(refusal.refused().code.to_owned());
                Action { allowed: false, code, from, until, ..Action::default() }
            }
        }
    }

    /// The command's own rule.
    fn decided(self, intent: Intent) -> Result<Step, Refusal> {
        let Self { order, by, policy, now } = self;
        match intent {
            Intent::Accept => Accept::decide(order, &AcceptFacts::favourable(), policy, now),
            Intent::Decline => Decline::decide(order, &Reasoned::default(), policy, now),
            Intent::Depart => Depart::decide(order, &NoFacts, policy, now),
            Intent::Arrive => ArriveByCode::decide(
                order,
                &ArrivalFacts { proof: ArrivalProof::Code },
                policy,
                now,
            ),
            Intent::Extend => Extend::decide(order, &ExtendFacts::favourable(), policy, now),
            Intent::Admit => Admit::decide(order, &AdmitFacts::default(), policy, now),
            Intent::Cancel | Intent::NotAdmitted => self.cancelled(intent),
            Intent::NoShow => NoShow::decide(order, &NoShowFacts { by }, policy, now),
            Intent::NotHere => NotHere::decide(order, &NoFacts, policy, now),
            Intent::Contest => Contest::decide(order, &ContestFacts::default(), policy, now),
            Intent::Leave => Leave::decide(order, &OutagesSince::default(), policy, now),
            Intent::ChangeServices => {
                ChangeServices::decide(order, &ServicesFacts::favourable(order, by), policy, now)
            }
            Intent::PayWithBonus => {
                let amount = order.bonus.min(order.agreed);
                PayWithBonus::decide(order, &BonusFacts { amount }, policy, now)
            }
            Intent::Complete => {
                Complete::decide(order, &CompleteFacts::favourable(order), policy, now)
            }
            Intent::ConfirmAmount => {
                ConfirmAmount::decide(order, &ConfirmFacts::favourable(order), policy, now)
            }
            Intent::ContestAmount => {
                ContestAmount::decide(order, &ContestAmountFacts::default(), policy, now)
            }
            Intent::ProposeAddOn
            | Intent::AcceptAddOn
            | Intent::DeclineAddOn
            | Intent::ProposeReschedule
            | Intent::AcceptReschedule
            | Intent::DeclineReschedule => self.proposed(intent),
            Intent::ForceCancel => ForceCancel::asked(order, now),
            Intent::ForceComplete => ForceComplete::asked(order, policy, now),
            Intent::Amend => Amend::asked(order, policy, now),
            Intent::Place
            | Intent::AutoConfirm
            | Intent::Lapse
            | Intent::Overdue
            | Intent::Burn
            | Intent::LapseProposal
            | Intent::Alert
            | Intent::ReleaseFrozen
            | Intent::Overrun
            | Intent::AutoComplete
            | Intent::CloseForBlock
            | Intent::Shift => Err(Refusal::NotYours),
        }
    }

    /// Leaving because of a late admission is a client's cancel with another outcome (ARR-2).
    fn cancelled(self, intent: Intent) -> Result<Step, Refusal> {
        let Self { order, by, policy, now } = self;
        if by != Actor::Client {
            return CancelByStaff::decide(order, &Reasoned::default(), policy, now);
        }
        // The acceptance counts as seen: the view itself shows it, and the cost is the most it is.
        let facts = CancelFacts { seen_at: order.accepted_at, ..CancelFacts::default() };
        let step = CancelByClient::decide(order, &facts, policy, now)?;
        let other = intent == Intent::NotAdmitted && step.intent != intent;
        if other { Err(Refusal::NotLateYet) } else { Ok(step) }
    }

    fn proposed(self, intent: Intent) -> Result<Step, Refusal> {
        let Self { order, by, policy, now } = self;
        let id = order.proposal.as_ref().map(|proposal| proposal.id);
        let answer = AnswerFacts { by, proposal_id: id.unwrap_or(ProposalId(Uuid::nil())) };
        if intent == Intent::ProposeAddOn {
            return ProposeAddOn::decide(order, &AddOnFacts::favourable(order), policy, now);
        }
        if intent == Intent::ProposeReschedule {
            return ProposeReschedule::decide(order, &MoveFacts::favourable(by), policy, now);
        }
        if intent == Intent::AcceptAddOn {
            let facts = AgreedAddOn { answer, space: Space::Unchanged };
            return AcceptAddOn::decide(order, &facts, policy, now);
        }
        if intent == Intent::AcceptReschedule {
            return AcceptReschedule::decide(
                order,
                &AgreedMove { answer, live: true },
                policy,
                now,
            );
        }
        let facts = DeclineFacts { answer, add_on: intent == Intent::DeclineAddOn };
        DeclineProposal::decide(order, &facts, policy, now)
    }

    /// The time in which an intent is possible.
    fn window(self, intent: Intent) -> Window {
        let Self { order, by, policy, .. } = self;
        match intent {
            Intent::Accept | Intent::Decline => Accept::window(order),
            Intent::Depart | Intent::Arrive => late::travel_window(order, policy),
            Intent::Extend => Extend::window(order, policy),
            Intent::Admit => Admit::window(order, policy),
            Intent::NoShow => NoShow::window(order, by, policy),
            Intent::NotAdmitted => Window { from: order.admit_alert_at, until: None },
            Intent::Contest | Intent::Leave => late::contest_window(order, policy),
            Intent::ConfirmAmount | Intent::ContestAmount => amount::dispute_window(order, policy),
            Intent::ProposeAddOn => ProposeAddOn::window(order, policy),
            Intent::ProposeReschedule => ProposeReschedule::window(order, policy),
            Intent::AcceptAddOn
            | Intent::DeclineAddOn
            | Intent::AcceptReschedule
            | Intent::DeclineReschedule => proposal::window(order),
            Intent::Cancel
            | Intent::NotHere
            | Intent::ChangeServices
            | Intent::PayWithBonus
            | Intent::Complete
            | Intent::ForceCancel
            | Intent::ForceComplete
            | Intent::Amend
            | Intent::Place
            | Intent::AutoConfirm
            | Intent::Lapse
            | Intent::Overdue
            | Intent::Burn
            | Intent::LapseProposal
            | Intent::Alert
            | Intent::ReleaseFrozen
            | Intent::Overrun
            | Intent::AutoComplete
            | Intent::CloseForBlock
            | Intent::Shift => Window::default(),
        }
    }

    /// What a client's cancelling costs now, and until when it costs that (PEN-1, PEN-2, ARR-2).
    fn cost(self, intent: Intent, step: &Step) -> Option<(Money, Option<Instant>)> {
        if intent != Intent::Cancel || self.by != Actor::Client {
            return None;
        }
        let fee = fee::quote(self.order, self.order.accepted_at, self.policy, &[], self.now);
        let leaves_free = self.order.admit_alert_at.filter(|_| fee.amount.is_positive());
        Some((step.next.penalty.unwrap_or_default(), fee.free_until.or(leaves_free)))
    }
}

impl Refusal {
    /// Does it say that the time for an intent is still to begin?
    fn begins_later(self) -> bool {
        self == Self::TooEarlyToDepart || self == Self::TooEarlyToAdmit || self == Self::NotLateYet
    }
}
