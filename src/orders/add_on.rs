//! Adding services before the car is admitted: the client proposes, the partner agrees (ADD-1).

use chrono::TimeDelta;
use entity::order::{Actor, Model, Proposal, Proposed};
use entity::value::{Money, OrderId, ProposalId, ServiceId};
use serde_json::json;

use super::machine::Intent;
use super::proposal::{self, ProposalAnswer};
use super::read::{self, OrderScope};
use super::reprice::reprice;
use super::view::{OrderView, view};
use super::write::{self, Step};
use super::{Refusal, amount, auto, late, price, timers};
use crate::partners;
use crate::partners::plan;
use crate::platform::{Command, CommandError, Tx};
use crate::policy;

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

impl Command for ProposeAddOn {
    type Answer = OrderView;
    const NAME: &'static str = "propose_add_on";

    async fn run(&self, tx: &mut Tx) -> Result<OrderView, CommandError> {
        let intent = Intent::ProposeAddOn;
        let (order, _) = read::ask(tx, self.scope, self.order_id, intent).await?;
        let refuse = |refusal| read::refuse(refusal, &order, self.scope);
        proposal::may_propose(&order).map_err(refuse)?;
        late::still_awaited(tx, &order, self.scope)?;
        let keys = policy::registry::at_version(tx, order.policy_version)?;
        let (partner, plan) = plan::of(tx, order.partner_id).await?;
        let had = &order.snapshot.lines;
        let again = self.service_ids.iter().any(|id| had.iter().any(|line| line.id == *id));
        if again || had.len() + self.service_ids.len() > price::SERVICES_MAX {
            return Err(Refusal::ServicesInvalid.into());
        }
        let ids = &self.service_ids;
        let services = price::lines(&plan.services, &[], ids, order.car_class, &keys)?;
        if order.bay_id.is_some() {
            let all = had.iter().chain(&services).map(|line| line.id).collect::<Vec<_>>();
            let kind = plan.bay_kind(&all)?;
            if plan.bays_for(kind.as_deref()).is_empty() {
                return Err(partners::Refusal::NoBay.into());
            }
        }
        let total = order
            .agreed
            .plus(price::total(&services)?)
            .ok_or_else(|| Refusal::AmountInvalid.refused().at("/service_ids"))?;
        if self.shown_total != Some(total) {
            let changed = Refusal::PriceChanged.refused().with("total", total);
            return Err(changed.with("services", services).into());
        }
        let proposal = Proposal {
            id: ProposalId::new(),
            by: Actor::Client,
            at: tx.now(),
            expires_at: tx.now() + TimeDelta::seconds(keys.addon.ttl_s),
            what: Proposed::AddOn { services, total },
        };
        let next = Model { proposal: Some(proposal), ..order.clone() };
        let agrees = auto::agrees(&partner, &plan.calendar, &next);
        let step = Step::new(intent, "order.add_on_proposed", next);
        let order = write::step(tx, &order, step)?;
        if agrees {
            write::arm_now(tx, &order, timers::AUTO_AGREE);
        }
        Ok(view(&order, self.scope.reader()))
    }
}

/// Agrees to an add-on: price, duration, hold, capacity and end change together or not at all.
pub struct AcceptAddOn(pub ProposalAnswer);

impl Command for AcceptAddOn {
    type Answer = OrderView;
    const NAME: &'static str = "accept_add_on";

    async fn run(&self, tx: &mut Tx) -> Result<OrderView, CommandError> {
        let ProposalAnswer { scope, order_id, proposal_id, seen } = self.0;
        let intent = Intent::AcceptAddOn;
        let (order, _) = read::ask(tx, scope, order_id, intent).await?;
        read::fresh(tx, &order, seen, scope).await?;
        let refuse = |refusal| read::refuse(refusal, &order, scope);
        let proposal = proposal::pending(&order, proposal_id, tx).map_err(refuse)?;
        proposal::other_side(&proposal, scope.actor()).map_err(refuse)?;
        let Proposed::AddOn { services, total } = proposal.what else {
            return Err(refuse(Refusal::NoSuchProposal).into());
        };
        let added: Vec<ServiceId> = services.iter().map(|line| line.id).collect();
        let lines = [order.snapshot.lines.clone(), services].concat();
        let next = amount::agreed(Model { proposal: None, ..order.clone() }, total);
        let next = reprice(tx, &order, next, lines, total).await?;
        let note = json!({"added": added, "before": order.agreed, "after": total});
        let step = Step { note, ..Step::new(intent, "order.add_on_accepted", next) };
        let order = write::step(tx, &order, step)?;
        Ok(view(&order, scope.reader()))
    }
}
