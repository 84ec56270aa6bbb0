//! Postings that the checkpoint does not contain yet: a trigger inserts the row with its posting,
//! and deleting it folds the posting into the account sums (BAL-6).

use sea_orm::entity::prelude::*;

use crate::value::PostingId;

/// One row of `checkpoint_pending`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "checkpoint_pending")]
pub struct Model {
    /// The posting.
    #[sea_orm(primary_key, auto_increment = false)]
    pub posting_id: PostingId,
}

/// Empty: the module that owns the table reads its rows, not the ORM through relations.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
