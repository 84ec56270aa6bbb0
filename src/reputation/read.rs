//! The reads of sanctions: current ones, views, and the inputs of the evaluation.

use chrono::{DateTime, Utc};
use entity::kinds::StrikeKind;
use entity::sanction::{self, SanctionKind};
use entity::strike;
use entity::value::{Instant, MarkId, PersonId, SanctionId};
use sea_orm::{
    ColumnTrait as _, Condition, ConnectionTrait, EntityTrait as _, QueryFilter as _,
    QueryOrder as _, QuerySelect as _,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::rules::{Earlier, RecordedFault};
use platform::page::{Page, PageQuery};
use platform::{CommandError, Fault as Broken};

/// Maximum number of a subject's strikes that an evaluation reads.
const MARKS_MAX: u64 = 1_000;
/// Maximum number of a subject's earlier sanctions that an evaluation reads.
const EARLIER_MAX: u64 = 200;
/// Blocks read at once.
const BATCH: u64 = 1_000;

/// A sanction as it is shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SanctionView {
    /// The sanction.
    pub id: SanctionId,
    /// The client or the branch.
    pub subject: Uuid,
    /// The kind of sanction.
    pub kind: SanctionKind,
    /// When it began.
    pub began_at: DateTime<Utc>,
    /// When it ends.
    pub until: DateTime<Utc>,
    /// When it was ended, by its timer or by support.
    pub ended_at: Option<DateTime<Utc>>,
    /// The reason, for people.
    pub reason: String,
    /// The strikes it was imposed for.
    pub cause: Vec<MarkId>,
    /// Another operator may register at the address of a blocked branch (SAN-4).
    pub address_lifted: bool,
    /// The member of support who imposed it; shown to support only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by_person: Option<PersonId>,
}

/// The view of a sanction for its subject.
///
/// # Errors
/// A fault when its cause cannot be read.
pub fn view(row: &sanction::Model) -> Result<SanctionView, Broken> {
    Ok(SanctionView {
        id: row.id,
        subject: row.subject,
        kind: row.kind,
        began_at: row.began_at,
        until: row.until,
        ended_at: row.ended_at,
        reason: row.reason.clone(),
        cause: cause(row)?,
        address_lifted: row.address_lifted,
        by_person: None,
    })
}

/// The view of a sanction for support.
///
/// # Errors
/// A fault when its cause cannot be read.
pub fn whole(row: &sanction::Model) -> Result<SanctionView, Broken> {
    Ok(SanctionView { by_person: row.by_person, ..view(row)? })
}

/// The strikes a sanction was imposed for.
///
/// # Errors
/// A fault when they cannot be read.
pub fn cause(row: &sanction::Model) -> Result<Vec<MarkId>, Broken> {
    serde_json::from_value(row.cause.clone()).map_err(|error| Broken::Inconsistent {
        table: "sanction",
        id: row.id.to_string(),
        what: format!("cause: {error}"),
    })
}

/// The subject's sanction of this kind that is in force at this instant; one that ends at it no
/// longer is (ARR-3).
///
/// # Errors
/// When the database fails.
pub async fn standing<C: ConnectionTrait>(
    db: &C,
    subject: Uuid,
    kind: SanctionKind,
    now: Instant,
) -> Result<Option<sanction::Model>, CommandError> {
    let open = open(db, subject, kind).await?;
    Ok(open.filter(|row| now < row.until))
}

/// The subject's sanction of this kind that was not ended yet; its time may be over.
///
/// # Errors
/// When the database fails.
pub async fn open<C: ConnectionTrait>(
    db: &C,
    subject: Uuid,
    kind: SanctionKind,
) -> Result<Option<sanction::Model>, CommandError> {
    let rows = sanction::Entity::find()
        .filter(sanction::Column::Subject.eq(subject))
        .filter(sanction::Column::Kind.eq(kind))
        .filter(sanction::Column::EndedAt.is_null())
        .all(db)
        .await?;
    Ok(rows.into_iter().next())
}

/// All blocks of branches that are in force at this instant.
///
/// # Errors
/// When the database fails.
pub async fn blocks<C: ConnectionTrait>(
    db: &C,
    now: Instant,
) -> Result<Vec<sanction::Model>, CommandError> {
    let mut found = Vec::new();
    let mut after = SanctionId(Uuid::nil());
    loop {
        let rows = sanction::Entity::find()
            .filter(sanction::Column::Kind.eq(SanctionKind::PartnerBlock))
            .filter(sanction::Column::EndedAt.is_null())
            .filter(sanction::Column::Until.gt(now))
            .filter(sanction::Column::Id.gt(after))
            .order_by_asc(sanction::Column::Id)
            .limit(BATCH)
            .all(db)
            .await?;
        let Some(last) = rows.last() else { return Ok(found) };
        after = last.id;
        found.extend(rows);
    }
}

/// A page of the sanctions of one subject, or of all, newest first, as support sees them.
///
/// # Errors
/// When the database fails.
pub async fn page<C: ConnectionTrait>(
    db: &C,
    subject: Option<Uuid>,
    to_support: bool,
    query: &PageQuery,
) -> Result<Page<SanctionView>, CommandError> {
    let mut rows =
        sanction::Entity::find().order_by_desc(sanction::Column::Id).limit(query.reach());
    if let Some(subject) = subject {
        rows = rows.filter(sanction::Column::Subject.eq(subject));
    }
    if let Some(cursor) = query.cursor {
        rows = rows.filter(sanction::Column::Id.lt(SanctionId(cursor)));
    }
    let shown = if to_support { whole } else { view };
    let page = Page::read(db, rows, query, |row| row.id.0, |row| shown(&row)).await?;
    let Page { items, next_cursor, unreadable } = page;
    let items = items.into_iter().collect::<Result<_, _>>()?;
    Ok(Page { items, next_cursor, unreadable })
}

/// A subject's record: strikes since an instant, all voided ones, and earlier sanctions.
///
/// # Errors
/// When the database fails.
pub async fn record<C: ConnectionTrait>(
    db: &C,
    subject: Uuid,
    kinds: &[StrikeKind],
    since: Instant,
) -> Result<(Vec<RecordedFault>, Vec<Earlier>), CommandError> {
    let marks = strike::Entity::find()
        .filter(strike::Column::Subject.eq(subject))
        .filter(strike::Column::Kind.is_in(kinds.iter().copied()))
        .filter(
            Condition::any()
                .add(strike::Column::At.gt(since))
                .add(strike::Column::VoidedAt.is_not_null()),
        )
        .order_by_desc(strike::Column::At)
        .limit(MARKS_MAX)
        .all(db)
        .await?;
    let sanctions = sanction::Entity::find()
        .filter(sanction::Column::Subject.eq(subject))
        .order_by_desc(sanction::Column::BeganAt)
        .limit(EARLIER_MAX)
        .all(db)
        .await?;
    let fault = |row: strike::Model| RecordedFault {
        id: row.id,
        at: row.at,
        voided: row.voided_at.is_some(),
    };
    let earlier = |row: sanction::Model| {
        Ok::<_, Broken>(Earlier {
            kind: row.kind,
            began_at: row.began_at,
            end: row.ended_at.map_or(row.until, |ended| ended.min(row.until)),
            cause: cause(&row)?,
        })
    };
    let earlier = sanctions.into_iter().map(earlier).collect::<Result<_, _>>()?;
    Ok((marks.into_iter().map(fault).collect(), earlier))
}
