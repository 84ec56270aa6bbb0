//! Reservations of a client's bonus for an order (BON-5).

use sea_orm::entity::prelude::*;

use crate::hold::{Allocations, HoldState};
use crate::value::{Instant, Money, OrderId, PersonId};

/// One row of `reservation`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "reservation")]
pub struct Model {
    /// The order.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: OrderId,
    /// The client whose bonus it is.
    pub client_id: PersonId,
    /// The amount reserved now, or spent at the end.
    pub amount: Money,
    /// The lots it is allocated to.
    #[sea_orm(column_type = "JsonBinary")]
    pub allocations: Allocations,
    /// Its current state.
    pub state: HoldState,
    /// When it was reserved.
    pub at: Instant,
    /// When it was spent or released.
    pub ended_at: Option<Instant>,
    /// Optimistic version.
    pub version: i64,
}

/// Empty: the module that owns the table reads its rows, not the ORM through relations.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
