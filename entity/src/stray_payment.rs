//! Money a provider has for a payment this engine does not know, as after a restore (LIM-11).

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
    /// At which provider.
    pub driver: Driver,
    /// The name it was called back with: unique at its provider.
    pub name: String,
    /// The id of ours the provider has for it.
    pub payment_id: Option<PaymentId>,
    /// The provider's own name for it.
    pub reference: Option<String>,
    /// What the provider says was paid.
    pub amount: Option<Money>,
    /// How the provider says it stands, in its own word.
    pub status: String,
    /// When it was heard of first.
    pub found_at: Instant,
    /// When the provider was asked last.
    pub looked_at: Instant,
    /// When it was settled, by support or because the money went back.
    pub closed_at: Option<Instant>,
    /// Why.
    pub note: String,
    /// Optimistic version.
    pub version: i64,
}

/// No relation is followed by the ORM: rows are read by whoever owns them.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
