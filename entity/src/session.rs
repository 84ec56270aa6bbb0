//! Signed-in devices (ACC-1).

use sea_orm::entity::prelude::*;

use crate::value::{Instant, PersonId, Sealed, SessionId};

/// One row of `session`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "session")]
pub struct Model {
    /// The session.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: SessionId,
    /// Whose it is.
    pub person_id: PersonId,
    /// What the device calls itself, sealed.
    pub device: Sealed,
    /// Keyed hash of the refresh token in force.
    pub refresh_hash: String,
    /// Keyed hash of the one before it.
    pub previous_hash: Option<String>,
    /// When the token in force was given out.
    pub rotated_at: Instant,
    /// Sign-in.
    pub created_at: Instant,
    /// When the refresh token ends.
    pub expires_at: Instant,
    /// Sign-out, or the end put to it.
    pub ended_at: Option<Instant>,
    /// Keyed hash of the installation's own id, where it told one (BON-6).
    pub device_hash: Option<String>,
    /// Optimistic version.
    pub version: i64,
}

/// No relation is followed by the ORM: rows are read by whoever owns them.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
