//! The checkpoint of the ledger: what the postings folded so far add up to, by account (BAL-6).

use sea_orm::entity::prelude::*;

use crate::value::Money;

/// One row of `checkpoint_account`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "checkpoint_account")]
pub struct Model {
    /// The account.
    #[sea_orm(primary_key, auto_increment = false)]
    pub account: String,
    /// Credits less debits of the folded postings.
    pub amount: Money,
}

/// No relation is followed by the ORM: rows are read by whoever owns them.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
