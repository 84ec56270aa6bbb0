//! Sessions: signed-in devices (ACC-1).

use sea_orm::entity::prelude::*;

use crate::value::{Instant, PersonId, Sealed, SessionId};

/// One row of `session`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "session")]
pub struct Model {
    /// The session.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: SessionId,
    /// The person who signed in.
    pub person_id: PersonId,
    /// The device's name for itself, sealed.
    pub device: Sealed,
    /// Keyed hash of the current refresh token.
    pub refresh_hash: String,
    /// Keyed hash of the previous refresh token.
    pub previous_hash: Option<String>,
    /// When the current token was issued.
    pub rotated_at: Instant,
    /// When the person signed in.
    pub created_at: Instant,
    /// When the refresh token expires.
    pub expires_at: Instant,
    /// When it ended, by signing out or by revocation.
    pub ended_at: Option<Instant>,
    /// Keyed hash of the installation's own id, where the app sent one (BON-6).
    pub device_hash: Option<String>,
    /// Optimistic version.
    pub version: i64,
}

/// Empty: the module that owns the table reads its rows, not the ORM through relations.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
