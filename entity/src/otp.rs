//! One-time codes sent to a phone (ACC-1).

use sea_orm::entity::prelude::*;

use crate::value::Instant;

/// One row of `otp`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "otp")]
pub struct Model {
    /// The sending.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Keyed hash of the number.
    pub phone_hash: String,
    /// Keyed hash of the network address that asked.
    pub address: String,
    /// Keyed hash of who asked: the device where it said which, else the address (LIM-10).
    pub requester: String,
    /// Which of the requester's codes to this number it is: of two of one instant, the later one.
    pub turn: i32,
    /// Keyed hash of the code.
    pub code_hash: String,
    /// When it was sent.
    pub created_at: Instant,
    /// The last instant it is good.
    pub expires_at: Instant,
    /// Wrong answers so far.
    pub tries: i32,
    /// When it was answered, or replaced by a newer one.
    pub used_at: Option<Instant>,
}

/// No relation is followed by the ORM: rows are read by whoever owns them.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
