//! Services offered by a branch.

use sea_orm::entity::prelude::*;

use crate::value::{Instant, PartnerId, ServiceId};

/// One row of `service`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "service")]
pub struct Model {
    /// The service.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ServiceId,
    /// The branch that offers it.
    pub partner_id: PartnerId,
    /// The kind of work, by the same code at every branch (`wash.body`).
    pub code: String,
    /// The name clients see.
    pub name: String,
    /// Whether it is offered now.
    pub active: bool,
    /// The kind of bay it needs; any bay if none is named (BK-1).
    pub bay_kind: Option<String>,
    /// The buffer of the bay after it, minutes; the policy's where none is set (BK-1).
    pub buffer_min: Option<i32>,
    /// When the row was created.
    pub created_at: Instant,
    /// Optimistic version.
    pub version: i64,
}

/// Empty: the module that owns the table reads its rows, not the ORM through relations.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
