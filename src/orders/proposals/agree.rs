//! The branch's automatic agreement to a client's proposal (ADD-1, BK-4).

use entity::kinds::CommandName;
use entity::value::OrderId;

use super::proposal::{self, ProposalAnswer};
use super::{add_on, auto, reschedule};
use crate::context::{Context, Tx};
use crate::orders::Refusal;
use crate::orders::read::{self, OrderScope};
use crate::partners::capacity::plan;
use platform::{Command, CommandError};

/// Accepts a client's proposal automatically, if the branch is configured so and still is (ADD-1,
/// BK-4).
pub struct AgreeAutomatically {
    /// The order.
    pub order_id: OrderId,
}

impl Command<Context> for AgreeAutomatically {
    type Answer = ();
    const NAME: CommandName = CommandName::AgreeToProposal;

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
        if proposal::add_on(&proposal.what) {
            add_on::AcceptAddOn(answer).run(tx).await?;
        } else {
            reschedule::AcceptReschedule(answer).run(tx).await?;
        }
        Ok(())
    }
}
