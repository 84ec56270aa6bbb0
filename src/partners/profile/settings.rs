//! A branch's own settings and hours.

use std::ops::RangeInclusive;

use entity::kinds::CommandName;
use entity::partner::{AutoConfirm, AutoHours};
use entity::value::PartnerId;
use entity::{opening, partner};
use sea_orm::Value;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use super::read::BranchView;
use crate::context::{Context, Tx};
use crate::partners::Refusal;
use crate::partners::schedule::hours::{Hours, sensible};
use crate::policy::{self, Policy};
use platform::{Command, CommandError, all_right};

/// Spans in a week.
const SPANS_MAX: usize = 70;
/// Slot grids a branch may choose, minutes: each divides the hour (BK-1).
const GRIDS_MIN: [i16; 6] = [5, 10, 15, 20, 30, 60];
/// Services a branch may name for automatic confirmation.
const AUTO_SERVICES_MAX: usize = 200;

/// The change of a setting that overrides the policy: on the wire a value, null, or absent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Setting<T> {
    /// Absent: it stays as it is.
    #[default]
    Unchanged,
    /// The policy's value applies again.
    Policy,
    /// The branch's own value.
    Own(T),
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Setting<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let said = Option::deserialize(deserializer)?;
        Ok(said.map_or(Self::Policy, Self::Own))
    }
}

impl<T: Clone> Setting<T> {
    fn own(&self) -> Option<&T> {
        match self {
            Self::Unchanged | Self::Policy => None,
            Self::Own(own) => Some(own),
        }
    }

    fn or(&self, old: Option<T>) -> Option<T> {
        match self {
            Self::Unchanged => old,
            Self::Policy => None,
            Self::Own(own) => Some(own.clone()),
        }
    }
}

/// Changes a branch's settings; absent ones stay.
pub struct EditBranch {
    /// The branch.
    pub partner_id: PartnerId,
    /// Whether it takes orders now.
    pub taking_orders: Option<bool>,
    /// Minutes added to the route; never below the policy's (QO-1).
    pub arrival_buffer_min: Option<i32>,
    /// Its slot grid, minutes.
    pub grid_min: Setting<i16>,
    /// Bookings can be cancelled free until so many minutes before (PEN-1).
    pub free_cancel_min: Setting<i32>,
    /// Which bookings it confirms automatically (BK-4).
    pub auto_confirm: Setting<AutoConfirm>,
    /// Whether it accepts add-ons automatically (ADD-1).
    pub auto_add_on: Option<bool>,
    /// Whether it takes quick orders whose client is expected after closing.
    pub late_arrivals: Option<bool>,
}

impl Command<Context> for EditBranch {
    type Answer = BranchView;
    const NAME: CommandName = CommandName::EditBranch;

    async fn run(&self, tx: &mut Tx) -> Result<BranchView, CommandError> {
        let old = tx.find::<partner::Entity>(self.partner_id).await?;
        let old = old.ok_or(Refusal::NoSuchPartner)?;
        let policy = policy::registry::in_force(tx)?;
        all_right(Refusal::BranchInvalid, &self.wrong(&policy.keys))?;
        let foreign = !self.own_services(tx).await?;
        all_right(Refusal::BranchInvalid, &[("/auto_confirm/service_ids", foreign)])?;
        let mut new = old.clone();
        new.taking_orders = self.taking_orders.unwrap_or(old.taking_orders);
        new.arrival_buffer_min = self.arrival_buffer_min.unwrap_or(old.arrival_buffer_min);
        new.grid_min = self.grid_min.or(old.grid_min);
        new.free_cancel_min = self.free_cancel_min.or(old.free_cancel_min);
        new.auto_confirm = self.auto_confirm.or(new.auto_confirm);
        new.auto_add_on = self.auto_add_on.unwrap_or(old.auto_add_on);
        new.late_arrivals = self.late_arrivals.unwrap_or(old.late_arrivals);
        tx.update(&old, &new);
        new.version += 1;
        BranchView::of(new, &tx.keys(), tx.now())
    }
}

impl EditBranch {
    /// Its fields, and whether each is wrong.
    fn wrong(&self, keys: &Policy) -> [(&'static str, bool); 5] {
        let buffers = buffers(keys);
        let booking = &keys.booking;
        let free = booking.free_cancel_least_min..=booking.free_cancel_most_min;
        let confirmed = self.auto_confirm.own();
        let hours = |auto: &AutoConfirm| {
            auto.hours.len() <= SPANS_MAX && auto.hours.iter().copied().all(weekly)
        };
        let services = |auto: &AutoConfirm| auto.service_ids.len() <= AUTO_SERVICES_MAX;
        [
            ("/arrival_buffer_min", self.arrival_buffer_min.is_some_and(|m| !buffers.contains(&m))),
            ("/grid_min", self.grid_min.own().is_some_and(|min| !GRIDS_MIN.contains(min))),
            (
                "/free_cancel_min",
                self.free_cancel_min.own().is_some_and(|min| !free.contains(&i64::from(*min))),
            ),
            ("/auto_confirm/service_ids", confirmed.is_some_and(|auto| !services(auto))),
            ("/auto_confirm/hours", confirmed.is_some_and(|auto| !hours(auto))),
        ]
    }

    /// Are the named services the branch's own?
    async fn own_services(&self, tx: &Tx) -> Result<bool, CommandError> {
        let named = self.auto_confirm.own().map(|auto| auto.service_ids.as_slice());
        let Some(named) = named.filter(|ids| !ids.is_empty()) else { return Ok(true) };
        let mut all = super::read::services(tx.db(), &[self.partner_id]).await?;
        let own = all.remove(&self.partner_id).unwrap_or_default();
        Ok(named.iter().all(|id| own.iter().any(|service| service.id == *id)))
    }
}

/// The minutes a branch may add to the route (QO-1).
pub(in crate::partners) fn buffers(keys: &Policy) -> RangeInclusive<i32> {
    let whole = |minutes: i64| i32::try_from(minutes).unwrap_or(i32::MAX);
    let quick = &keys.quick;
    whole(quick.arrival_buffer_min)..=whole(quick.arrival_buffer_most_min)
}

/// Are these valid hours of one weekday, at most a day long?
fn weekly(hours: AutoHours) -> bool {
    let AutoHours { weekday, from_min, until_min } = hours;
    sensible(&[Hours { weekday, opens_min: from_min, closes_min: until_min }])
}

/// One span of the week, as on the wire.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SpanView {
    /// 1 Monday … 7 Sunday.
    #[schema(minimum = 1, maximum = 7)]
    pub weekday: i16,
    /// Minutes after local midnight.
    #[schema(minimum = 0, maximum = 1439)]
    pub opens_min: i16,
    /// Minutes after the same midnight; past 1440 is the next day.
    #[schema(minimum = 1, maximum = 2879)]
    pub closes_min: i16,
}

/// The weekly hours, as on the wire.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ScheduleView {
    /// All spans of the week.
    #[schema(max_items = 70)]
    pub weekly: Vec<SpanView>,
}

/// Replaces a branch's weekly hours.
pub struct SetSchedule {
    /// The branch.
    pub partner_id: PartnerId,
    /// The new hours.
    pub weekly: Vec<SpanView>,
}

impl Command<Context> for SetSchedule {
    type Answer = ScheduleView;
    const NAME: CommandName = CommandName::SetSchedule;

    async fn run(&self, tx: &mut Tx) -> Result<ScheduleView, CommandError> {
        let hours: Vec<Hours> = self.weekly.iter().map(hours).collect();
        if hours.len() > SPANS_MAX || !sensible(&hours) {
            return Err(Refusal::ScheduleInvalid.into());
        }
        let old = tx.find::<partner::Entity>(self.partner_id).await?;
        let old = old.ok_or(Refusal::NoSuchPartner)?;
        // Updating the branch's version serialises edits of its hours.
        tx.update(&old, &old.clone());
        let before = super::read::hours(tx.db(), &[self.partner_id]).await?;
        for span in before.get(&self.partner_id).into_iter().flatten() {
            if !hours.iter().any(|h| (h.weekday, h.opens_min) == (span.weekday, span.opens_min)) {
                let key = vec![
                    ("partner_id", Value::from(self.partner_id.0)),
                    ("weekday", Value::from(span.weekday)),
                    ("opens_min", Value::from(span.opens_min)),
                ];
                tx.delete("opening", key);
            }
        }
        for span in &hours {
            tx.replace(opening::Model {
                partner_id: self.partner_id,
                weekday: span.weekday,
                opens_min: span.opens_min,
                closes_min: span.closes_min,
            });
        }
        Ok(ScheduleView { weekly: self.weekly.clone() })
    }
}

fn hours(span: &SpanView) -> Hours {
    Hours { weekday: span.weekday, opens_min: span.opens_min, closes_min: span.closes_min }
}
