//! An agenda as iCalendar text (RFC 5545), and its entity tag (RFC 9110).

use icalendar::{Calendar, Component as _, Event, EventLike as _, EventStatus, Property};

use crate::orders::booking::agenda::{Agenda, Item, ItemKind, ItemState};
use platform::crypto::digest;

/// The product identifier of the calendar.
const PRODUCT: &str = "-//Yumo//Branch calendar//EN";

/// Writes the calendar. The same agenda always gives the same text.
#[must_use]
pub fn write(agenda: &Agenda) -> String {
    let mut calendar = Calendar::empty();
    calendar
        .append_property(("VERSION", "2.0"))
        .append_property(("PRODID", PRODUCT))
        .append_property(("CALSCALE", "GREGORIAN"))
        .append_property(("METHOD", "PUBLISH"));
    let name = plain(&agenda.name);
    // The library escapes only properties it knows to be text; NAME (RFC 7986) is not among them.
    let named = Property::new("NAME", name.as_str()).append_parameter(("VALUE", "TEXT")).done();
    calendar.append_property(named);
    calendar.append_property(Property::new("X-WR-CALNAME", name));
    for item in &agenda.items {
        calendar.push(event(item));
    }
    calendar.to_string()
}

fn event(item: &Item) -> Event {
    let summary = match &item.what {
        ItemKind::Visit { code, unreadable: true, .. } => format!("{code}: cannot be read"),
        ItemKind::Visit { code, services, car_make, unreadable: false } => {
            format!("{code}: {} ({car_make})", services.join(", "))
        }
        ItemKind::Block => "Blocked".to_owned(),
    };
    let mut event = Event::new();
    event
        .uid(&format!("{}@yumo", item.id))
        .sequence(u32::try_from(item.version.saturating_sub(1)).unwrap_or(0))
        .timestamp(item.changed_at)
        .last_modified(item.changed_at)
        .starts(item.span.from)
        .ends(item.span.until)
        .summary(&plain(&summary))
        .status(match item.standing {
            ItemState::Asked => EventStatus::Tentative,
            ItemState::Agreed => EventStatus::Confirmed,
            ItemState::Gone => EventStatus::Cancelled,
        });
    if let Some(bay) = &item.bay {
        event.location(&plain(bay));
    }
    if item.what == ItemKind::Block {
        event.add_property("TRANSP", "OPAQUE");
    }
    event
}

/// Removes control characters from a text, except line breaks, which the library escapes.
fn plain(text: &str) -> String {
    let lines = text.replace("\r\n", "\n").replace('\r', "\n");
    lines.chars().filter(|c| *c == '\n' || !c.is_control()).collect()
}

/// The strong entity tag of a text.
#[must_use]
pub fn tag(text: &str) -> String {
    format!("\"{}\"", digest(text.as_bytes()))
}

/// Whether an If-None-Match header matches this tag. Compared weakly, as for a GET.
#[must_use]
pub fn names(if_none_match: &str, tag: &str) -> bool {
    let same = |named: &str| named.trim().trim_start_matches("W/") == tag;
    if_none_match.trim() == "*" || if_none_match.split(',').any(same)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_found_among_others() {
        let tag = tag("BEGIN:VCALENDAR");
        assert_eq!(tag.len(), 2 + 43, "256 bits in base64, in quotes: {tag}");
        assert!(names(&tag, &tag) && names("*", &tag) && names(&format!("\"x\", W/{tag}"), &tag));
        assert!(!names("\"x\"", &tag) && !names("", &tag) && !names(tag.trim_matches('"'), &tag));
    }

    #[test]
    fn nothing_a_name_holds_begins_a_line() {
        assert_eq!(plain("a\r\nATTENDEE:b\rc\u{7}\u{85}d\te"), "a\nATTENDEE:b\ncde");
    }
}
