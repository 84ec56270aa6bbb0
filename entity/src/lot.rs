//! Bonus lots: what was granted, what is left, and the position in the owner's queue (BON-1).

use sea_orm::entity::prelude::*;

use crate::bonus_account::OwnerKind;
use crate::value::{Instant, LotId, Money};

/// One row of `lot`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "lot")]
pub struct Model {
    /// The lot.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: LotId,
    /// The owner: a client or a branch.
    pub owner: Uuid,
    /// The kind of owner.
    pub owner_kind: OwnerKind,
    /// The granted lot it stems from: itself, or the lot whose held part was returned (BON-3).
    pub root: LotId,
    /// What created it.
    pub source: LotSource,
    /// The top-up, campaign or act that created it.
    pub source_id: Option<Uuid>,
    /// The amount granted or returned.
    pub amount: Money,
    /// The amount that can be spent.
    pub free: Money,
    /// The amount reserved by open orders (BON-3).
    pub pinned: Money,
    /// Its current state.
    pub state: LotState,
    /// Its position in the queue, lowest first.
    pub place: i64,
    /// The lifetime left when its expiry clock was last stopped, microseconds.
    pub life_us: i64,
    /// When it expires while its expiry clock runs; when it would have expired once it has ended.
    pub expires_at: Option<Instant>,
    /// When its expiry clock first started.
    pub started_at: Option<Instant>,
    /// When its owner was warned of the expiry (BON-7).
    pub warned_at: Option<Instant>,
    /// When the row was created.
    pub created_at: Instant,
    /// A free text for human readers.
    pub note: String,
    /// Optimistic version; a pin raises it too.
    pub version: i64,
}

/// Empty: the module that owns the table reads its rows, not the ORM through relations.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// The state of a lot.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    serde::Serialize,
    serde::Deserialize,
    utoipa::ToSchema,
    EnumIter,
    DeriveActiveEnum,
)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum LotState {
    /// Queued; its expiry clock is stopped.
    Queued,
    /// The head of the queue: its expiry clock runs.
    Running,
    /// Nothing is free: all spent, or held by open orders.
    Exhausted,
    /// Its lifetime is over; the parts held by open orders stay valid.
    Expired,
    /// Revoked.
    Revoked,
}

/// What created a lot.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    serde::Serialize,
    serde::Deserialize,
    utoipa::ToSchema,
    EnumIter,
    DeriveActiveEnum,
)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum LotSource {
    /// The gift of a top-up (BON-4).
    TopUp,
    /// A campaign (BON-8).
    Campaign,
    /// A grant by support (BON-8).
    Support,
    /// What the operator owed for orders paid with bonus (BON-5).
    Payout,
    /// A part of another lot that was returned (BON-3).
    Returned,
}
