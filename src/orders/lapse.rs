//! The scheduled ends and deadlines of an order, and the partner's reports of a client who is late
//! or not there.

use chrono::TimeDelta;
use entity::order::{EndReason, Model, OrderKind};
use entity::value::{Instant, Money, OrderId};
use serde_json::json;

use super::cancel::{End, release, seen_at};
use super::machine::Intent;
use super::read::{self, OrderScope};
use super::view::{OrderView, view};
use super::write::{self, Step};
use super::{Refusal, fee, late, timers};
use crate::platform::{Command, CommandError, Tx, heartbeat};
use crate::policy::{self, Policy};

/// Ends an offer that was not answered in time (QO-2, BK-9, ORD-6).
pub struct LapseOffer {
    /// The order.
    pub order_id: OrderId,
}

impl Command for LapseOffer {
    type Answer = ();
    const NAME: &'static str = "lapse_offer";

    async fn run(&self, tx: &mut Tx) -> Result<(), CommandError> {
        let (order, to) = read::ask(tx, OrderScope::Clock, self.order_id, Intent::Lapse).await?;
        let keys = policy::registry::at_version(tx, order.policy_version)?;
        let end = timers::offer_end(&order, &keys);
        past(tx, end)?;
        let seen = seen_at(tx, order.id, "offer").await?;
        let delivered = seen.is_some_and(|seen| end.is_some_and(|end| seen <= end))
            && !excused(tx, &order, end, &keys).await?;
        release(tx, &order, Some(EndReason::OfferExpired).filter(|_| delivered)).await?;
        let next = Model {
            status: to,
            reason: Some(EndReason::OfferExpired),
            undelivered: !delivered,
            cancelled_at: Some(tx.now()),
            bonus: Money::ZERO,
            ..order.clone()
        };
        let ignored = (order.partner_id.0, "ignored");
        let step = Step {
            note: json!({"delivered": delivered}),
            marks: if delivered { vec![ignored] } else { Vec::new() },
            ..Step::new(Intent::Lapse, "order.expired", next)
        };
        write::step(tx, &order, step)?;
        Ok(())
    }
}

/// Did our own outage consume the time to answer a booking, which ends before its start however far
/// the outage would move it? Then the branch gets no strike (OUT-1, ORD-6).
async fn excused(
    tx: &Tx,
    order: &Model,
    end: Option<Instant>,
    keys: &Policy,
) -> Result<bool, CommandError> {
    let Some(end) = end.filter(|_| order.kind == OrderKind::Booking) else { return Ok(false) };
    let least = TimeDelta::seconds(keys.outage.least_s);
    let outages = heartbeat::outages(tx.db(), order.placed_at).await?;
    Ok(outages.iter().any(|outage| outage.from <= end && end < outage.until + least))
}

/// Marks a quick order overdue: the client's time is over, the partner decides (QO-5).
pub struct MarkOverdue {
    /// The order.
    pub order_id: OrderId,
}

impl Command for MarkOverdue {
    type Answer = ();
    const NAME: &'static str = "mark_overdue";

    async fn run(&self, tx: &mut Tx) -> Result<(), CommandError> {
        let (order, _) = read::ask(tx, OrderScope::Clock, self.order_id, Intent::Overdue).await?;
        if order.arrived_at.is_some() {
            return Err(Refusal::AlreadyArrived.into());
        }
        past(tx, order.arrival_deadline)?;
        let keys = policy::registry::at_version(tx, order.policy_version)?;
        let decide = TimeDelta::minutes(keys.quick.late_decision_min);
        let next = Model {
            overdue_at: Some(tx.now()),
            decision_deadline: order.arrival_deadline.map(|deadline| deadline + decide),
            ..order.clone()
        };
        write::step(tx, &order, Step::new(Intent::Overdue, "order.overdue", next))?;
        Ok(())
    }
}

/// Ends an order as a no-show, by the partner or the scheduler (QO-5).
pub struct NoShow {
    /// The branch, or the scheduler.
    pub scope: OrderScope,
    /// The order.
    pub order_id: OrderId,
}

impl Command for NoShow {
    type Answer = OrderView;
    const NAME: &'static str = "no_show";

    async fn run(&self, tx: &mut Tx) -> Result<OrderView, CommandError> {
        let (order, to) = read::ask(tx, self.scope, self.order_id, Intent::NoShow).await?;
        let refuse = |refusal| Err(read::refuse(refusal, &order, self.scope).into());
        if order.arrived_at.is_some() {
            return refuse(Refusal::AlreadyArrived);
        }
        let due = match self.scope {
            OrderScope::Clock => {
                let keys = policy::registry::at_version(tx, order.policy_version)?;
                late::decision_end(&order, &keys)
            }
            OrderScope::Client(_) | OrderScope::Branch(_) | OrderScope::Support => {
                order.arrival_deadline
            }
        };
        if due.is_none_or(|due| tx.now() <= due) {
            return refuse(Refusal::NotLateYet);
        }
        let end = End {
            intent: Intent::NoShow,
            event: "order.no_show",
            to,
            reason: EndReason::NoShow,
            penalty: fee::no_show(&order),
            note: json!({"arrival_deadline": order.arrival_deadline}),
            marks: vec![(order.client_id.0, "client_no_show")],
        };
        let order = end.of(tx, &order).await?;
        Ok(view(&order, self.scope.reader()))
    }
}

/// Alerts support that an arrived client is not admitted; the client may leave free (ARR-2).
pub struct AlertAdmit {
    /// The order.
    pub order_id: OrderId,
}

impl Command for AlertAdmit {
    type Answer = ();
    const NAME: &'static str = "alert_admit";

    async fn run(&self, tx: &mut Tx) -> Result<(), CommandError> {
        let (order, _) = read::ask(tx, OrderScope::Clock, self.order_id, Intent::Alert).await?;
        past(tx, order.admit_alert_at)?;
        let next = Model { alerted_at: Some(tx.now()), ..order.clone() };
        let step = Step {
            alert: Some("support.admit_late"),
            ..Step::new(Intent::Alert, "order.admit_late", next)
        };
        write::step(tx, &order, step)?;
        Ok(())
    }
}

/// Ends an order whose client was not admitted in time: the partner's fault (ARR-2).
pub struct NotAdmitted {
    /// The order.
    pub order_id: OrderId,
}

impl Command for NotAdmitted {
    type Answer = ();
    const NAME: &'static str = "not_admitted";

    async fn run(&self, tx: &mut Tx) -> Result<(), CommandError> {
        let (order, to) =
            read::ask(tx, OrderScope::Clock, self.order_id, Intent::NotAdmitted).await?;
        past(tx, order.admit_deadline)?;
        let end = End {
            intent: Intent::NotAdmitted,
            event: "order.not_admitted",
            to,
            reason: EndReason::NotAdmitted,
            penalty: Money::ZERO,
            note: json!({"arrived_at": order.arrived_at}),
            marks: vec![(order.partner_id.0, "partner_not_admitted")],
        };
        end.of(tx, &order).await?;
        Ok(())
    }
}

/// The partner reports that an arrived client is not there: frozen until support decides (ARR-2).
pub struct NotHere {
    /// The acting branch.
    pub scope: OrderScope,
    /// The order.
    pub order_id: OrderId,
}

impl Command for NotHere {
    type Answer = OrderView;
    const NAME: &'static str = "not_here";

    async fn run(&self, tx: &mut Tx) -> Result<OrderView, CommandError> {
        let (order, _) = read::ask(tx, self.scope, self.order_id, Intent::NotHere).await?;
        if order.arrived_at.is_none() {
            return Err(read::refuse(Refusal::NotArrived, &order, self.scope).into());
        }
        if order.frozen_until.is_some() {
            return Err(read::refuse(Refusal::Frozen, &order, self.scope).into());
        }
        let keys = policy::registry::at_version(tx, order.policy_version)?;
        let until = tx.now() + TimeDelta::minutes(keys.arrival.freeze_min);
        let next = Model { frozen_until: Some(until), ..order.clone() };
        let step = Step {
            note: json!({"arrived_at": order.arrived_at, "arrival_by": order.arrival_by}),
            alert: Some("support.not_here"),
            ..Step::new(Intent::NotHere, "order.frozen", next)
        };
        let order = write::step(tx, &order, step)?;
        Ok(view(&order, self.scope.reader()))
    }
}

/// Ends a frozen order that support did not decide in time: free for both, no strikes (ARR-2).
pub struct ReleaseFrozen {
    /// The order.
    pub order_id: OrderId,
}

impl Command for ReleaseFrozen {
    type Answer = ();
    const NAME: &'static str = "release_frozen";

    async fn run(&self, tx: &mut Tx) -> Result<(), CommandError> {
        let (order, to) =
            read::ask(tx, OrderScope::Clock, self.order_id, Intent::ReleaseFrozen).await?;
        past(tx, order.frozen_until)?;
        let end = End {
            intent: Intent::ReleaseFrozen,
            event: "order.unfrozen",
            to,
            reason: EndReason::NotAdmitted,
            penalty: Money::ZERO,
            note: json!({"frozen_until": order.frozen_until}),
            marks: Vec::new(),
        };
        end.of(tx, &order).await?;
        Ok(())
    }
}

/// Refuses unless the deadline has strictly passed (ORD-5); a deadline moved meanwhile has a timer
/// of its own.
pub(super) fn past(tx: &Tx, due: Option<Instant>) -> Result<(), CommandError> {
    if due.is_some_and(|due| tx.now() > due) { Ok(()) } else { Err(Refusal::NotLateYet.into()) }
}
