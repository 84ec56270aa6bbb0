//! The view: renders a snapshot as lines of text. Pure.

use std::time::Duration;

use chrono_tz::Asia::Baku;
use entity::order::{Kind, Reason, Status};
use entity::value::Instant;
use town::Moment;

use super::books::Coming;
use super::sight::Sight;

/// The maximum width of a line, characters.
pub const WIDTH_MAX: usize = 100;
/// The minimum and maximum number of events shown; the screen height decides between them.
const EVENTS: (usize, usize) = (3, 14);
/// With fewer rows than this, blank lines and the upcoming bookings are left out.
const ROOMY: usize = 30;
/// The number of violations shown in full; all of them are counted.
const VIOLATIONS_MAX: usize = 2;
/// The position of the bookings among the figures.
const BOOKINGS_AT: usize = 3;
/// The position of the money among the figures.
const MONEY_AT: usize = 4;
/// Characters for the branch of an upcoming booking.
const BRANCH_CHARS: usize = 20;
/// Characters for the actor of an event.
const WHO_CHARS: usize = 26;

/// The style of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paint {
    /// No style.
    Plain,
    /// A heading.
    Title,
    /// Of little importance.
    Dim,
    /// An alarm.
    Alarm,
}

/// One line of the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The text.
    pub text: String,
    /// The style.
    pub paint: Paint,
}

impl Line {
    fn new(paint: Paint, text: &str) -> Self {
        Self { text: text.chars().take(WIDTH_MAX).collect(), paint }
    }
}

/// The whole screen, in at most so many rows: the figures first, then the guide, and events in the
/// remaining rows.
#[must_use]
pub fn screen(sight: &Sight, heading: &str, guide: &[String], rows: usize) -> Vec<Line> {
    let gap = usize::from(rows >= ROOMY);
    let blank = || std::iter::repeat_n(Line::new(Paint::Plain, ""), gap);
    let mut lines = vec![
        Line::new(Paint::Title, &format!(" Yumo demo · {}", clock(sight))),
        Line::new(Paint::Plain, &format!(" {heading}")),
    ];
    lines.extend(blank());
    lines.extend(figures(sight, rows >= ROOMY));
    lines.extend(blank());
    lines.push(Line::new(Paint::Title, " Last events"));
    let room = rows.saturating_sub(lines.len() + guide.len() + gap);
    let room = room.clamp(EVENTS.0, EVENTS.1);
    let before = lines.len();
    let events = sight.moments.iter().rev().take(room).rev();
    lines.extend(events.map(|moment| event(sight, moment)));
    if lines.len() == before {
        let soon = "  (people sign in and think; the first orders come in some seconds)";
        lines.push(Line::new(Paint::Dim, soon));
    }
    lines.resize(before + room + gap, Line::new(Paint::Plain, ""));
    lines.extend(guide.iter().map(|text| Line::new(Paint::Dim, &format!(" {text}"))));
    lines.truncate(rows);
    lines
}

fn clock(sight: &Sight) -> String {
    let now = sight.now.with_timezone(&Baku).format("%Y-%m-%d %H:%M:%S");
    format!("Bakı {now} · {}× · {} real since the start", sight.speed, minutes(sight.real))
}

fn event(sight: &Sight, moment: &Moment) -> Line {
    let at = hms(sight.time_of(moment));
    let who: String = moment.who.chars().take(WHO_CHARS).collect();
    Line::new(Paint::Plain, &format!("  {at}  {who:<WHO_CHARS$}  {}", moment.what))
}

fn figures(sight: &Sight, roomy: bool) -> Vec<Line> {
    let wrong = sight.proved.is_some_and(|proved| !proved.ok);
    let broken = sight.figures.violations > 0;
    let given_up = sight.gauges.timers_parked > 0;
    let paint = |alarm: bool| if alarm { Paint::Alarm } else { Paint::Plain };
    let [open, over, reasons] = orders(sight);
    let mut lines = vec![
        Line::new(Paint::Plain, &open),
        Line::new(Paint::Plain, &over),
        Line::new(Paint::Plain, &reasons),
        Line::new(Paint::Plain, &bookings(sight)),
        Line::new(paint(wrong), &money(sight)),
        Line::new(paint(given_up), &timers(sight)),
        Line::new(Paint::Plain, &commands(sight)),
        Line::new(paint(broken), &people(sight)),
    ];
    if roomy {
        lines.insert(MONEY_AT + 1, Line::new(Paint::Plain, &cards(sight)));
        lines.insert(MONEY_AT + 2, Line::new(Paint::Plain, &bonus(sight)));
        lines.insert(BOOKINGS_AT + 1, Line::new(Paint::Plain, &coming(sight)));
    }
    let newest = sight.violations.iter().rev().take(VIOLATIONS_MAX);
    lines.extend(newest.map(|what| Line::new(Paint::Alarm, &format!(" ! {what}"))));
    lines
}

fn orders(sight: &Sight) -> [String; 3] {
    let books = &sight.books;
    let count = |status| books.count(status);
    let reasons = books.reasons().into_iter().map(|(why, n)| format!("{} {n}", word(why)));
    let reasons = reasons.collect::<Vec<_>>().join(" · ");
    [
        format!(
            " Open      {}: requested {} · confirmed {} · on the way {} (arrived {}) · in service {}",
            books.open(),
            count(Status::Requested),
            count(Status::Confirmed),
            count(Status::OnTheWay),
            books.arrived,
            count(Status::Active),
        ),
        format!(
            " Over      completed {} · ended otherwise {}:",
            count(Status::Completed),
            count(Status::Cancelled),
        ),
        format!("           {reasons}"),
    ]
}

fn bookings(sight: &Sight) -> String {
    let books = &sight.books;
    let count = |status| books.booked(status);
    format!(
        " Booked    {}: requested {} · to come {} · in service {} · completed {} · burned {} · moved {}",
        books.all(Kind::Booking),
        count(Status::Requested),
        books.upcoming,
        count(Status::Active),
        count(Status::Completed),
        books.burned(),
        books.moved,
    )
}

/// The upcoming bookings.
fn coming(sight: &Sight) -> String {
    let next = |coming: &Coming| {
        let branch: String = coming.branch.chars().take(BRANCH_CHARS).collect();
        let start = coming.starts_at.with_timezone(&Baku).format("%H:%M");
        format!("{start} {branch}")
    };
    let next: Vec<String> = sight.books.next.iter().map(next).collect();
    format!("   next    {}", if next.is_empty() { "none".to_owned() } else { next.join(" · ") })
}

fn money(sight: &Sight) -> String {
    let books = &sight.books;
    let proved = proof(sight);
    format!(
        " Money     held {} · captured {} · received {} · books prove: {proved}",
        books.held, books.captured, books.received,
    )
}

/// Payments on the provider's pages.
fn cards(sight: &Sight) -> String {
    let did = &sight.figures;
    format!(
        "   by card {} top-ups, {} · {} taken back · {} refused · {} pages left · {} penalties",
        did.top_ups_paid,
        sight.books.topped_up,
        did.top_ups_back,
        did.cards_refused,
        did.pages_left,
        did.penalties_paid,
    )
}

fn bonus(sight: &Sight) -> String {
    let [granted, orders, commissions] = sight.books.bonus;
    format!("   bonus   granted {granted} · orders paid {orders} · commissions paid {commissions}")
}

fn timers(sight: &Sight) -> String {
    let (gauges, late) = (&sight.gauges, &sight.gauges.lateness);
    let parked = match gauges.timers_parked {
        0 => String::new(),
        n => format!(" · {n} GIVEN UP"),
    };
    format!(
        " Timers    {} pending ({} near) · {} fired · late, real ms: p50 ≤ {} · p99 ≤ {} · max ≤ {}{parked}",
        sight.books.timers,
        gauges.timers_near,
        late.count(),
        late.at(500),
        late.at(990),
        late.at(1000),
    )
}

fn commands(sight: &Sight) -> String {
    let (done, half, most) = sight.commands;
    format!(
        " Commands  {}/s · {done} done · p50 {} ms, p99 {} ms · {} refused · {} odd answers",
        sight.rate,
        half.as_millis(),
        most.as_millis(),
        sight.figures.refusals,
        sight.figures.odd_answers,
    )
}

fn people(sight: &Sight) -> String {
    format!(
        " People    {} clients, {} branches · {} sockets · {} events told, p99 {} ms · {} violations",
        sight.people.0,
        sight.people.1,
        sight.gauges.sockets,
        sight.figures.events,
        sight.told.as_millis(),
        sight.figures.violations,
    )
}

/// A short word for a reason, so that all of them fit in one line.
fn word(reason: Reason) -> &'static str {
    match reason {
        Reason::Declined => "declined",
        Reason::OfferExpired => "expired",
        Reason::ClientCancelled => "by client",
        Reason::PartnerCancelled => "by partner",
        Reason::NoShow => "no-show",
        Reason::Burned => "burned",
        Reason::NotAdmitted => "not admitted",
        Reason::PartnerBlocked => "blocked",
        Reason::SupportCancelled => "by support",
    }
}

fn proof(sight: &Sight) -> String {
    match sight.proved {
        None => "not read yet".to_owned(),
        Some(proved) => {
            let word = if proved.ok { "ok" } else { "WRONG" };
            format!("{word}, {} s ago", proved.at.elapsed().as_secs())
        }
    }
}

/// The snapshot in one line, for output without a terminal.
#[must_use]
pub fn one_line(sight: &Sight) -> String {
    let Sight { books, gauges, figures, .. } = sight;
    let count = |status| books.count(status);
    let (_, half, most) = sight.commands;
    let orders = format!(
        "open {} (requested {} confirmed {} on_the_way {} active {}) completed {} cancelled {}",
        books.open(),
        count(Status::Requested),
        count(Status::Confirmed),
        count(Status::OnTheWay),
        count(Status::Active),
        count(Status::Completed),
        count(Status::Cancelled),
    );
    let booked = format!(
        "booked {} (to come {} active {} completed {} burned {} moved {})",
        books.all(Kind::Booking),
        books.upcoming,
        books.booked(Status::Active),
        books.booked(Status::Completed),
        books.burned(),
        books.moved,
    );
    let [_, by_bonus, _] = books.bonus;
    let money = format!(
        "held {} captured {} by card {} by bonus {by_bonus} books {}",
        books.held,
        books.captured,
        books.topped_up,
        proof(sight),
    );
    let commands = format!("{}/s p50 {} p99 {} ms", sight.rate, half.as_millis(), most.as_millis());
    let (pending, fired) = (books.timers, gauges.lateness.count());
    let late = gauges.lateness.at(990);
    format!(
        "{} {orders} | {booked} | {money} | commands {commands} | \
         timers {pending} fired {fired} late p99 ≤ {late} ms | sockets {} violations {}",
        hms(sight.now),
        gauges.sockets,
        figures.violations,
    )
}

/// The summary at the end.
#[must_use]
pub fn summary(sight: &Sight, books_ok: bool) -> Vec<String> {
    let Sight { figures: did, speed, .. } = sight;
    let town = minutes(sight.real.saturating_mul(*speed));
    let mut lines = vec![
        format!("Stopped. {}, {town} in the town.", clock(sight)),
        format!(
            "Since the start: {} orders placed, {} accepted, {} admitted, {} completed, {} ended otherwise.",
            did.placed, did.accepted, did.admitted, did.completed, did.ended_cancelled,
        ),
        format!(
            "Of these {} booked; {} moved, {} burned, {} added to, {} taken without a free bay.",
            did.booked, did.moved, did.burned, did.add_ons_agreed, did.overridden,
        ),
        format!(
            "{} top-ups begun, {} paid by card; {} orders paid with bonus; {} penalties paid, {} disputed.",
            did.top_ups,
            did.top_ups_paid,
            did.with_bonus,
            did.penalties_paid,
            did.penalties_disputed,
        ),
    ];
    lines.extend(figures(sight, true).into_iter().map(|line| line.text));
    let word = if books_ok { "hold" } else { "DO NOT HOLD" };
    lines.push(format!("The books {word}; {} violations.", did.violations));
    lines
}

fn hms(at: Instant) -> String {
    at.with_timezone(&Baku).format("%H:%M:%S").to_string()
}

fn minutes(real: Duration) -> String {
    let secs = real.as_secs();
    format!("{}:{:02}", secs / 60, secs % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sight() -> Sight {
        let mut sight = Sight::first(chrono::DateTime::UNIX_EPOCH, 20, (5_000, 500));
        let all = [Status::Requested, Status::OnTheWay, Status::Active, Status::Completed];
        sight.books.orders = all.map(|status| (Kind::Booking, status, None, 12_345)).into();
        let far = Coming { starts_at: sight.now, branch: "Gənclik Detailing ".repeat(9) };
        sight.books.next = vec![far; 3];
        sight.books.held = entity::value::Money(123_456);
        sight.moments = (0..20).map(moment).collect();
        sight
    }

    fn moment(n: u64) -> Moment {
        let after = Duration::from_secs(n);
        Moment { after, who: "Ülviyyə ".repeat(9), what: "did what people do".to_owned() }
    }

    #[test]
    fn a_small_terminal_shows_figures_events_and_guide() {
        let guide = vec!["curl".to_owned(); 10];
        for rows in [24, 44] {
            let lines = screen(&sight(), "http://127.0.0.1:8080", &guide, rows);
            assert!(lines.len() <= rows, "{}", lines.len());
            assert!(lines.iter().all(|line| line.text.chars().count() <= WIDTH_MAX));
            let count = |what: &str| lines.iter().filter(|line| line.text.contains(what)).count();
            assert_eq!(count("curl"), 10);
            assert_eq!(count("did what"), if rows == 24 { 3 } else { 14 });
            // 19 seconds at 20 times speed; Baku is UTC+4.
            assert_eq!(count("04:06:20"), 1);
        }
    }

    #[test]
    fn what_must_never_be_is_painted() {
        let mut sight = sight();
        sight.figures.violations = 1;
        sight.violations = vec!["a number came twice".to_owned()];
        let lines = screen(&sight, "", &[], 40);
        let alarms: Vec<_> = lines.iter().filter(|line| line.paint == Paint::Alarm).collect();
        assert_eq!(alarms.len(), 2);
        assert!(alarms.iter().any(|line| line.text.contains("a number came twice")));
    }
}
