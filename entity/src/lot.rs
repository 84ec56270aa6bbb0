//! Bonus lots: what was granted, what is left of it, where it stands in its owner's queue (BON-1).

use sea_orm::entity::prelude::*;

use crate::purse::OwnerKind;
use crate::value::{Instant, LotId, Money};

/// One row of `lot`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "lot")]
pub struct Model {
    /// The lot.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: LotId,
    /// Whose: a client or a branch.
    pub owner: Uuid,
    /// Which of the two.
    pub owner_kind: OwnerKind,
    /// The grant it stems from: itself, or the lot whose part came back (BON-3).
    pub root: LotId,
    /// Why there is one.
    pub source: LotSource,
    /// The top-up, campaign or act it stems from.
    pub source_id: Option<Uuid>,
    /// What came in.
    pub amount: Money,
    /// What can be spent.
    pub free: Money,
    /// What open orders hold of it (BON-3).
    pub pinned: Money,
    /// Where it stands.
    pub state: LotState,
    /// Its place in the queue, lowest first.
    pub place: i64,
    /// The lifetime left when its clock stood last, microseconds.
    pub life_us: i64,
    /// When it expires, while its clock runs; when it would have, once it is over.
    pub expires_at: Option<Instant>,
    /// When its clock ran first.
    pub started_at: Option<Instant>,
    /// When its owner was warned that it expires (BON-7).
    pub warned_at: Option<Instant>,
    /// Since when.
    pub created_at: Instant,
    /// For people.
    pub note: String,
    /// Optimistic version; a pin raises it too.
    pub version: i64,
}

/// No relation is followed by the ORM: rows are read by whoever owns them.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Where a lot stands.
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
    /// Waits; its clock stands.
    Queued,
    /// The head: its clock runs.
    Running,
    /// Nothing is free: spent, or wholly held by open orders.
    Exhausted,
    /// Its time was over; what open orders hold of it outlives that.
    Expired,
    /// Taken back.
    Revoked,
}

/// Why there is a lot.
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
    /// Support's hand (BON-8).
    Support,
    /// What the operator owed for orders paid with bonus (BON-5).
    Payout,
    /// A part of another lot that came back (BON-3).
    Returned,
}
