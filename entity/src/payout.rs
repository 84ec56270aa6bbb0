//! Payouts: transfers to a partner's bank account or card (BON-5).

use sea_orm::entity::prelude::*;

use crate::payment::Driver;
use crate::value::{Instant, Money, PartnerId, PayoutId, Sealed};

/// One row of `payout`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "payout")]
pub struct Model {
    /// The payout; the provider gets this id too.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: PayoutId,
    /// The partner it is paid to.
    pub partner_id: PartnerId,
    /// Qəpik.
    pub amount: Money,
    /// Its current state.
    pub state: PayoutState,
    /// The payment provider.
    pub driver: Driver,
    /// The destination when the payables were collected: sealed JSON.
    pub account: Sealed,
    /// The id given to it by the provider or support.
    pub provider_ref: Option<String>,
    /// When its payables were collected.
    pub created_at: Instant,
    /// When it was first sent to the provider.
    pub sent_at: Option<Instant>,
    /// Until when one node has the lease to query the provider; other nodes wait.
    pub busy_until: Option<Instant>,
    /// When the money arrived.
    pub paid_at: Option<Instant>,
    /// A free text for human readers.
    pub note: String,
    /// Optimistic version.
    pub version: i64,
}

/// Empty: the module that owns the table reads its rows, not the ORM through relations.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// The state of a payout.
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
    /// Collected; not sent to the provider yet.
    Created,
    /// Sent to the provider, perhaps more than once.
    Sent,
    /// The money arrived.
    Paid,
    /// It failed; its payables are owed again.
    Failed,
}
