//! One-time codes sent to a phone (ACC-1).

use sea_orm::entity::prelude::*;

use crate::row::Table;
use crate::value::Instant;

/// The table; its rows have no version.
pub const TABLE: Table = Table::hot("otp");

/// One row of `otp`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "otp")]
pub struct Model {
    /// One sent code.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Keyed hash of the number.
    pub phone_hash: String,
    /// Keyed hash of the network address of the request.
    pub address: String,
    /// Keyed hash of the requester: the device id where the request named one, else the address
    /// (LIM-10).
    pub requester: String,
    /// The number of this code among the requester's codes to this phone: it orders codes of one
    /// instant.
    pub turn: i32,
    /// Keyed hash of the code.
    pub code_hash: String,
    /// When it was sent.
    pub created_at: Instant,
    /// The last instant it is valid.
    pub expires_at: Instant,
    /// Wrong entries so far.
    pub tries: i32,
    /// When it was entered correctly, or replaced by a newer one.
    pub used_at: Option<Instant>,
}

/// Empty: the module that owns the table reads its rows, not the ORM through relations.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
