//! A branch's own switches and hours.

use entity::value::PartnerId;
use entity::{opening, partner};
use sea_orm::Value;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Refusal;
use super::read::BranchView;
use super::schedule::{Hours, sensible};
use crate::platform::{Command, Stop, Tx};
use crate::policy;

/// A branch may give at most so many minutes on top of the route.
const BUFFER_MAX: i32 = 120;
/// Spans in a week.
const SPANS_MAX: usize = 70;

/// Changes a branch's switches.
pub struct EditBranch {
    /// The branch.
    pub partner_id: PartnerId,
    /// Takes orders now.
    pub taking_orders: Option<bool>,
    /// Minutes on top of the route; never below the policy's (QO-1).
    pub arrival_buffer_min: Option<i32>,
}

impl Command for EditBranch {
    type Answer = BranchView;
    const NAME: &'static str = "edit_branch";

    async fn run(&self, tx: &mut Tx) -> Result<BranchView, Stop> {
        let old = tx.find::<partner::Entity>(self.partner_id).await?;
        let old = old.ok_or(Refusal::NoSuchPartner)?;
        let least = policy::book::in_force(tx)?.keys.quick.arrival_buffer_min;
        let least = i32::try_from(least).unwrap_or(BUFFER_MAX);
        let buffer = self.arrival_buffer_min.unwrap_or(old.arrival_buffer_min);
        if self.arrival_buffer_min.is_some() && !(least..=BUFFER_MAX).contains(&buffer) {
            return Err(Refusal::BranchInvalid.into());
        }
        let mut new = old.clone();
        new.taking_orders = self.taking_orders.unwrap_or(old.taking_orders);
        new.arrival_buffer_min = buffer;
        tx.update(&old, &new);
        new.version += 1;
        Ok(new.into())
    }
}

/// One span of the week, as it travels.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SpanView {
    /// 1 Monday … 7 Sunday.
    pub weekday: i16,
    /// Minutes after local midnight.
    pub opens_min: i16,
    /// Minutes after the same midnight; past 1440 is the next day.
    pub closes_min: i16,
}

/// The weekly hours, as they travel.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ScheduleView {
    /// All spans of the week.
    pub weekly: Vec<SpanView>,
}

/// Replaces a branch's weekly hours.
pub struct SetSchedule {
    /// The branch.
    pub partner_id: PartnerId,
    /// The new hours.
    pub weekly: Vec<SpanView>,
}

impl Command for SetSchedule {
    type Answer = ScheduleView;
    const NAME: &'static str = "set_schedule";

    async fn run(&self, tx: &mut Tx) -> Result<ScheduleView, Stop> {
        let hours: Vec<Hours> = self.weekly.iter().map(hours).collect();
        if hours.len() > SPANS_MAX || !sensible(&hours) {
            return Err(Refusal::ScheduleInvalid.into());
        }
        let old = tx.find::<partner::Entity>(self.partner_id).await?;
        let old = old.ok_or(Refusal::NoSuchPartner)?;
        // The branch's version keeps two edits of its hours from mixing.
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
