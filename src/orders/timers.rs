//! The timers of an order's state: pure. The writer arms and disarms the difference.

use chrono::TimeDelta;
use entity::kinds::{TimerKind, TimerSubject};
use entity::order::{Model, OrderKind, OrderStatus};
use entity::value::Instant;
use strum::IntoEnumIterator as _;

use crate::policy::Policy;

/// A deadline of an order's parties, by where the order stores it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deadline {
    /// The deadline of an offer, as displayed.
    Offer,
    /// The deadline of a quick order's arrival.
    Arrival,
    /// The deadline of the partner's decision.
    Decision,
    /// The alert that an arrived client is not admitted.
    AdmitAlert,
    /// The deadline of the admission.
    Admit,
    /// The end of a freeze.
    Freeze,
    /// The deadlines of a booking's departure and arrival.
    Journey,
    /// The deadline of a proposal.
    Proposal,
    /// Only its timer stores it.
    Timer,
}

/// The deadline that an outage of the engine moves (OUT-1); none where the timer is no deadline of
/// an order's parties. Automatic acts of a branch's settings, reminders and checks stay. So do the
/// timers of sanctions: strikes were recorded before, and nobody is sanctioned for longer. The end
/// of a bonus lot is moved by `bonus`, which arms its notice anew. Of payments the provider says
/// whether they were in time; the rest are attempts and daily work.
#[must_use]
pub const fn deadline(kind: TimerKind) -> Option<Deadline> {
    match kind {
        TimerKind::OfferDeadline => Some(Deadline::Offer),
        TimerKind::ArrivalDeadline => Some(Deadline::Arrival),
        TimerKind::LateDecision => Some(Deadline::Decision),
        TimerKind::AdmitAlert => Some(Deadline::AdmitAlert),
        TimerKind::AdmitDeadline => Some(Deadline::Admit),
        TimerKind::FreezeEnd => Some(Deadline::Freeze),
        TimerKind::Burn => Some(Deadline::Journey),
        TimerKind::ProposalDeadline => Some(Deadline::Proposal),
        TimerKind::AutoComplete => Some(Deadline::Timer),
        TimerKind::AutoConfirm
        | TimerKind::AutoAgree
        | TimerKind::RemindDay
        | TimerKind::RemindSoon
        | TimerKind::RemindLeave
        | TimerKind::BayCheck
        | TimerKind::Overrun
        | TimerKind::CloseForBlock
        | TimerKind::CloseAllForBlock
        | TimerKind::JudgeClient
        | TimerKind::JudgePartner
        | TimerKind::SanctionEnd
        | TimerKind::ExpireBonus
        | TimerKind::WarnBonus
        | TimerKind::PollPayment
        | TimerKind::RefundPayment
        | TimerKind::ReconcilePayment
        | TimerKind::CheckStray
        | TimerKind::SettlePayable
        | TimerKind::RunPayouts
        | TimerKind::SendPayout => None,
    }
}

/// The kinds of timers whose deadlines an outage of the engine moves.
#[must_use]
pub fn deadlines() -> Vec<TimerKind> {
    TimerKind::iter().filter(|kind| deadline(*kind).is_some()).collect()
}

/// All kinds of timers about an order.
pub fn of_orders() -> impl Iterator<Item = TimerKind> {
    TimerKind::iter().filter(|kind| kind.subject() == TimerSubject::Order)
}

/// A reminder of a booking (NOT-1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reminder {
    /// A day before.
    Day,
    /// Shortly before.
    Soon,
    /// When it is time to leave.
    Leave,
}

impl Reminder {
    /// All reminders.
    pub const ALL: [Self; 3] = [Self::Day, Self::Soon, Self::Leave];

    /// The kind of its timer.
    #[must_use]
    pub const fn timer(self) -> TimerKind {
        match self {
            Self::Day => TimerKind::RemindDay,
            Self::Soon => TimerKind::RemindSoon,
            Self::Leave => TimerKind::RemindLeave,
        }
    }

    /// Its spelling in events.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Soon => "soon",
            Self::Leave => "leave",
        }
    }
}

/// The last instant at which an offer can be answered: a quick one has a grace period that is not
/// shown (QO-2, BK-3).
#[must_use]
pub fn offer_end(order: &Model, policy: &Policy) -> Option<Instant> {
    let grace = match order.kind {
        OrderKind::Quick => TimeDelta::seconds(policy.quick.net_grace_s),
        OrderKind::Booking => TimeDelta::zero(),
    };
    order.offer_deadline.map(|due| due + grace)
}

/// The timers of a state, with their due times.
#[must_use]
pub fn of(order: &Model, policy: &Policy) -> Vec<(TimerKind, Instant)> {
    let waits: Vec<(TimerKind, Option<Instant>)> = match order.status {
        OrderStatus::Requested => vec![(TimerKind::OfferDeadline, offer_end(order, policy))],
        OrderStatus::Confirmed | OrderStatus::OnTheWay => {
            let mut waits = awaited(order);
            waits.push((
                TimerKind::ProposalDeadline,
                order.proposal.as_ref().map(|proposal| proposal.expires_at),
            ));
            if order.kind == OrderKind::Booking {
                waits.push((TimerKind::BayCheck, order.taken_from));
                waits.extend(reminders(order, policy));
            }
            waits
        }
        OrderStatus::Active => {
            let after = TimeDelta::hours(policy.order.auto_complete_h);
            vec![
                (TimerKind::AutoComplete, order.planned_end.map(|end| end + after)),
                (TimerKind::Overrun, order.taken_until.filter(|_| order.bay_id.is_some())),
            ]
        }
        OrderStatus::Completed | OrderStatus::Cancelled => Vec::new(),
    };
    waits.into_iter().filter_map(|(kind, due)| due.map(|due| (kind, due))).collect()
}

fn awaited(order: &Model) -> Vec<(TimerKind, Option<Instant>)> {
    if order.frozen_until.is_some() {
        return vec![(TimerKind::FreezeEnd, order.frozen_until)];
    }
    if order.arrived_at.is_some() {
        let alert = if order.alerted_at.is_none() { order.admit_alert_at } else { None };
        return vec![
            (TimerKind::AdmitAlert, alert),
            (TimerKind::AdmitDeadline, order.admit_deadline),
        ];
    }
    match order.kind {
        OrderKind::Quick if order.overdue_at.is_some() => {
            vec![(TimerKind::LateDecision, order.decision_deadline)]
        }
        OrderKind::Quick => vec![(TimerKind::ArrivalDeadline, order.arrival_deadline)],
        OrderKind::Booking => vec![(TimerKind::Burn, burns_at(order))],
    }
}

/// When a booking burns: its client did not depart, or did not arrive (BK-5, BK-6).
#[must_use]
pub fn burns_at(order: &Model) -> Option<Instant> {
    if order.departed_at.is_some() { order.arrival_deadline } else { order.depart_deadline }
}

/// When the client is reminded; only reminders due after the start was agreed (NOT-5).
fn reminders(order: &Model, policy: &Policy) -> Vec<(TimerKind, Option<Instant>)> {
    let (Some(start), Some(agreed)) = (order.starts_at, order.scheduled_at) else {
        return Vec::new();
    };
    if order.arrived_at.is_some() {
        return Vec::new();
    }
    let booking = &policy.booking;
    let before = |minutes| start - TimeDelta::minutes(minutes);
    let leave = start - TimeDelta::seconds(order.snapshot.route_secs + order.snapshot.buffer_secs);
    let leave = Some(leave).filter(|_| order.departed_at.is_none());
    [
        (Reminder::Day, Some(before(booking.remind_day_min))),
        (Reminder::Soon, Some(before(booking.remind_soon_min))),
        (Reminder::Leave, leave),
    ]
    .into_iter()
    .map(|(reminder, due)| (reminder.timer(), due.filter(|due| *due > agreed)))
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// OUT-1: the deadlines that outages move are timers of orders.
    #[test]
    fn out_1_deadlines_are_of_orders() {
        let of_orders: Vec<TimerKind> = of_orders().collect();
        let moved = deadlines();
        assert_eq!(moved.len(), 9);
        assert!(moved.iter().all(|kind| of_orders.contains(kind)), "{moved:?}");
    }
}
