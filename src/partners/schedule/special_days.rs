//! Special days: dates with hours other than the weekly ones (BK-12).

use chrono::{Days, NaiveDate};
use entity::kinds::CommandName;
use entity::partner;
use entity::special_day::{self, DaySpan, Spans};
use entity::value::{Instant, PartnerId};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _, QueryOrder as _, Value,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::hours::{Opening, sensible_day};
use crate::context::{Context, Tx};
use crate::partners::local_time::today;
use crate::partners::profile::register::TEXT_MAX;
use crate::partners::profile::services::raise;
use crate::partners::{Refusal, limits};
use platform::{Command, CommandError, Fault, all_right};

/// Maximum spans of one day.
const SPANS_MAX: usize = 24;
/// How far ahead a date may lie.
const AHEAD_MAX: Days = Days::new(731);

/// A special day, as on the wire.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SpecialDayView {
    /// The local date, `2026-12-31`.
    #[schema(value_type = String, format = Date)]
    pub date: NaiveDate,
    /// Its hours; closed if empty.
    pub spans: Vec<DaySpan>,
    /// The reason, for people.
    pub note: String,
}

/// Sets the hours of a special day.
pub struct SetSpecialDay {
    /// The branch.
    pub partner_id: PartnerId,
    /// The date and its hours.
    pub day: SpecialDayView,
}

impl Command<Context> for SetSpecialDay {
    type Answer = SpecialDayView;
    const NAME: CommandName = CommandName::SetSpecialDay;

    async fn run(&self, tx: &mut Tx) -> Result<SpecialDayView, CommandError> {
        let SpecialDayView { date, spans, note } = &self.day;
        let opening = |s: &DaySpan| Opening { opens_min: s.opens_min, closes_min: s.closes_min };
        let openings: Vec<Opening> = spans.iter().map(opening).collect();
        let wrong = [
            ("/spans", openings.len() > SPANS_MAX || !sensible_day(&openings)),
            ("/note", note.chars().count() > TEXT_MAX),
        ];
        let partner = raise(tx, self.partner_id).await?;
        all_right(Refusal::DayInvalid, &wrong)?;
        // The date stands in the path.
        if !ahead(&partner, *date, tx.now())? {
            return Err(Refusal::DayInvalid.into());
        }
        limits::one_more_special_day(tx, &partner, &date.to_string(), tx.now()).await?;
        tx.replace(special_day::Model {
            partner_id: self.partner_id,
            date: date.to_string(),
            spans: Spans(spans.clone()),
            note: note.clone(),
        });
        Ok(self.day.clone())
    }
}

/// Is the date today or later at the branch, and not too far?
fn ahead(partner: &partner::Model, date: NaiveDate, now: Instant) -> Result<bool, Fault> {
    let today = today(partner, now)?;
    Ok(today <= date && today.checked_add_days(AHEAD_MAX).is_some_and(|last| date <= last))
}

/// The answer to a removed special day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DroppedDay {
    /// The local date.
    #[schema(value_type = String, format = Date)]
    pub date: NaiveDate,
}

/// Removes a special day: the weekly hours apply again.
pub struct DropSpecialDay {
    /// The branch.
    pub partner_id: PartnerId,
    /// The date.
    pub date: NaiveDate,
}

impl Command<Context> for DropSpecialDay {
    type Answer = DroppedDay;
    const NAME: CommandName = CommandName::DropSpecialDay;

    async fn run(&self, tx: &mut Tx) -> Result<DroppedDay, CommandError> {
        let partner = raise(tx, self.partner_id).await?;
        let key = (self.partner_id, self.date.to_string());
        let row = tx.find::<special_day::Entity>(key).await?.ok_or(Refusal::NoSuchDay)?;
        if !ahead(&partner, self.date, tx.now())? {
            return Err(Refusal::DayInvalid.into());
        }
        let key =
            vec![("partner_id", Value::from(self.partner_id.0)), ("date", Value::from(row.date))];
        tx.delete("special_day", key);
        Ok(DroppedDay { date: self.date })
    }
}

/// The special days of a branch from today on, by date.
///
/// # Errors
/// `no_such_partner`, or a fault.
pub async fn list<C: ConnectionTrait>(
    db: &C,
    id: PartnerId,
    now: Instant,
) -> Result<Vec<SpecialDayView>, CommandError> {
    let partner = partner::Entity::find_by_id(id).all(db).await?.pop();
    let today = today(&partner.ok_or(Refusal::NoSuchPartner)?, now)?;
    let rows = special_day::Entity::find()
        .filter(special_day::Column::PartnerId.eq(id))
        .filter(special_day::Column::Date.gte(today.to_string()))
        .order_by_asc(special_day::Column::Date)
        .all(db)
        .await?;
    let view = |row: special_day::Model| {
        let date = date_of(&row)?;
        Ok(SpecialDayView { date, spans: row.spans.0, note: row.note })
    };
    rows.into_iter().map(view).collect()
}

/// The date of a row.
///
/// # Errors
/// A fault when the text is not a date.
pub(in crate::partners) fn date_of(row: &special_day::Model) -> Result<NaiveDate, Fault> {
    row.date.parse().map_err(|error| Fault::Inconsistent {
        table: "special_day",
        id: format!("{} {}", row.partner_id, row.date),
        what: format!("date: {error}"),
    })
}
