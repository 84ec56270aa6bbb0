//! How often one side may propose to the other, or change an order (LIM-5).

use chrono::TimeDelta;
use entity::order::Model;
use entity::order_step;
use entity::value::Actor;
use sea_orm::{
    ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
};

use crate::context::Tx;
use crate::orders::Refusal;
use crate::orders::machine::Intent;
use crate::orders::view::{Reader, Viewer};
use crate::policy;
use platform::CommandError;

/// The window in which acts are counted.
const MINUTE: TimeDelta = TimeDelta::minutes(1);

/// Repeatable acts that emit an event to the other side, and are therefore counted.
const COUNTED: [Intent; 6] = [
    Intent::ProposeAddOn,
    Intent::DeclineAddOn,
    Intent::ProposeReschedule,
    Intent::DeclineReschedule,
    Intent::PayWithBonus,
    Intent::ChangeServices,
];

/// Checks the limit of repeatable acts of this side. Each such act changes the order at its
/// version, so two concurrent ones cannot both use the last one allowed.
///
/// # Source
/// LIM-5: proposals, withdrawals, bonus changes and service changes, each side for itself.
///
/// # Errors
/// `too_many_acts` with the end of the limit, or a fault.
pub(in crate::orders) async fn paced(
    tx: &Tx,
    order: &Model,
    side: Actor,
    intent: Intent,
) -> Result<(), CommandError> {
    match side {
        Actor::Client | Actor::Staff => {}
        Actor::Support | Actor::Clock => return Ok(()),
    }
    if !COUNTED.contains(&intent) {
        return Ok(());
    }
    let most = policy::registry::in_force(tx)?.keys.order.acts_per_min;
    let steps = order_step::Entity::find()
        .filter(order_step::Column::OrderId.eq(order.id))
        .filter(order_step::Column::At.gt(tx.now() - MINUTE))
        .filter(order_step::Column::Actor.eq(side))
        .filter(order_step::Column::Intent.is_in(COUNTED))
        .order_by_desc(order_step::Column::N)
        .limit(most)
        .all(tx.db())
        .await?;
    let reached = u64::try_from(steps.len()).is_ok_and(|done| done >= most);
    match steps.last().filter(|_| reached) {
        None => Ok(()),
        Some(first) => {
            let until = first.at + MINUTE;
            let secs = (until - tx.now()).num_seconds() + 1;
            let view = Viewer::of(tx)?.view(order, Reader::of(side));
            let refused = Refusal::TooManyActs.refused().with("order", view).with("limit", most);
            Err(refused.with("until", until).with("retry_after_s", secs).into())
        }
    }
}
