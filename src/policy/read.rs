//! Policy versions as support reads them.

use chrono::{DateTime, Utc};
use entity::policy_version::{Column, Entity, Model};
use entity::value::PersonId;
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _,
};
use serde::{Deserialize, Serialize};
use toml::Table;
use utoipa::ToSchema;
use uuid::Uuid;

use super::Refusal;
use super::draft::{self, Changed, Changes, Draft};
use super::keys::Policy;
use platform::page::{Page, PageQuery};
use platform::{CommandError, Fault};

/// A policy version, without its keys.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct VersionView {
    /// Its number.
    pub version: i32,
    /// When it comes into force.
    pub effective_at: DateTime<Utc>,
    /// When it was published.
    pub published_at: DateTime<Utc>,
    /// Who published it; `null` for the first.
    pub by: Option<PersonId>,
    /// The reason; `null` for the first.
    pub reason: Option<String>,
}

impl From<Model> for VersionView {
    fn from(row: Model) -> Self {
        Self {
            version: row.version,
            effective_at: row.effective_at,
            published_at: row.published_at,
            by: row.published_by,
            reason: row.reason,
        }
    }
}

/// A version whole.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct VersionWhole {
    /// The version.
    #[serde(flatten)]
    pub version: VersionView,
    /// The keys it changed from the version before it.
    pub changed: Vec<Changed>,
    /// All its keys.
    #[schema(value_type = Object)]
    pub keys: Policy,
}

/// The newest version, in force or still to come.
///
/// # Errors
/// When the database fails, or there is none.
pub async fn newest<C: ConnectionTrait>(db: &C) -> Result<Model, CommandError> {
    let row = Entity::find().order_by_desc(Column::Version).limit(1).all(db).await?.pop();
    row.ok_or_else(|| Fault::Other("there is no policy version".to_owned()).into())
}

/// A draft: changes on the newest version, and that version's number.
///
/// # Errors
/// `policy_key_unknown`, `policy_value_invalid`, or a fault.
pub async fn draft<C: ConnectionTrait>(
    db: &C,
    changes: &Changes,
) -> Result<(i32, Draft), CommandError> {
    let newest = newest(db).await?;
    Ok((newest.version, draft::put(body(&newest)?, changes)?))
}

/// A version's body.
///
/// # Errors
/// A fault when it cannot be read.
pub fn body(row: &Model) -> Result<Table, CommandError> {
    draft::whole(&row.body).map_err(|error| unreadable(row, &error))
}

fn unreadable(row: &Model, error: &toml::de::Error) -> CommandError {
    let (table, id) = ("policy_version", row.version.to_string());
    Fault::Inconsistent { table, id, what: format!("body: {error}") }.into()
}

/// All versions, newest first.
///
/// # Errors
/// When the database fails.
pub async fn page<C: ConnectionTrait>(
    db: &C,
    query: &PageQuery,
) -> Result<Page<VersionView>, CommandError> {
    let mut rows = Entity::find().order_by_desc(Column::Version).limit(query.reach());
    if let Some(cursor) = query.cursor {
        rows = rows.filter(Column::Version.lt(number(cursor)));
    }
    let rows = rows.all(db).await?;
    Ok(Page::cut(rows, query, |row| cursor(row.version), VersionView::from))
}

/// Cursors are ids everywhere; a version's is its number.
fn cursor(version: i32) -> Uuid {
    Uuid::from_u128(u128::from(version.unsigned_abs()))
}

fn number(cursor: Uuid) -> i32 {
    i32::try_from(cursor.as_u128()).unwrap_or(i32::MAX)
}

/// One version, whole.
///
/// # Errors
/// `no_such_policy`, or a fault.
pub async fn whole<C: ConnectionTrait>(db: &C, version: i32) -> Result<VersionWhole, CommandError> {
    let row = Entity::find_by_id(version).all(db).await?.pop().ok_or(Refusal::NoSuchVersion)?;
    let before = Entity::find_by_id(version.saturating_sub(1)).all(db).await?.pop();
    let after = body(&row)?;
    let changed = match &before {
        Some(before) => draft::changed(&body(before)?, &after),
        None => Vec::new(),
    };
    let keys = after.try_into().map_err(|error| unreadable(&row, &error))?;
    Ok(VersionWhole { version: row.into(), changed, keys })
}
