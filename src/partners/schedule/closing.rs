//! Temporary closing of a branch: a pause, closed for today, open again (BK-13).

use chrono::TimeDelta;
use entity::kinds::{CommandName, EventKind};
use entity::partner;
use entity::value::{Actor, EventId, Instant, PartnerId};
use serde::Serialize;

use super::hours::Calendar;
use crate::context::{Context, Tx};
use crate::partners::Refusal;
use crate::partners::capacity::plan;
use crate::partners::profile::read::BranchView;
use crate::policy;
use platform::{Audience, Command, CommandError};

/// The change of the switch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Switch {
    /// Closed for so many minutes from now; by default the policy's.
    Pause(Option<i64>),
    /// Closed until the end of the working day.
    CloseToday,
    /// Open again.
    Resume,
}

/// Sets the switch of a branch; live bookings stay in any case.
pub struct SetSwitch {
    /// The branch.
    pub partner_id: PartnerId,
    /// The change of the switch.
    pub switch: Switch,
}

/// The event emitted to the branch.
#[derive(Serialize)]
struct SwitchEvent<'a> {
    branch: &'a BranchView,
    actor: By,
}

#[derive(Serialize)]
struct By {
    kind: Actor,
}

impl Command<Context> for SetSwitch {
    type Answer = BranchView;
    const NAME: CommandName = CommandName::TurnSwitch;

    async fn run(&self, tx: &mut Tx) -> Result<BranchView, CommandError> {
        let old = tx.find::<partner::Entity>(self.partner_id).await?;
        let old = old.ok_or(Refusal::NoSuchPartner)?;
        let mut new = old.clone();
        new.closed_until = match self.switch {
            Switch::Pause(minutes) => {
                let keys = policy::registry::in_force(tx)?.keys;
                let minutes = minutes.unwrap_or(keys.partner.pause_min);
                let most = keys.partner.pause_most_min;
                if !(1..=most).contains(&minutes) {
                    return Err(Refusal::PauseInvalid.refused().with("minutes_most", most).into());
                }
                Some(tx.now() + TimeDelta::minutes(minutes))
            }
            Switch::CloseToday => {
                let (_, plan) = plan::of(tx, self.partner_id).await?;
                Some(end_of_today(&plan.calendar, tx.now()))
            }
            Switch::Resume => None,
        };
        tx.update(&old, &new);
        new.version += 1;
        let branch = BranchView::of(new, &tx.keys(), tx.now())?;
        let told = SwitchEvent { branch: &branch, actor: By { kind: tx.by().actor } };
        let audience = Audience::Branch(self.partner_id);
        tx.emit(&audience, EventKind::BranchChanged, None, EventId::new(), &told)?;
        Ok(branch)
    }
}

/// The end of the present working day: the close of a span that opened on an earlier date, if one
/// is still running; else the end of the local date, or of the last span that opens on it and runs
/// past midnight.
#[must_use]
pub fn end_of_today(calendar: &Calendar, now: Instant) -> Instant {
    let today = calendar.date_of(now);
    let yesterday = today.pred_opt().unwrap_or(today);
    let late = calendar.opens_on(yesterday).filter(|span| span.holds(now));
    if let Some(close) = late.map(|span| span.until).max() {
        return close;
    }
    let closes = calendar.opens_on(today).map(|span| span.until);
    closes.fold(calendar.day(today).until, Instant::max)
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;
    use chrono_tz::Tz;

    use super::*;
    use crate::partners::schedule::hours::{Hours, Opening, SpecialDay};

    fn at(text: &str) -> Instant {
        text.parse().unwrap()
    }

    #[test]
    fn bk_13_today_ends_with_the_night_it_runs_into() {
        let hours = |weekday, opens_min, closes_min| Hours { weekday, opens_min, closes_min };
        // Fridays 09:00–13:00 and 20:00–02:00, Saturdays around the clock; 2026-11-20 is a Friday.
        let weekly = vec![hours(5, 540, 780), hours(5, 1200, 1560), hours(6, 120, 1440)];
        let closed = NaiveDate::from_ymd_opt(2026, 11, 22).unwrap();
        let special = vec![SpecialDay { date: closed, spans: Vec::<Opening>::new() }];
        let baku = Calendar { zone: Tz::Asia__Baku, weekly, special };
        let ends = |now| end_of_today(&baku, at(now));
        let night = at("2026-11-20T22:00:00Z");
        assert_eq!(ends("2026-11-20T06:00:00Z"), night, "10:00: the evening is of today");
        assert_eq!(ends("2026-11-20T18:00:00Z"), night, "22:00");
        assert_eq!(ends("2026-11-20T21:59:59Z"), night, "01:59: Friday's night still runs");
        let midnight = at("2026-11-21T20:00:00Z");
        assert_eq!(ends("2026-11-20T22:00:00Z"), midnight, "02:00: now it is Saturday");
        assert_eq!(ends("2026-11-22T08:00:00Z"), at("2026-11-22T20:00:00Z"), "closed anyway");
    }

    #[test]
    fn bk_13_today_has_as_many_hours_as_the_date() {
        let berlin = |date: &str| {
            let calendar =
                Calendar { zone: Tz::Europe__Berlin, weekly: Vec::new(), special: Vec::new() };
            end_of_today(&calendar, at(date))
        };
        assert_eq!(berlin("2026-10-25T00:30:00Z"), at("2026-10-25T23:00:00Z"), "25 hours");
        assert_eq!(berlin("2026-03-29T00:30:00Z"), at("2026-03-29T22:00:00Z"), "23 hours");
    }
}
