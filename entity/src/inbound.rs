//! Callbacks from payment providers: each message once, with its outcome (BAL-5).

use sea_orm::entity::prelude::*;

use crate::value::{Instant, PaymentId};

/// One row of `inbound`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "inbound")]
pub struct Model {
    /// The hash of the driver's name and the raw bytes.
    #[sea_orm(primary_key, auto_increment = false)]
    pub digest: String,
    /// The provider that claims to be the sender.
    pub driver: String,
    /// Which payment it is about, where that is known.
    pub payment_id: Option<PaymentId>,
    /// The outcome of processing it.
    pub outcome: String,
    /// When it was received.
    pub at: Instant,
}

/// Empty: the module that owns the table reads its rows, not the ORM through relations.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
