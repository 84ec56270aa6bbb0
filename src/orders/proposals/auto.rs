//! Automatic decisions of a branch: bookings it confirms, add-ons and moves it agrees to without
//! its staff (BK-4, ADD-1): pure.

use chrono::{Datelike as _, Timelike as _};
use chrono_tz::Tz;
use entity::order::{Model, OrderKind, Proposed};
use entity::partner::{self, AutoHours};
use entity::value::{Actor, Instant};

use crate::orders::price;
use crate::partners::schedule::hours::Calendar;

/// Minutes of a day.
const DAY_MIN: i16 = 1440;

/// Does the branch confirm this booking automatically? Either all bookings, those of certain
/// services only, or those that start within certain weekly hours.
#[must_use]
pub fn confirms(partner: &partner::Model, order: &Model) -> bool {
    let (OrderKind::Booking, Some(auto)) = (order.kind, &partner.auto_confirm) else {
        return false;
    };
    let lines = &order.snapshot.lines;
    let zone: Option<Tz> = order.snapshot.zone.parse().ok();
    let in_hours = |start: Instant| {
        zone.is_some_and(|zone| auto.hours.iter().any(|hours| holds(*hours, zone, start)))
    };
    auto.all
        || lines.iter().all(|line| auto.service_ids.contains(&line.id))
        || order.starts_at.is_some_and(in_hours)
}

/// Does the branch agree automatically to a proposal? Only to one of the client: to a move without
/// a fee to a start it would confirm, and, if so configured, to services that end within opening
/// hours. Its staff may agree to more.
#[must_use]
pub fn agrees(partner: &partner::Model, calendar: &Calendar, order: &Model) -> bool {
    let Some(proposal) = order.proposal.as_ref().filter(|p| p.by == Actor::Client) else {
        return false;
    };
    match &proposal.what {
        Proposed::Reschedule { starts_at, late, .. } => {
            let moved = Model { starts_at: Some(*starts_at), ..order.clone() };
            !late && confirms(partner, &moved)
        }
        Proposed::AddOn { services, .. } => {
            let lines = [order.snapshot.lines.clone(), services.clone()].concat();
            let begins = order.starts_at.or(order.eta_at);
            let open = |begins| {
                let serving = price::visit(&lines).serving(begins);
                calendar.open(serving).contains(&serving)
            };
            partner.auto_add_on && begins.is_none_or(open)
        }
    }
}

fn holds(hours: AutoHours, zone: Tz, at: Instant) -> bool {
    let local = at.with_timezone(&zone);
    let minute = i16::try_from(local.hour() * 60 + local.minute()).unwrap_or(0);
    let today = i16::try_from(local.weekday().number_from_monday()).unwrap_or(1);
    let yesterday = if today == 1 { 7 } else { today - 1 };
    let span = hours.from_min..hours.until_min;
    (hours.weekday == today && span.contains(&minute))
        || (hours.weekday == yesterday && span.contains(&(minute.saturating_add(DAY_MIN))))
}
