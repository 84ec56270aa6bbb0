//! What a branch has decided once and for all: bookings it confirms by itself, add-ons and moves it
//! agrees to by itself (BK-4, ADD-1): pure.

use chrono::{Datelike as _, Timelike as _};
use chrono_tz::Tz;
use entity::order::{Kind, Model};
use entity::partner::{self, AutoHours};
use entity::value::Instant;

/// Minutes of a day.
const DAY_MIN: i16 = 1440;

/// Does the branch confirm this booking by itself? All of them, those of certain services alone, or
/// those that start within certain weekly hours.
#[must_use]
pub fn confirms(partner: &partner::Model, order: &Model) -> bool {
    let (Kind::Booking, Some(auto)) = (order.kind, &partner.auto_confirm) else { return false };
    let lines = &order.snapshot.lines;
    let zone: Option<Tz> = order.snapshot.zone.parse().ok();
    let in_hours = |start: Instant| {
        zone.is_some_and(|zone| auto.hours.iter().any(|hours| holds(*hours, zone, start)))
    };
    auto.all
        || lines.iter().all(|line| auto.service_ids.contains(&line.id))
        || order.starts_at.is_some_and(in_hours)
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
