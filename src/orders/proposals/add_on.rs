//! Adding services before the car is admitted: the client proposes, the partner agrees (ADD-1).

use chrono::TimeDelta;
use entity::kinds::{CommandName, EventKind, TimerKind};
use entity::order::{Model, OrderedService, Proposal, Proposed};
use entity::value::{Actor, Instant, Money, OrderId, ProposalId, ServiceId};
use serde_json::json;
use uuid::Uuid;

use super::auto;
use super::proposal::{self, AnswerFacts, ProposalAnswer};
use crate::context::{Context, Tx};
use crate::ledger::post::hold::Limit;
use crate::orders::decision::{MoneyMove, Step, Window};
use crate::orders::end::amount;
use crate::orders::machine::{self, Intent};
use crate::orders::read::{self, OrderScope};
use crate::orders::view::OrderView;
use crate::orders::visit::late;
use crate::orders::visit::reprice::{Space, repriced, space};
use crate::orders::{Refusal, price, write};
use crate::partners;
use crate::partners::capacity::plan::{self, Plan};
use crate::policy::{self, Policy};
use platform::{Command, CommandError};

/// Proposes more services.
pub struct ProposeAddOn {
    /// The acting client.
    pub scope: OrderScope,
    /// The order.
    pub order_id: OrderId,
    /// The services to add.
    pub service_ids: Vec<ServiceId>,
    /// The total with them, as shown to the client.
    pub shown_total: Option<Money>,
}

impl Command<Context> for ProposeAddOn {
    type Answer = OrderView;
    const NAME: CommandName = CommandName::ProposeAddOn;

    async fn run(&self, tx: &mut Tx) -> Result<OrderView, CommandError> {
        let order = read::ask(tx, self.scope, self.order_id, Intent::ProposeAddOn).await?;
        let keys = policy::registry::at_version(tx, order.policy_version)?;
        // What is refused whatever the services is refused before their prices are looked up.
        let asked = Self::decide(&order, &AddOnFacts::favourable(&order), &keys, tx.now());
        asked.map_err(|refusal| read::refuse(tx, refusal, &order, self.scope))?;
        let (partner, plan) = plan::of(tx, order.partner_id).await?;
        let services = self.priced(&order, &plan, &keys)?;
        let (id, shown_total) = (ProposalId::new(), self.shown_total);
        let facts = AddOnFacts { id, services, shown_total };
        let step = Self::decide(&order, &facts, &keys, tx.now());
        let mut step = step.map_err(|refusal| Self::refused(refusal, &order, facts))?;
        if auto::agrees(&partner, &plan.calendar, &step.next) {
            step.timers.push((TimerKind::AutoAgree, tx.now()));
        }
        let order = write::step(tx, &order, step).await?;
        read::shown(tx, &order, self.scope)
    }
}

/// What proposing services depends on beside the order.
pub(in crate::orders) struct AddOnFacts {
    /// The id of the proposal.
    pub id: ProposalId,
    /// The added services, priced for the car.
    pub services: Vec<OrderedService>,
    /// The total with them, as shown to the client.
    pub shown_total: Option<Money>,
}

impl AddOnFacts {
    /// Services that can be added, at the price that was shown.
    pub(in crate::orders) fn favourable(order: &Model) -> Self {
        let id = ProposalId(Uuid::nil());
        Self { id, services: Vec::new(), shown_total: Some(order.agreed) }
    }
}

impl ProposeAddOn {
    /// Services the order does not have yet, at the total that was shown, while the client is
    /// awaited and no proposal is pending.
    pub(in crate::orders) fn decide(
        order: &Model,
        facts: &AddOnFacts,
        policy: &Policy,
        now: Instant,
    ) -> Result<Step, Refusal> {
        machine::next(order, Intent::ProposeAddOn, Actor::Client)?;
        proposal::may_propose(order)?;
        late::still_awaited(order, policy, now)?;
        let services = facts.services.clone();
        let total = with(order, &services).ok_or(Refusal::AmountInvalid)?;
        if facts.shown_total != Some(total) {
            return Err(Refusal::PriceChanged);
        }
        let proposal = Proposal {
            id: facts.id,
            by: Actor::Client,
            at: now,
            expires_at: now + TimeDelta::seconds(policy.addon.ttl_s),
            what: Proposed::AddOn { services, total },
        };
        let next = Model { proposal: Some(proposal), ..order.clone() };
        Ok(Step::new(Intent::ProposeAddOn, EventKind::OrderAddOnProposed, next))
    }

    /// The time to propose: while the client is awaited.
    pub(in crate::orders) fn window(order: &Model, policy: &Policy) -> Window {
        Window::until(late::awaited_until(order, policy))
    }

    /// The services to add, priced for the car.
    fn priced(
        &self,
        order: &Model,
        plan: &Plan,
        policy: &Policy,
    ) -> Result<Vec<OrderedService>, CommandError> {
        let had = &order.snapshot.lines;
        let again = self.service_ids.iter().any(|id| had.iter().any(|line| line.id == *id));
        if again || had.len() + self.service_ids.len() > price::SERVICES_MAX {
            return Err(Refusal::ServicesInvalid.into());
        }
        let ids = &self.service_ids;
        let services = price::lines(&plan.services, &[], ids, order.car_class, policy)?;
        if order.bay_id.is_some() {
            let all = had.iter().chain(&services).map(|line| line.id).collect::<Vec<_>>();
            let kind = plan.bay_kind(&all)?;
            if plan.bays_for(kind.as_deref()).is_empty() {
                return Err(partners::Refusal::NoBay.into());
            }
        }
        Ok(services)
    }

    /// The refusal of these services: names the field, or the price that changed.
    fn refused(refusal: Refusal, order: &Model, facts: AddOnFacts) -> CommandError {
        let refused = refusal.refused();
        match with(order, &facts.services) {
            None => refused.at("/service_ids").into(),
            Some(total) => refused.with("total", total).with("services", facts.services).into(),
        }
    }
}

/// The total of an order with these services added.
fn with(order: &Model, services: &[OrderedService]) -> Option<Money> {
    price::total(services).ok().and_then(|more| order.agreed.plus(more))
}

/// Agrees to an add-on: price, duration, hold, capacity and end change together or not at all.
pub struct AcceptAddOn(pub ProposalAnswer);

impl Command<Context> for AcceptAddOn {
    type Answer = OrderView;
    const NAME: CommandName = CommandName::AcceptAddOn;

    async fn run(&self, tx: &mut Tx) -> Result<OrderView, CommandError> {
        let ProposalAnswer { scope, order_id, proposal_id, seen } = self.0;
        let order = read::ask(tx, scope, order_id, Intent::AcceptAddOn).await?;
        read::fresh(tx, &order, seen, scope).await?;
        let keys = policy::registry::at_version(tx, order.policy_version)?;
        let answer = AnswerFacts { by: scope.actor(), proposal_id };
        // Whether it can be answered at all is known before a bay is looked for.
        let facts = AgreedAddOn { answer, space: Space::Unchanged };
        let asked = Self::decide(&order, &facts, &keys, tx.now());
        let asked = asked.map_err(|refusal| read::refuse(tx, refusal, &order, scope))?;
        let lines = &asked.next.snapshot.lines;
        let facts = AgreedAddOn { answer, space: space(tx, &order, lines, &keys).await? };
        let step = Self::decide(&order, &facts, &keys, tx.now());
        let step = step.map_err(|refusal| read::refuse(tx, refusal, &order, scope))?;
        let order = write::step(tx, &order, step).await?;
        read::shown(tx, &order, scope)
    }
}

/// What agreeing to an add-on depends on beside the order.
pub(in crate::orders) struct AgreedAddOn {
    /// Who answers which proposal.
    pub answer: AnswerFacts,
    /// Where the longer visit finds room.
    pub space: Space,
}

impl AcceptAddOn {
    /// The pending add-on of the other side.
    pub(in crate::orders) fn decide(
        order: &Model,
        facts: &AgreedAddOn,
        policy: &Policy,
        now: Instant,
    ) -> Result<Step, Refusal> {
        machine::next(order, Intent::AcceptAddOn, facts.answer.by)?;
        let proposal = proposal::of_the_other_side(order, facts.answer, now)?;
        let Proposed::AddOn { services, total } = proposal.what else {
            return Err(Refusal::NoSuchProposal);
        };
        let added: Vec<ServiceId> = services.iter().map(|line| line.id).collect();
        let lines = [order.snapshot.lines.clone(), services].concat();
        let next = amount::agreed(Model { proposal: None, ..order.clone() }, total);
        let next = repriced(next, lines, total, &facts.space, policy)?;
        Ok(Step {
            note: json!({"added": added, "before": order.agreed, "after": total}),
            money: MoneyMove::Resize(Limit::Floor),
            ..Step::new(Intent::AcceptAddOn, EventKind::OrderAddOnAccepted, next)
        })
    }
}
