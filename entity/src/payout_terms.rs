//! Payout terms: whether a partner is paid to a card or to its balance (BON-5).

use sea_orm::entity::prelude::*;

use crate::value::{Bp, Instant, PartnerId, PersonId, Sealed};

/// One row of `payout_terms`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "payout_terms")]
pub struct Model {
    /// The partner.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: PartnerId,
    /// The destination.
    #[sea_orm(column_type = "JsonBinary")]
    pub payout_to: PayoutTo,
    /// Bank account or card: sealed JSON.
    pub account: Option<Sealed>,
    /// The last digits of its number, by which its owner recognises it.
    pub account_hint: Option<String>,
    /// The tax number, sealed.
    pub voen: Option<Sealed>,
    /// Keyed hash of the tax number, to find it by.
    pub voen_hash: Option<String>,
    /// When support verified that the number is the partner's.
    pub voen_verified_at: Option<Instant>,
    /// Keyed hash of the account, by which a change is recognised.
    pub account_hash: Option<String>,
    /// When it was last changed; a waiting period precedes the next payout (LIM-11).
    pub account_changed_at: Option<Instant>,
    /// The owner who changed it.
    pub account_changed_by: Option<PersonId>,
    /// Optimistic version.
    pub version: i64,
}

/// Empty: the module that owns the table reads its rows, not the ORM through relations.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// The destination of what a partner is owed.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    serde::Serialize,
    serde::Deserialize,
    utoipa::ToSchema,
    sea_orm::FromJsonQueryResult,
)]
#[serde(tag = "to", rename_all = "snake_case", deny_unknown_fields)]
pub enum PayoutTo {
    /// A bank account or card, some working days later.
    Card,
    /// The balance, at once, with this part of it as bonus.
    Balance {
        /// The part that becomes bonus, basis points.
        bonus_bp: Bp,
    },
}
