//! Money on its way to a partner's bank account or card (BON-5).

use sea_orm::entity::prelude::*;

use crate::payment::Driver;
use crate::value::{Instant, Money, PartnerId, PayoutId, Sealed};

/// One row of `payout`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "payout")]
pub struct Model {
    /// The payout; the provider knows it by this id too.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: PayoutId,
    /// To whom.
    pub partner_id: PartnerId,
    /// Qəpik.
    pub amount: Money,
    /// Where it stands.
    pub state: PayoutState,
    /// Through whom.
    pub driver: Driver,
    /// Where to, as it was when it was collected: sealed JSON.
    pub account: Sealed,
    /// What the provider, or support, calls it.
    pub provider_ref: Option<String>,
    /// When it was collected.
    pub created_at: Instant,
    /// When the provider was asked first.
    pub sent_at: Option<Instant>,
    /// Some node asks the provider until then; others wait.
    pub busy_until: Option<Instant>,
    /// When it arrived.
    pub paid_at: Option<Instant>,
    /// For people.
    pub note: String,
    /// Optimistic version.
    pub version: i64,
}

/// No relation is followed by the ORM: rows are read by whoever owns them.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Where a payout stands.
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
pub enum PayoutState {
    /// Collected; nobody outside knows of it yet.
    Created,
    /// The provider was asked, perhaps more than once.
    Sent,
    /// It arrived.
    Paid,
    /// It did not; its payables are owed again.
    Failed,
}
