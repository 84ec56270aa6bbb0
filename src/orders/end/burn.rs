//! Scheduled acts on a booking: it burns, its client is reminded, its bay is checked at the start
//! (BK-5, BK-6, BK-10, NOT-5).

use entity::kinds::{CommandName, EventKind, StrikeKind, TimerKind};
use entity::order;
use entity::order::{EndReason, Model, OrderStatus};
use entity::value::{Actor, Instant, OrderId};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};
use serde_json::json;

use super::fee;
use crate::context::{Context, Tx};
use crate::orders::decision::{End, NoFacts, Step, past};
use crate::orders::machine::{self, Intent};
use crate::orders::read::{self, OrderScope};
use crate::orders::timers::Reminder;
use crate::orders::visit::overrun::warn_of;
use crate::orders::{Refusal, timers, write};
use crate::policy::{self, Policy};
use platform::db::readable;
use platform::{Audience, Command, CommandError};

/// Burns a booking whose client did not set out, or did not arrive, in time (BK-5, BK-6).
pub struct Burn {
    /// The order.
    pub order_id: OrderId,
}

impl Command<Context> for Burn {
    type Answer = ();
    const NAME: CommandName = CommandName::Burn;

    async fn run(&self, tx: &mut Tx) -> Result<(), CommandError> {
        let order = read::ask(tx, OrderScope::Clock, self.order_id, Intent::Burn).await?;
        let keys = policy::registry::at_version(tx, order.policy_version)?;
        let step = Self::decide(&order, &NoFacts, &keys, tx.now())?;
        write::step(tx, &order, step).await?;
        Ok(())
    }
}

impl Burn {
    /// Strictly after the time to set out, or to arrive.
    ///
    /// # Errors
    /// The refusal of the table, `already_arrived` or `not_late_yet`.
    pub fn decide(order: &Model, _: &NoFacts, _: &Policy, now: Instant) -> Result<Step, Refusal> {
        let to = machine::next(order, Intent::Burn, Actor::Clock)?;
        if order.arrived_at.is_some() || order.frozen_until.is_some() {
            return Err(Refusal::AlreadyArrived);
        }
        past(timers::burns_at(order), now)?;
        let end = End { penalty: fee::no_show(order), ..End::of(to, EndReason::Burned, now) };
        Ok(Step {
            note: json!({
                "departed_at": order.departed_at,
                "depart_deadline": order.depart_deadline,
                "arrival_deadline": order.arrival_deadline,
            }),
            marks: vec![(order.client_id.0, StrikeKind::ClientBurned)],
            ..Step::end(Intent::Burn, EventKind::OrderBurned, order, end)
        })
    }
}

/// Reminds the client of a booking, as it is at this moment (NOT-5).
pub struct Remind {
    /// The order.
    pub order_id: OrderId,
    /// Which reminder.
    pub which: Reminder,
}

impl Command<Context> for Remind {
    type Answer = ();
    const NAME: CommandName = CommandName::Remind;

    async fn run(&self, tx: &mut Tx) -> Result<(), CommandError> {
        let order = read::load(tx, OrderScope::Clock, self.order_id).await?;
        let keys = policy::registry::at_version(tx, order.policy_version)?;
        let waits = timers::of(&order, &keys);
        let due = waits.iter().find(|(kind, _)| *kind == self.which.timer()).map(|(_, due)| *due);
        let Some(due) = due.filter(|due| tx.now() > *due) else {
            return Err(Refusal::NotNow.into());
        };
        if outdated(&order, &waits, due, tx.now()) {
            return Err(Refusal::NotNow.into());
        }
        let note = json!({
            "reminder": self.which.name(),
            "starts_at": order.starts_at,
            "minutes_left": order.starts_at.map(|start| (start - tx.now()).num_minutes()),
            "route_secs": order.snapshot.route_secs,
        });
        let client = [Audience::Client(order.client_id)];
        write::remark(tx, &order, EventKind::OrderReminder, &note, &client)
    }
}

/// Is a reminder stale: the visit has begun, or a later reminder is due already?
fn outdated(order: &Model, waits: &[(TimerKind, Instant)], due: Instant, now: Instant) -> bool {
    let reminder = |kind| Reminder::ALL.iter().any(|reminder| reminder.timer() == kind);
    let later = |(kind, at): &(TimerKind, Instant)| reminder(*kind) && *at > due && *at < now;
    order.starts_at.is_none_or(|start| now >= start) || waits.iter().any(later)
}

/// Checks at the start of a booking whether another car is still in its bay, and warns its partner
/// and its client (BK-10).
pub struct CheckBay {
    /// The order.
    pub order_id: OrderId,
}

impl Command<Context> for CheckBay {
    type Answer = ();
    const NAME: CommandName = CommandName::CheckBay;

    async fn run(&self, tx: &mut Tx) -> Result<(), CommandError> {
        let order = read::load(tx, OrderScope::Clock, self.order_id).await?;
        match order.status {
            OrderStatus::Confirmed | OrderStatus::OnTheWay => {}
            OrderStatus::Requested
            | OrderStatus::Active
            | OrderStatus::Completed
            | OrderStatus::Cancelled => {
                return Err(Refusal::NotNow.into());
            }
        }
        past(order.taken_from, tx.now())?;
        let inside = order::Entity::find()
            .filter(order::Column::PartnerId.eq(order.partner_id))
            .filter(order::Column::BayId.eq(order.bay_id))
            .filter(order::Column::Status.eq(OrderStatus::Active))
            .filter(order::Column::Id.ne(order.id));
        let inside = readable::partly(tx.db(), inside).await?;
        let Some(other) = inside.first() else { return Err(Refusal::NotNow.into()) };
        warn_of(tx, other, &order)
    }
}
