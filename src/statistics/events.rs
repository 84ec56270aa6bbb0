//! The counts of events, for support.

use chrono::NaiveDate;
use entity::event_count::{Column, Entity};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use platform::db::pool::Pool;
use platform::{CommandError, Fault};

/// How often something happened on one day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EventCount {
    /// The day in UTC.
    pub day: NaiveDate,
    /// What happened, in the past tense.
    pub kind: String,
    /// How often.
    pub count: i64,
}

/// The counts of some days.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EventCounts {
    /// The first day.
    pub from: NaiveDate,
    /// The last day.
    pub to: NaiveDate,
    /// One for each day and kind, in this order.
    pub items: Vec<EventCount>,
}

/// The counts from the first to the last day.
///
/// # Errors
/// When the database fails.
pub async fn between(
    db: &Pool,
    from: NaiveDate,
    to: NaiveDate,
) -> Result<EventCounts, CommandError> {
    let rows = Entity::find()
        .filter(Column::Day.between(from.to_string(), to.to_string()))
        .order_by_asc(Column::Day)
        .order_by_asc(Column::Kind)
        .all(db)
        .await?;
    let mut items = Vec::with_capacity(rows.len());
    for row in rows {
        let day = row.day.parse().map_err(|_| Fault::Inconsistent {
            table: "event_count",
            id: format!("{} {}", row.day, row.kind),
            what: "day is no date".to_owned(),
        })?;
        items.push(EventCount { day, kind: row.kind, count: row.n });
    }
    Ok(EventCounts { from, to, items })
}
