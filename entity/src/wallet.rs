//! Wallets: the posted and held balance of an owner, updated concurrently (BAL-1).

use sea_orm::entity::prelude::*;

use crate::row::Table;
use crate::value::Money;

/// The table; its rows have no version.
pub const TABLE: Table = Table::hot("wallet");

/// One row of `wallet`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "wallet")]
#[expect(clippy::struct_excessive_bools, reason = "facts that are independent of each other")]
pub struct Model {
    /// The owner's id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The kind of owner.
    pub kind: WalletKind,
    /// Sum of its postings.
    pub posted: Money,
    /// Sum of its open holds.
    pub held: Money,
    /// Sum of the commissions of its unanswered offers, as far as they count against other clients
    /// (BAL-3, LIM-2).
    pub pending: Money,
    /// Its own floor, where it differs from the policy's.
    pub floor: Option<Money>,
    /// A capture or a correction took it below its floor: the branch can accept nothing (BAL-3).
    pub restricted: bool,
    /// The available amount is below the warning level (BAL-4).
    pub low: bool,
    /// The value of `restricted` last emitted to the branch.
    pub told_restricted: bool,
    /// The value of `low` last emitted to the branch.
    pub told_low: bool,
    /// A payment was charged back: restricted until support unlocks it (LIM-11).
    pub locked: bool,
}

/// Empty: the module that owns the table reads its rows, not the ORM through relations.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// The kind of owner of a wallet.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    serde::Serialize,
    serde::Deserialize,
    EnumIter,
    DeriveActiveEnum,
)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum WalletKind {
    /// A partner's prepaid balance.
    Partner,
}
