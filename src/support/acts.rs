//! The reads of the audit log of support's acts (SUP-2).

use chrono::{DateTime, Utc};
use entity::audit_act::{Column, Entity, Model};
use entity::value::{ActId, Actor, Instant, Money, SealedColumn, SealedField, SessionId};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use platform::CommandError;
use platform::page::{Page, PageQuery};

/// An act of support.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ActView {
    /// The id of the act.
    pub id: ActId,
    /// When it was done.
    pub at: DateTime<Utc>,
    /// The kind of actor.
    pub actor_kind: Actor,
    /// The person; nil for the command line.
    pub actor: Uuid,
    /// 1, 2, 3 … of this actor.
    pub actor_n: i64,
    /// The person's role at that moment.
    pub role: Option<String>,
    /// The session it was done in.
    pub session_id: Option<SessionId>,
    /// The network address it was done from.
    pub address: Option<SealedField>,
    /// The kind of act.
    pub act: String,
    /// The kind of subject.
    pub subject_kind: String,
    /// The subject.
    pub subject_id: Uuid,
    /// 1, 2, 3 … about this subject.
    pub subject_n: i64,
    /// The amount it moved.
    pub amount: Money,
    /// The actor's reason.
    pub reason: String,
    /// What it changed, before the act.
    #[schema(value_type = Value)]
    pub before: Value,
    /// What it changed, after the act.
    #[schema(value_type = Value)]
    pub after: Value,
}

fn view(row: Model) -> ActView {
    ActView {
        id: row.id,
        at: row.at,
        actor_kind: row.actor_kind,
        actor: row.actor,
        actor_n: row.actor_n,
        role: row.role,
        session_id: row.session_id,
        address: row.address.map(|address| address.at(SealedColumn::AuditAddress, row.id)),
        act: row.act,
        subject_kind: row.subject_kind,
        subject_id: row.subject_id,
        subject_n: row.subject_n,
        amount: row.amount,
        reason: row.reason,
        before: row.before,
        after: row.after,
    }
}

/// The filter of a page of acts.
#[derive(Clone, Debug, Default)]
pub struct ActsFilter {
    /// Only acts of this person.
    pub actor: Option<Uuid>,
    /// Only acts of this kind.
    pub act: Option<String>,
    /// Only acts about this subject.
    pub subject_id: Option<Uuid>,
    /// Only acts at or after this instant.
    pub from: Option<Instant>,
    /// Only acts before this instant.
    pub until: Option<Instant>,
}

/// A page of acts, newest first.
///
/// # Errors
/// When the database fails.
pub async fn page<C: ConnectionTrait>(
    db: &C,
    wanted: &ActsFilter,
    query: &PageQuery,
) -> Result<Page<ActView>, CommandError> {
    let mut rows = Entity::find().order_by_desc(Column::Id).limit(query.reach());
    if let Some(actor) = wanted.actor {
        rows = rows.filter(Column::Actor.eq(actor));
    }
    if let Some(act) = &wanted.act {
        rows = rows.filter(Column::Act.eq(act));
    }
    if let Some(subject_id) = wanted.subject_id {
        rows = rows.filter(Column::SubjectId.eq(subject_id));
    }
    if let Some(from) = wanted.from {
        rows = rows.filter(Column::At.gte(from));
    }
    if let Some(until) = wanted.until {
        rows = rows.filter(Column::At.lt(until));
    }
    if let Some(cursor) = query.cursor {
        rows = rows.filter(Column::Id.lt(ActId(cursor)));
    }
    Ok(Page::read(db, rows, query, |row| row.id.0, view).await?)
}
