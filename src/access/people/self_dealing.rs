//! Self-dealing: is a client one of a business's own people (BON-6)?

use entity::value::{Instant, OrganisationId, PersonId};
use entity::{partner, session, staff, staff_past};
use sea_orm::{
    ColumnTrait as _, EntityTrait as _, QueryFilter as _, QuerySelect as _, QueryTrait as _,
};

use crate::context::Tx;
use platform::CommandError;

/// The evidence that a client deals with themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SelfDealing {
    /// The client works there, or did recently: the same number.
    Phone,
    /// A person who works there signs in on the client's device.
    Device,
}

/// Does this client work for a business, or share a device with a person who does? Staff who left
/// after `left_since` count as if still there (LIM-6).
///
/// # Errors
/// When the database fails.
pub async fn find(
    tx: &Tx,
    client_id: PersonId,
    organisation_id: OrganisationId,
    left_since: Instant,
) -> Result<Option<SelfDealing>, CommandError> {
    let branches = partner::Entity::find()
        .select_only()
        .column(partner::Column::Id)
        .filter(partner::Column::OrganisationId.eq(organisation_id))
        .into_query();
    let mut people: Vec<PersonId> = staff::Entity::find()
        .select_only()
        .column(staff::Column::PersonId)
        .filter(staff::Column::PartnerId.in_subquery(branches.clone()))
        .into_tuple()
        .all(tx.db())
        .await?;
    let past: Vec<PersonId> = staff_past::Entity::find()
        .select_only()
        .column(staff_past::Column::PersonId)
        .filter(staff_past::Column::PartnerId.in_subquery(branches))
        .filter(staff_past::Column::LeftAt.gt(left_since))
        .into_tuple()
        .all(tx.db())
        .await?;
    people.extend(past);
    if people.contains(&client_id) {
        return Ok(Some(SelfDealing::Phone));
    }
    let devices = |of: Vec<PersonId>| {
        session::Entity::find()
            .select_only()
            .column(session::Column::DeviceHash)
            .filter(session::Column::PersonId.is_in(of))
            .filter(session::Column::DeviceHash.is_not_null())
    };
    let theirs = devices(vec![client_id]).into_query();
    let shared: Vec<Option<String>> = devices(people)
        .filter(session::Column::DeviceHash.in_subquery(theirs))
        .into_tuple()
        .all(tx.db())
        .await?;
    Ok((!shared.is_empty()).then_some(SelfDealing::Device))
}
