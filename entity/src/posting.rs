//! The ledger's postings: each row moves an amount between two accounts and is never edited
//! (BAL-6).

use sea_orm::entity::prelude::*;

use crate::kinds::{PostingKind, Stored};
use crate::value::{Instant, LotId, Money, OrderId, PartnerId, PersonId, PostingId};

/// One row of `posting`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "posting")]
pub struct Model {
    /// The posting.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: PostingId,
    /// The debited account.
    pub debit: String,
    /// The credited account.
    pub credit: String,
    /// Above zero.
    pub amount: Money,
    /// The kind: `commission`, `credit` …
    pub kind: Stored<PostingKind>,
    /// The order, or the act, that caused it.
    pub subject: Uuid,
    /// The number within kind and subject, from 1.
    pub n: i32,
    /// The partner whose statement lists it.
    pub partner_id: Option<PartnerId>,
    /// The client whose statement lists it.
    pub client_id: Option<PersonId>,
    /// The order it is for.
    pub order_id: Option<OrderId>,
    /// The lot it fills or empties.
    pub lot_id: Option<LotId>,
    /// When.
    pub at: Instant,
    /// A free text for human readers.
    pub note: String,
}

/// Empty: the module that owns the table reads its rows, not the ORM through relations.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
