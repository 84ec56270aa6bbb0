//! Effects of a partner's block on its orders: requests, and bookings that would begin during the
//! block, are cancelled free (SAN-4).

use entity::order;
use entity::order::{Kind, Reason, Status};
use entity::sanction::SanctionKind;
use entity::timer;
use entity::value::{Money, OrderId, PartnerId};
use sea_orm::sea_query::Query;
use sea_orm::{
    ColumnTrait as _, Condition, EntityTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _,
};
use serde_json::json;

use super::cancel::End;
use super::machine::Intent;
use super::read::{self, Scope};
use super::{Refusal, timers};
use crate::platform::{Command, Stop, Tx, readable};
use crate::reputation::{read::standing, rules};

/// Maximum orders per command.
const AT_ONCE: u64 = 200;

/// Finds the orders affected by a block and arms a timer for each, which cancels it separately.
pub struct ShutOutAll {
    /// The blocked branch.
    pub partner_id: PartnerId,
}

impl Command for ShutOutAll {
    type Answer = ();
    const NAME: &'static str = "shut_out_all";

    async fn run(&self, tx: &mut Tx) -> Result<(), Stop> {
        let kind = SanctionKind::PartnerBlock;
        let Some(block) = standing(tx.db(), self.partner_id.0, kind, tx.now()).await? else {
            return Err(Refusal::NotNow.into());
        };
        let sent = Query::select()
            .column(timer::Column::Subject)
            .from(timer::Entity)
            .and_where(timer::Column::Kind.eq(timers::SHUT_OUT))
            .to_owned();
        let asked = Condition::all().add(order::Column::Status.eq(Status::Requested));
        let booked = Condition::all()
            .add(order::Column::Status.eq(Status::Confirmed))
            .add(order::Column::Kind.eq(Kind::Booking))
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
            tx.arm(timers::SHUT_OUT, order.id.0, now);
        }
        if u64::try_from(touched.len()).is_ok_and(|n| n == AT_ONCE) {
            tx.arm(rules::SHUT_OUT, self.partner_id.0, now);
        }
        Ok(())
    }
}

/// Cancels one order of a blocked partner, free for its client.
pub struct ShutOut {
    /// The order.
    pub order_id: OrderId,
}

impl Command for ShutOut {
    type Answer = ();
    const NAME: &'static str = "shut_out";

    async fn run(&self, tx: &mut Tx) -> Result<(), Stop> {
        let (order, to) = read::ask(tx, Scope::Clock, self.order_id, Intent::ShutOut).await?;
        let kind = SanctionKind::PartnerBlock;
        let block = standing(tx.db(), order.partner_id.0, kind, tx.now()).await?;
        // A request to a blocked branch ends, whatever its start.
        let asked = order.status == Status::Requested;
        let inside = |until| asked || order.starts_at.is_none_or(|start| start < until);
        let Some(block) = block.filter(|block| inside(block.until)) else {
            return Err(Refusal::NotNow.into());
        };
        if order.arrived_at.is_some() {
            // A client who has arrived is served.
            return Err(Refusal::AlreadyArrived.into());
        }
        let end = End {
            intent: Intent::ShutOut,
            event: "order.partner_blocked",
            to,
            reason: Reason::PartnerBlocked,
            penalty: Money::ZERO,
            note: json!({"until": block.until}),
            marks: Vec::new(),
        };
        end.of(tx, &order).await?;
        Ok(())
    }
}
