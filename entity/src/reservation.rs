//! Bonus a client has set aside for an order (BON-5).

use sea_orm::entity::prelude::*;

use crate::hold::{HoldState, Legs};
use crate::value::{Instant, Money, OrderId, PersonId};

/// One row of `reservation`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "reservation")]
pub struct Model {
    /// The order.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: OrderId,
    /// Whose bonus.
    pub client_id: PersonId,
    /// How much is set aside now, or was spent in the end.
    pub amount: Money,
    /// Out of which lots.
    #[sea_orm(column_type = "JsonBinary")]
    pub legs: Legs,
    /// Where it stands.
    pub state: HoldState,
    /// When it was set aside.
    pub at: Instant,
    /// When it was spent or let go.
    pub ended_at: Option<Instant>,
    /// Optimistic version.
    pub version: i64,
}

/// No relation is followed by the ORM: rows are read by whoever owns them.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
