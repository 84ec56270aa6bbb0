//! The ledger: one row moves one amount from an account to another, for ever (BAL-6).

use sea_orm::entity::prelude::*;

use crate::value::{Instant, LotId, Money, OrderId, PartnerId, PersonId, PostingId};

/// One row of `posting`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "posting")]
pub struct Model {
    /// The posting.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: PostingId,
    /// Account that loses.
    pub debit: String,
    /// Account that gains.
    pub credit: String,
    /// Above zero.
    pub amount: Money,
    /// Why: `commission`, `credit` …
    pub kind: String,
    /// The order, or the act, that caused it.
    pub subject: Uuid,
    /// 1, 2, 3 … within kind and subject.
    pub n: i32,
    /// On whose statement it stands.
    pub partner_id: Option<PartnerId>,
    /// On which client's.
    pub client_id: Option<PersonId>,
    /// For which order.
    pub order_id: Option<OrderId>,
    /// Which lot it fills or empties.
    pub lot_id: Option<LotId>,
    /// When.
    pub at: Instant,
    /// For people.
    pub note: String,
}

/// No relation is followed by the ORM: rows are read by whoever owns them.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
