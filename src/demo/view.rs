//! The view: renders a snapshot as lines of text. Pure.

use std::time::Duration;

use chrono_tz::Asia::Baku;
use entity::order::{EndReason, OrderKind, OrderStatus};
use entity::value::Instant;
use simulator::Moment;

use super::books::Coming;
use super::state::DemoState;

/// The maximum width of a line, characters.
pub const WIDTH_MAX: usize = 100;
/// The minimum and maximum number of events shown; the screen height decides between them.
const EVENTS: (usize, usize) = (3, 14);
/// With fewer rows than this, blank lines and the upcoming bookings are left out.
const ROOMY: usize = 30;
/// The number of violations shown in full; all of them are counted.
const VIOLATIONS_MAX: usize = 2;
/// The positions of the bookings and of the money among the figures.
const BOOKINGS_AT: usize = 3;
const MONEY_AT: usize = 4;
/// Characters for the branch of an upcoming booking, and for the actor of an event.
const BRANCH_CHARS: usize = 20;
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
pub struct ScreenLine {
    /// The text.
    pub text: String,
    /// The style.
    pub paint: Paint,
}

impl ScreenLine {
    fn new(paint: Paint, text: &str) -> Self {
        Self { text: text.chars().take(WIDTH_MAX).collect(), paint }
    }
}

/// The whole screen, in at most so many rows: the figures first, then the guide, and events in the
/// remaining rows.
#[must_use]
pub fn screen(state: &DemoState, heading: &str, guide: &[String], rows: usize) -> Vec<ScreenLine> {
    let gap = usize::from(rows >= ROOMY);
    let blank = || std::iter::repeat_n(ScreenLine::new(Paint::Plain, ""), gap);
    let mut lines = vec![
        ScreenLine::new(Paint::Title, &format!(" Yumo demo · {}", clock(state))),
        ScreenLine::new(Paint::Plain, &format!(" {heading}")),
    ];
    lines.extend(blank());
    lines.extend(figures(state, rows >= ROOMY));
    lines.extend(blank());
    lines.push(ScreenLine::new(Paint::Title, " Last events"));
    let room = rows.saturating_sub(lines.len() + guide.len() + gap);
    let room = room.clamp(EVENTS.0, EVENTS.1);
    let before = lines.len();
    let events = state.moments.iter().rev().take(room).rev();
    lines.extend(events.map(|moment| event(state, moment)));
    if lines.len() == before {
        let soon = "  (people sign in and think; the first orders come in some seconds)";
        lines.push(ScreenLine::new(Paint::Dim, soon));
    }
    lines.resize(before + room + gap, ScreenLine::new(Paint::Plain, ""));
    lines.extend(guide.iter().map(|text| ScreenLine::new(Paint::Dim, &format!(" {text}"))));
    lines.truncate(rows);
    lines
}

fn clock(state: &DemoState) -> String {
    let now = state.now.with_timezone(&Baku).format("%Y-%m-%d %H:%M:%S");
    format!("Bakı {now} · {}× · {} real since the start", state.speed, minutes(state.real))
}

fn event(state: &DemoState, moment: &Moment) -> ScreenLine {
    let at = hms(state.time_of(moment));
    let who: String = moment.who.chars().take(WHO_CHARS).collect();
    ScreenLine::new(Paint::Plain, &format!("  {at}  {who:<WHO_CHARS$}  {}", moment.what))
}

fn figures(state: &DemoState, roomy: bool) -> Vec<ScreenLine> {
    let wrong = state.proved.is_some_and(|proved| !proved.ok);
    let broken = state.figures.violations > 0;
    let given_up = state.gauges.timers_parked > 0;
    let paint = |alarm: bool| if alarm { Paint::Alarm } else { Paint::Plain };
    let [open, over, reasons] = orders(state);
    let mut lines = vec![
        ScreenLine::new(Paint::Plain, &open),
        ScreenLine::new(Paint::Plain, &over),
        ScreenLine::new(Paint::Plain, &reasons),
        ScreenLine::new(Paint::Plain, &bookings(state)),
        ScreenLine::new(paint(wrong), &money(state)),
        ScreenLine::new(paint(given_up), &timers(state)),
        ScreenLine::new(Paint::Plain, &commands(state)),
        ScreenLine::new(paint(broken), &people(state)),
    ];
    if roomy {
        lines.insert(MONEY_AT + 1, ScreenLine::new(Paint::Plain, &cards(state)));
        lines.insert(MONEY_AT + 2, ScreenLine::new(Paint::Plain, &bonus(state)));
        lines.insert(BOOKINGS_AT + 1, ScreenLine::new(Paint::Plain, &coming(state)));
    }
    let newest = state.violations.iter().rev().take(VIOLATIONS_MAX);
    lines.extend(newest.map(|what| ScreenLine::new(Paint::Alarm, &format!(" ! {what}"))));
    lines
}

fn orders(state: &DemoState) -> [String; 3] {
    let books = &state.books;
    let count = |status| books.count(status);
    let reasons = books.reasons().into_iter().map(|(why, n)| format!("{} {n}", word(why)));
    let reasons = reasons.collect::<Vec<_>>().join(" · ");
    [
        format!(
            " Open      {}: requested {} · confirmed {} · on the way {} (arrived {}) · in service {}",
            books.open(),
            count(OrderStatus::Requested),
            count(OrderStatus::Confirmed),
            count(OrderStatus::OnTheWay),
            books.arrived,
            count(OrderStatus::Active),
        ),
        format!(
            " Over      completed {} · ended otherwise {}:",
            count(OrderStatus::Completed),
            count(OrderStatus::Cancelled),
        ),
        format!("           {reasons}"),
    ]
}

fn bookings(state: &DemoState) -> String {
    let books = &state.books;
    let count = |status| books.booked(status);
    format!(
        " Booked    {}: requested {} · to come {} · in service {} · completed {} · burned {} · moved {}",
        books.all(OrderKind::Booking),
        count(OrderStatus::Requested),
        books.upcoming,
        count(OrderStatus::Active),
        count(OrderStatus::Completed),
        books.burned(),
        books.moved,
    )
}

/// The upcoming bookings.
fn coming(state: &DemoState) -> String {
    let next = |coming: &Coming| {
        let branch: String = coming.branch.chars().take(BRANCH_CHARS).collect();
        let start = coming.starts_at.with_timezone(&Baku).format("%H:%M");
        format!("{start} {branch}")
    };
    let next: Vec<String> = state.books.next.iter().map(next).collect();
    format!("   next    {}", if next.is_empty() { "none".to_owned() } else { next.join(" · ") })
}

fn money(state: &DemoState) -> String {
    let books = &state.books;
    let proved = proof(state);
    format!(
        " Money     held {} · captured {} · received {} · books prove: {proved}",
        books.held, books.captured, books.received,
    )
}

/// Payments on the provider's pages.
fn cards(state: &DemoState) -> String {
    let did = &state.figures;
    format!(
        "   by card {} top-ups, {} · {} taken back · {} refused · {} pages left · {} penalties",
        did.top_ups_paid,
        state.books.topped_up,
        did.top_ups_back,
        did.cards_refused,
        did.pages_left,
        did.penalties_paid,
    )
}

fn bonus(state: &DemoState) -> String {
    let [granted, orders, commissions] = state.books.bonus;
    format!("   bonus   granted {granted} · orders paid {orders} · commissions paid {commissions}")
}

fn timers(state: &DemoState) -> String {
    let (gauges, late) = (&state.gauges, &state.gauges.lateness);
    let parked = match gauges.timers_parked {
        0 => String::new(),
        n => format!(" · {n} GIVEN UP"),
    };
    format!(
        " Timers    {} pending ({} near) · {} fired · late, real ms: p50 ≤ {} · p99 ≤ {} · max ≤ {}{parked}",
        state.books.timers,
        gauges.timers_near,
        late.count(),
        late.at(500),
        late.at(990),
        late.at(1000),
    )
}

fn commands(state: &DemoState) -> String {
    let (done, half, most) = state.commands;
    format!(
        " Commands  {}/s · {done} done · p50 {} ms, p99 {} ms · {} refused · {} odd answers",
        state.rate,
        half.as_millis(),
        most.as_millis(),
        state.figures.refusals,
        state.figures.odd_answers,
    )
}

fn people(state: &DemoState) -> String {
    format!(
        " People    {} clients, {} branches · {} sockets · {} events told, p99 {} ms · {} violations",
        state.people.0,
        state.people.1,
        state.gauges.sockets,
        state.figures.events,
        state.told.as_millis(),
        state.figures.violations,
    )
}

/// A short word for a reason, so that all of them fit in one line.
fn word(reason: EndReason) -> &'static str {
    match reason {
        EndReason::Declined => "declined",
        EndReason::OfferExpired => "expired",
        EndReason::ClientCancelled => "by client",
        EndReason::PartnerCancelled => "by partner",
        EndReason::NoShow => "no-show",
        EndReason::Burned => "burned",
        EndReason::NotAdmitted => "not admitted",
        EndReason::PartnerBlocked => "blocked",
        EndReason::SupportCancelled => "by support",
    }
}

fn proof(state: &DemoState) -> String {
    match state.proved {
        None => "not read yet".to_owned(),
        Some(proved) => {
            let word = if proved.ok { "ok" } else { "WRONG" };
            format!("{word}, {} s ago", proved.at.elapsed().as_secs())
        }
    }
}

/// The snapshot in one line, for output without a terminal.
#[must_use]
pub fn one_line(state: &DemoState) -> String {
    let DemoState { books, gauges, figures, .. } = state;
    let count = |status| books.count(status);
    let (_, half, most) = state.commands;
    let orders = format!(
        "open {} (requested {} confirmed {} on_the_way {} active {}) completed {} cancelled {}",
        books.open(),
        count(OrderStatus::Requested),
        count(OrderStatus::Confirmed),
        count(OrderStatus::OnTheWay),
        count(OrderStatus::Active),
        count(OrderStatus::Completed),
        count(OrderStatus::Cancelled),
    );
    let booked = format!(
        "booked {} (to come {} active {} completed {} burned {} moved {})",
        books.all(OrderKind::Booking),
        books.upcoming,
        books.booked(OrderStatus::Active),
        books.booked(OrderStatus::Completed),
        books.burned(),
        books.moved,
    );
    let [_, by_bonus, _] = books.bonus;
    let money = format!(
        "held {} captured {} by card {} by bonus {by_bonus} books {}",
        books.held,
        books.captured,
        books.topped_up,
        proof(state),
    );
    let commands = format!("{}/s p50 {} p99 {} ms", state.rate, half.as_millis(), most.as_millis());
    let (pending, fired) = (books.timers, gauges.lateness.count());
    let late = gauges.lateness.at(990);
    format!(
        "{} {orders} | {booked} | {money} | commands {commands} | \
         timers {pending} fired {fired} late p99 ≤ {late} ms | sockets {} violations {}",
        hms(state.now),
        gauges.sockets,
        figures.violations,
    )
}

/// The summary at the end.
#[must_use]
pub fn summary(state: &DemoState, books_ok: bool) -> Vec<String> {
    let DemoState { figures: did, speed, .. } = state;
    let simulated = minutes(state.real.saturating_mul(*speed));
    let mut lines = vec![
        format!("Stopped. {}, {simulated} simulated.", clock(state)),
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
    lines.extend(figures(state, true).into_iter().map(|line| line.text));
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

    fn state() -> DemoState {
        let mut state = DemoState::first(chrono::DateTime::UNIX_EPOCH, 20, (5_000, 500));
        let all = [
            OrderStatus::Requested,
            OrderStatus::OnTheWay,
            OrderStatus::Active,
            OrderStatus::Completed,
        ];
        state.books.orders = all.map(|status| (OrderKind::Booking, status, None, 12_345)).into();
        let far = Coming { starts_at: state.now, branch: "Gənclik Detailing ".repeat(9) };
        state.books.next = vec![far; 3];
        state.books.held = entity::value::Money(123_456);
        state.moments = (0..20).map(moment).collect();
        state
    }

    fn moment(n: u64) -> Moment {
        let after = Duration::from_secs(n);
        Moment { after, who: "Ülviyyə ".repeat(9), what: "did what people do".to_owned() }
    }

    #[test]
    fn a_small_terminal_shows_figures_events_and_guide() {
        let guide = vec!["curl".to_owned(); 10];
        for rows in [24, 44] {
            let lines = screen(&state(), "http://127.0.0.1:8080", &guide, rows);
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
        let mut state = state();
        state.figures.violations = 1;
        state.violations = vec!["a number came twice".to_owned()];
        let lines = screen(&state, "", &[], 40);
        let alarms: Vec<_> = lines.iter().filter(|line| line.paint == Paint::Alarm).collect();
        assert_eq!(alarms.len(), 2);
        assert!(alarms.iter().any(|line| line.text.contains("a number came twice")));
    }
}
