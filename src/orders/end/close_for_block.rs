//! Effects of a partner's block on its orders: requests, and bookings that would begin during the
//! block, are cancelled free (SAN-4).

use entity::kinds::{CommandName, EventKind, TimerKind};
use entity::order;
use entity::order::{EndReason, Model, OrderKind, OrderStatus};
use entity::sanction::SanctionKind;
use entity::timer;
use entity::value::{Actor, Instant, OrderId, PartnerId};
use sea_orm::sea_query::Query;
use sea_orm::{
    ColumnTrait as _, Condition, EntityTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _,
};
use serde_json::json;

use crate::context::{Context, Tx};
use crate::orders::decision::{End, Step};
use crate::orders::machine::{self, Intent};
use crate::orders::read::{self, OrderScope};
use crate::orders::{Refusal, write};
use crate::policy::{self, Policy};
use crate::reputation::read::standing;
use platform::db::readable;
use platform::{Command, CommandError};

/// Maximum orders per command.
const AT_ONCE: u64 = 200;

/// Finds the orders affected by a block and arms a timer for each, which cancels it separately.
pub struct CloseAllForBlock {
    /// The blocked branch.
    pub partner_id: PartnerId,
}

impl Command<Context> for CloseAllForBlock {
    type Answer = ();
    const NAME: CommandName = CommandName::CloseAllForBlock;

    async fn run(&self, tx: &mut Tx) -> Result<(), CommandError> {
        let kind = SanctionKind::PartnerBlock;
        let Some(block) = standing(tx.db(), self.partner_id.0, kind, tx.now()).await? else {
            return Err(Refusal::NotNow.into());
        };
        let sent = Query::select()
            .column(timer::Column::Subject)
            .from(timer::Entity)
            .and_where(timer::Column::Kind.eq(TimerKind::CloseForBlock))
            .to_owned();
        let asked = Condition::all().add(order::Column::Status.eq(OrderStatus::Requested));
        let booked = Condition::all()
            .add(order::Column::Status.eq(OrderStatus::Confirmed))
            .add(order::Column::Kind.eq(OrderKind::Booking))
            .add(order::Column::StartsAt.lt(block.until));
        let touched = order::Entity::find()
            .filter(order::Column::PartnerId.eq(self.partner_id))
            .filter(Condition::any().add(asked).add(booked))
            .filter(order::Column::Id.not_in_subquery(sent))
            .order_by_asc(order::Column::Id)
            .limit(AT_ONCE);
        let touched = readable::partly(tx.db(), touched).await?;
        let now = tx.now();
        for order in &touched {
            tx.arm(TimerKind::CloseForBlock, order.id.0, now);
        }
        if u64::try_from(touched.len()).is_ok_and(|n| n == AT_ONCE) {
            tx.arm(TimerKind::CloseAllForBlock, self.partner_id.0, now);
        }
        Ok(())
    }
}

/// Cancels one order of a blocked partner, free for its client.
pub struct CloseForBlock {
    /// The order.
    pub order_id: OrderId,
}

impl Command<Context> for CloseForBlock {
    type Answer = ();
    const NAME: CommandName = CommandName::CloseForBlock;

    async fn run(&self, tx: &mut Tx) -> Result<(), CommandError> {
        let order = read::ask(tx, OrderScope::Clock, self.order_id, Intent::CloseForBlock).await?;
        let keys = policy::registry::at_version(tx, order.policy_version)?;
        let kind = SanctionKind::PartnerBlock;
        let block = standing(tx.db(), order.partner_id.0, kind, tx.now()).await?;
        let facts = BlockFacts { until: block.map(|block| block.until) };
        let step = Self::decide(&order, &facts, &keys, tx.now())?;
        write::step(tx, &order, step).await?;
        Ok(())
    }
}

/// What closing for a block depends on beside the order.
struct BlockFacts {
    /// The end of the branch's block; none if it is not blocked now.
    until: Option<Instant>,
}

impl CloseForBlock {
    /// A request ends whatever its start, a booking if it would begin during the block.
    fn decide(
        order: &Model,
        facts: &BlockFacts,
        _: &Policy,
        now: Instant,
    ) -> Result<Step, Refusal> {
        let to = machine::next(order, Intent::CloseForBlock, Actor::Clock)?;
        let asked = order.status == OrderStatus::Requested;
        let inside = |until| asked || order.starts_at.is_none_or(|start| start < until);
        let until = facts.until.filter(|until| inside(*until)).ok_or(Refusal::NotNow)?;
        if order.arrived_at.is_some() {
            // A client who has arrived is served.
            return Err(Refusal::AlreadyArrived);
        }
        let end = End::of(to, EndReason::PartnerBlocked, now);
        Ok(Step {
            note: json!({"until": until}),
            ..Step::end(Intent::CloseForBlock, EventKind::OrderPartnerBlocked, order, end)
        })
    }
}
