//! What payment providers call back with: each message once, and what came of it (BAL-5).

use sea_orm::entity::prelude::*;

use crate::value::{Instant, PaymentId};

/// One row of `inbound`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "inbound")]
pub struct Model {
    /// Of the driver's name and the raw bytes.
    #[sea_orm(primary_key, auto_increment = false)]
    pub digest: String,
    /// Who is said to call.
    pub driver: String,
    /// Which payment it is about, where that is known.
    pub payment_id: Option<PaymentId>,
    /// What came of it.
    pub outcome: String,
    /// When it came.
    pub at: Instant,
}

/// No relation is followed by the ORM: rows are read by whoever owns them.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
