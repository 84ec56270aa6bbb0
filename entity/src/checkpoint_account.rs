//! The checkpoint of the ledger: the sum of the folded postings by account (BAL-6).

use sea_orm::entity::prelude::*;

use crate::value::Money;

/// One row of `checkpoint_account`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "checkpoint_account")]
pub struct Model {
    /// The account.
    #[sea_orm(primary_key, auto_increment = false)]
    pub account: String,
    /// Credits minus debits of the folded postings.
    pub amount: Money,
}

/// Empty: the module that owns the table reads its rows, not the ORM through relations.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
