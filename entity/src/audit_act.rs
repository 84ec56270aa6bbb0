//! What one of the operator's people did to money, partners or the policy: rows are only added.

use sea_orm::entity::prelude::*;

use crate::order::Actor;
use crate::value::{ActId, Instant, Money, Sealed, SessionId};

/// One row of `audit_act`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_act")]
pub struct Model {
    /// The act.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ActId,
    /// When.
    pub at: Instant,
    /// In which role of the system.
    pub actor_kind: Actor,
    /// Which person; nil for the command line and the clock.
    pub actor: Uuid,
    /// 1, 2, 3 … of this actor: a missing number is a row taken away.
    pub actor_n: i64,
    /// The person's role at that moment.
    pub role: Option<String>,
    /// From which device.
    pub session_id: Option<SessionId>,
    /// From which network address.
    pub address: Option<Sealed>,
    /// What was done.
    pub act: String,
    /// To what kind of thing.
    pub subject_kind: String,
    /// To which one.
    pub subject_id: Uuid,
    /// 1, 2, 3 … about this subject.
    pub subject_n: i64,
    /// Qəpik it moved, or lets be moved; 0 where it moves none.
    pub amount: Money,
    /// Why, in the person's words.
    pub reason: String,
    /// What it changed, as it was; personal data sealed.
    #[sea_orm(column_type = "JsonBinary")]
    pub before: Json,
    /// The same, as it then was.
    #[sea_orm(column_type = "JsonBinary")]
    pub after: Json,
}

/// No relation is followed by the ORM: rows are read by whoever owns them.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
