//! Invitations to work at a branch: a person becomes its staff only by accepting one (ACC-4).

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
    /// The offered role.
    pub role: StaffRole,
    /// Its current state.
    pub state: InvitationState,
    /// The staff member who invited.
    pub by_person: Option<PersonId>,
    /// When the row was created.
    pub created_at: Instant,
    /// The last instant at which it can be accepted.
    pub expires_at: Instant,
    /// When it was answered or withdrawn.
    pub answered_at: Option<Instant>,
    /// Optimistic version.
    pub version: i64,
}

/// Empty: the module that owns the table reads its rows, not the ORM through relations.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// The state of an invitation.
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
    /// Accepted: the person joined the staff.
    Accepted,
    /// Declined by the person.
    Declined,
    /// Withdrawn by the branch, or replaced by a newer one.
    Withdrawn,
}
