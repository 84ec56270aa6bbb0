//! What a branch offers.

use sea_orm::entity::prelude::*;

use crate::value::{Instant, PartnerId, ServiceId};

/// One row of `service`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "service")]
pub struct Model {
    /// The service.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ServiceId,
    /// Whose it is.
    pub partner_id: PartnerId,
    /// What kind of work it is, the same at every branch (`wash.body`).
    pub code: String,
    /// What clients read.
    pub name: String,
    /// Offered now.
    pub active: bool,
    /// What the bay must be for; any where none is named (BK-1).
    pub bay_kind: Option<String>,
    /// The rest of the bay after it, minutes; the policy's where none is set (BK-1).
    pub buffer_min: Option<i32>,
    /// Since when.
    pub created_at: Instant,
    /// Optimistic version.
    pub version: i64,
}

/// No relation is followed by the ORM: rows are read by whoever owns them.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
