//! The profile of a signed-in person: number and roles.

use entity::staff::StaffRole;
use entity::support_agent::SupportRole;
use entity::value::{PartnerId, PersonId, SealedColumn, SealedField};
use entity::{partner, person};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QuerySelect as _};
use serde::Serialize;
use utoipa::ToSchema;

use crate::access::Principal;
use crate::context::{Engine, Tx};
use platform::CommandError;

/// A person, as they see themselves.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Me {
    /// The person.
    pub person_id: PersonId,
    /// The number they sign in with.
    pub phone: SealedField,
    /// The roles they have.
    pub roles: MyRoles,
}

/// All roles of a person.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct MyRoles {
    /// Always true: every person is a client.
    pub client: bool,
    /// The branches the person works for.
    pub branches: Vec<MyBranch>,
    /// The person's support role, if any.
    pub support: Option<SupportRole>,
}

/// A branch a person works for.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct MyBranch {
    /// The branch.
    pub partner_id: PartnerId,
    /// The branch's name for clients.
    pub name: String,
    /// The person's role there.
    pub role: StaffRole,
}

/// Reads the profile.
///
/// # Errors
/// A fault when the database fails.
pub async fn me(engine: &Engine, principal: &Principal) -> Result<Me, CommandError> {
    let db = &engine.shared().db.read;
    let person_id = principal.person_id;
    let row = person::Entity::find_by_id(person_id).all(db).await?.pop();
    let phone = Tx::must("person", person_id, row)?.phone;
    let phone = phone.at(SealedColumn::PersonPhone, person_id);
    let mut branches = Vec::new();
    if !principal.branches.is_empty() {
        let ids = principal.branches.iter().map(|(id, _)| *id);
        let names: Vec<(PartnerId, String)> = partner::Entity::find()
            .select_only()
            .column(partner::Column::Id)
            .column(partner::Column::Name)
            .filter(partner::Column::Id.is_in(ids))
            .into_tuple()
            .all(db)
            .await?;
        branches = names
            .into_iter()
            .filter_map(|(partner_id, name)| {
                let role = principal.role_at(partner_id)?;
                Some(MyBranch { partner_id, name, role })
            })
            .collect();
        branches.sort_by_key(|branch| branch.partner_id);
    }
    let roles = MyRoles { client: true, branches, support: principal.support };
    Ok(Me { person_id, phone, roles })
}
