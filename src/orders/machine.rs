//! The state machine of orders: one table of permitted transitions (ORD-1), from which handlers,
//! the diagram and the refusals are derived.

pub use entity::kinds::Intent;
use entity::order::{Model, OrderKind, OrderStatus};
use entity::value::Actor;

use super::Refusal;

/// The target status of a row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum To {
    /// To this status.
    Status(OrderStatus),
    /// The status stays.
    Same,
    /// The status before the admission.
    Former,
}

/// One row of the table.
#[derive(Debug)]
pub struct Transition {
    /// The intent.
    pub intent: Intent,
    /// The permitted actors.
    pub actors: &'static [Actor],
    /// The kinds of orders.
    pub kinds: &'static [OrderKind],
    /// The statuses it starts from; none for placing.
    pub from: &'static [OrderStatus],
    /// The target status.
    pub to: To,
}

const BOTH: &[OrderKind] = &[OrderKind::Quick, OrderKind::Booking];
const QUICK: &[OrderKind] = &[OrderKind::Quick];
const BOOKED: &[OrderKind] = &[OrderKind::Booking];
const AWAITED: &[OrderStatus] = &[OrderStatus::Confirmed, OrderStatus::OnTheWay];
const ACCEPTED: &[OrderStatus] =
    &[OrderStatus::Confirmed, OrderStatus::OnTheWay, OrderStatus::Active];
const OPEN: &[OrderStatus] =
    &[OrderStatus::Requested, OrderStatus::Confirmed, OrderStatus::OnTheWay, OrderStatus::Active];

const fn row(
    intent: Intent,
    actors: &'static [Actor],
    kinds: &'static [OrderKind],
    from: &'static [OrderStatus],
    to: To,
) -> Transition {
    Transition { intent, actors, kinds, from, to }
}

/// The table of transitions.
///
/// # Source
/// ORD, QO, BK, ARR, ADD, SAN-4, OUT-1 of the rulebook.
pub const TABLE: &[Transition] = {
    use Actor::{Client, Clock, Staff, Support};
    use Intent as I;
    use OrderStatus::{Active, Cancelled, Completed, Confirmed, OnTheWay, Requested};
    const CANCELLED: To = To::Status(Cancelled);
    const COMPLETED: To = To::Status(Completed);
    &[
        row(I::Place, &[Client], BOTH, &[], To::Status(Requested)),
        row(I::Accept, &[Staff], BOTH, &[Requested], To::Status(Confirmed)),
        row(I::AutoConfirm, &[Clock], BOOKED, &[Requested], To::Status(Confirmed)),
        row(I::Decline, &[Staff], BOTH, &[Requested], CANCELLED),
        row(I::Lapse, &[Clock], BOTH, &[Requested], CANCELLED),
        row(I::Cancel, &[Client], BOTH, &[Requested, Confirmed, OnTheWay], CANCELLED),
        row(I::Cancel, &[Staff], BOTH, AWAITED, CANCELLED),
        row(I::Depart, &[Client], BOTH, &[Confirmed], To::Status(OnTheWay)),
        row(I::Arrive, &[Client], BOTH, AWAITED, To::Same),
        row(I::Extend, &[Staff], BOTH, AWAITED, To::Same),
        row(I::Overdue, &[Clock], QUICK, AWAITED, To::Same),
        row(I::NoShow, &[Staff], BOTH, AWAITED, CANCELLED),
        row(I::NoShow, &[Clock], QUICK, AWAITED, CANCELLED),
        row(I::Burn, &[Clock], BOOKED, AWAITED, CANCELLED),
        row(I::ProposeAddOn, &[Client], BOTH, AWAITED, To::Same),
        row(I::AcceptAddOn, &[Staff, Clock], BOTH, AWAITED, To::Same),
        row(I::DeclineAddOn, &[Client, Staff], BOTH, AWAITED, To::Same),
        row(I::ProposeReschedule, &[Client, Staff], BOOKED, AWAITED, To::Same),
        row(I::AcceptReschedule, &[Client, Staff, Clock], BOOKED, AWAITED, To::Status(Confirmed)),
        row(I::DeclineReschedule, &[Client, Staff], BOOKED, AWAITED, To::Same),
        row(I::LapseProposal, &[Clock], BOTH, AWAITED, To::Same),
        row(I::Alert, &[Clock], BOTH, AWAITED, To::Same),
        row(I::NotAdmitted, &[Client, Clock], BOTH, AWAITED, CANCELLED),
        row(I::NotHere, &[Staff], BOTH, AWAITED, To::Same),
        row(I::ReleaseFrozen, &[Clock], BOTH, AWAITED, CANCELLED),
        row(I::Admit, &[Staff], BOTH, AWAITED, To::Status(Active)),
        row(I::Contest, &[Client], BOTH, &[Active], To::Former),
        row(I::Leave, &[Client], BOTH, &[Active], CANCELLED),
        row(I::Overrun, &[Clock], BOTH, &[Active], To::Same),
        row(I::ChangeServices, &[Staff], BOTH, &[Active], To::Same),
        row(I::ChangeServices, &[Support], BOTH, ACCEPTED, To::Same),
        row(I::PayWithBonus, &[Client], BOTH, OPEN, To::Same),
        row(I::Complete, &[Staff], BOTH, &[Active], COMPLETED),
        row(I::AutoComplete, &[Clock], BOTH, &[Active], COMPLETED),
        row(I::ConfirmAmount, &[Client], BOTH, &[Active, Completed], To::Same),
        row(I::ContestAmount, &[Client], BOTH, &[Completed], To::Same),
        row(I::CloseForBlock, &[Clock], BOTH, &[Requested], CANCELLED),
        row(I::CloseForBlock, &[Clock], BOOKED, &[Confirmed], CANCELLED),
        row(I::ForceCancel, &[Support], BOTH, OPEN, CANCELLED),
        row(I::ForceComplete, &[Support], BOTH, ACCEPTED, COMPLETED),
        row(I::Amend, &[Support], BOTH, &[Completed, Cancelled], To::Same),
        row(I::Shift, &[Clock], BOTH, OPEN, To::Same),
    ]
};

/// Looks up the table: may this actor do this to an order of this kind in this status? Returns the
/// target status.
///
/// # Errors
/// `not_yours_to_do`, `not_for_this_kind`, `order_closed` or `not_in_this_status`.
pub fn allow(
    kind: OrderKind,
    status: Option<OrderStatus>,
    intent: Intent,
    actor: Actor,
) -> Result<To, Refusal> {
    let mine = || {
        TABLE.iter().filter(|row| {
            row.intent == intent && row.actors.contains(&actor) && row.kinds.contains(&kind)
        })
    };
    let fits = |row: &&Transition| match status {
        None => row.from.is_empty(),
        Some(status) => row.from.contains(&status),
    };
    if let Some(row) = mine().find(fits) {
        return Ok(row.to);
    }
    if mine().next().is_none() {
        let other_kind = TABLE.iter().any(|r| r.intent == intent && r.actors.contains(&actor));
        return Err(if other_kind { Refusal::NotThisKind } else { Refusal::NotYours });
    }
    match status {
        Some(OrderStatus::Completed | OrderStatus::Cancelled) => Err(Refusal::OrderClosed),
        Some(
            OrderStatus::Requested
            | OrderStatus::Confirmed
            | OrderStatus::OnTheWay
            | OrderStatus::Active,
        )
        | None => Err(Refusal::NotNow),
    }
}

/// Asks the table for an order: may this actor do this to it now? Returns the status after it. An
/// order of which a part cannot be read can only be ended, by support.
///
/// # Errors
/// As [`allow`], or `order_unreadable`.
pub fn next(order: &Model, intent: Intent, actor: Actor) -> Result<OrderStatus, Refusal> {
    if order.unreadable.is_some() && intent != Intent::ForceCancel {
        return Err(Refusal::Unreadable);
    }
    Ok(match allow(order.kind, Some(order.status), intent, actor)? {
        To::Status(status) => status,
        To::Same => order.status,
        To::Former => order.admitted_from.unwrap_or(OrderStatus::Confirmed),
    })
}

/// Is it an intent of this actor for an existing order of this kind?
#[must_use]
pub fn knows(kind: OrderKind, intent: Intent, actor: Actor) -> bool {
    let known = |row: &Transition| row.intent == intent && !row.from.is_empty();
    TABLE.iter().any(|row| known(row) && row.actors.contains(&actor) && row.kinds.contains(&kind))
}

/// Is the status final?
#[must_use]
pub fn terminal(status: OrderStatus) -> bool {
    match status {
        OrderStatus::Completed | OrderStatus::Cancelled => true,
        OrderStatus::Requested
        | OrderStatus::Confirmed
        | OrderStatus::OnTheWay
        | OrderStatus::Active => false,
    }
}
