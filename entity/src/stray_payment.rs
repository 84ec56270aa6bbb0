//! Stray payments: money a provider holds for a payment unknown here, e.g. after a restore
//! (LIM-11).

use sea_orm::entity::prelude::*;

use crate::payment::Driver;
use crate::value::{Instant, Money, PaymentId, StrayId};

/// One row of `stray_payment`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "stray_payment")]
pub struct Model {
    /// The row.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: StrayId,
    /// The provider.
    pub driver: Driver,
    /// The reference it was called back with: unique per provider.
    pub name: String,
    /// Our payment id, as the provider reports it.
    pub payment_id: Option<PaymentId>,
    /// The provider's own reference for it.
    pub reference: Option<String>,
    /// The amount the provider reports as paid.
    pub amount: Option<Money>,
    /// The status in the provider's own word.
    pub status: String,
    /// When the engine first learned of it.
    pub found_at: Instant,
    /// When the provider was last polled.
    pub looked_at: Instant,
    /// When it was closed, by support or because the money was returned.
    pub closed_at: Option<Instant>,
    /// The reason.
    pub note: String,
    /// Optimistic version.
    pub version: i64,
}

/// Empty: the module that owns the table reads its rows, not the ORM through relations.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
