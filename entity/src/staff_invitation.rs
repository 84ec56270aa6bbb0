//! Invitations to work at a branch: nobody is its staff, or shown to it, without a yes (ACC-4).

use sea_orm::entity::prelude::*;

use crate::staff::StaffRole;
use crate::value::{Instant, InvitationId, PartnerId, PersonId, Sealed};

/// One row of `staff_invitation`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "staff_invitation")]
pub struct Model {
    /// The invitation.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: InvitationId,
    /// The branch.
    pub partner_id: PartnerId,
    /// The invited number, sealed.
    pub phone: Sealed,
    /// Keyed hash of the number.
    pub phone_hash: String,
    /// As what.
    pub role: StaffRole,
    /// Where it stands.
    pub state: InvitationState,
    /// Who of the branch invited.
    pub by_person: Option<PersonId>,
    /// Since when.
    pub created_at: Instant,
    /// The last instant it can be accepted.
    pub expires_at: Instant,
    /// When it was answered or taken back.
    pub answered_at: Option<Instant>,
    /// Optimistic version.
    pub version: i64,
}

/// No relation is followed by the ORM: rows are read by whoever owns them.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Where an invitation stands.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    serde::Serialize,
    serde::Deserialize,
    utoipa::ToSchema,
    EnumIter,
    DeriveActiveEnum,
)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum InvitationState {
    /// Not answered yet.
    Pending,
    /// The person works there since.
    Accepted,
    /// The person said no.
    Declined,
    /// The branch took it back, or sent another.
    Withdrawn,
}
