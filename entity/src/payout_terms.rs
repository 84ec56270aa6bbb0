//! How a partner wants what the operator owes it: to a card, or to the balance (BON-5).

use sea_orm::entity::prelude::*;

use crate::value::{Bp, Instant, PartnerId, PersonId, Sealed};

/// One row of `payout_terms`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "payout_terms")]
pub struct Model {
    /// The partner.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: PartnerId,
    /// Where it goes.
    #[sea_orm(column_type = "JsonBinary")]
    pub payout_to: PayoutTo,
    /// Bank account or card: sealed JSON.
    pub account: Option<Sealed>,
    /// How its number ends, for whoever knows the rest.
    pub account_hint: Option<String>,
    /// The tax number, sealed.
    pub voen: Option<Sealed>,
    /// Keyed hash of the tax number, to find it by.
    pub voen_hash: Option<String>,
    /// When support saw that the number is the partner's.
    pub voen_verified_at: Option<Instant>,
    /// Keyed hash of the account, to see whether it is another one.
    pub account_hash: Option<String>,
    /// When it was changed last: it rests before the first payout (LIM-11).
    pub account_changed_at: Option<Instant>,
    /// Which owner changed it.
    pub account_changed_by: Option<PersonId>,
    /// Optimistic version.
    pub version: i64,
}

/// No relation is followed by the ORM: rows are read by whoever owns them.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Where a partner wants what it is owed.
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
    /// To a bank account or card, some working days later.
    Card,
    /// To the balance at once, and this part of it as bonus.
    Balance {
        /// Basis points that become bonus.
        bonus_bp: Bp,
    },
}
