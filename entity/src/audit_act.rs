//! The audit log of what the operator's staff did to money, partners or the policy; append-only.

use sea_orm::entity::prelude::*;

use crate::value::{ActId, Actor, Instant, Money, Sealed, SessionId};

/// One row of `audit_act`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_act")]
pub struct Model {
    /// The act.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ActId,
    /// When.
    pub at: Instant,
    /// The actor's role in the system.
    pub actor_kind: Actor,
    /// The person; nil for the command line and the scheduler.
    pub actor: Uuid,
    /// Sequence number per actor, from 1 and without gaps: a gap shows that a row was deleted.
    pub actor_n: i64,
    /// The person's role at that moment.
    pub role: Option<String>,
    /// The session (device) it came from.
    pub session_id: Option<SessionId>,
    /// The network address it came from.
    pub address: Option<Sealed>,
    /// The act: what was done.
    pub act: String,
    /// The kind of thing it was done to.
    pub subject_kind: String,
    /// The id of that thing.
    pub subject_id: Uuid,
    /// Sequence number per subject, from 1.
    pub subject_n: i64,
    /// The qəpik it moved or allows to be moved; 0 where it moves none.
    pub amount: Money,
    /// The reason, in the person's words.
    pub reason: String,
    /// The changed data before the act; personal data sealed.
    #[sea_orm(column_type = "JsonBinary")]
    pub before: Json,
    /// The same data after the act.
    #[sea_orm(column_type = "JsonBinary")]
    pub after: Json,
}

/// Empty: the module that owns the table reads its rows, not the ORM through relations.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
