//! Registration of organisations and branches by support; verification is a separate task.

use entity::kinds::CommandName;
use entity::partner::PartnerState;
use entity::value::{OrganisationId, PartnerId, Phone, Point, SealedColumn};
use entity::{organisation, partner};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{registration_ban, settings};
use crate::context::{Context, Tx};
use crate::partners::Refusal;
use crate::{access, policy};
use platform::{Command, CommandError, all_right};

/// Maximum length of names and addresses, characters.
pub const TEXT_MAX: usize = 200;

/// Registers a business.
pub struct RegisterOrganisation {
    /// Its name.
    pub name: String,
}

/// A business as shown to support.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct OrganisationView {
    /// The organisation.
    pub id: OrganisationId,
    /// Its name.
    pub name: String,
}

impl Command<Context> for RegisterOrganisation {
    type Answer = OrganisationView;
    const NAME: CommandName = CommandName::RegisterOrganisation;

    async fn run(&self, tx: &mut Tx) -> Result<OrganisationView, CommandError> {
        if !says_something(&self.name) {
            return Err(Refusal::BranchInvalid.refused().at("/name").into());
        }
        let row = organisation::Model {
            id: OrganisationId::new(),
            name: self.name.clone(),
            created_at: tx.now(),
        };
        tx.insert(row.clone());
        Ok(OrganisationView { id: row.id, name: row.name })
    }
}

/// A branch to be registered.
pub struct NewBranch {
    /// The business; if absent, a new one of the same name is registered.
    pub organisation_id: Option<OrganisationId>,
    /// The name clients see.
    pub name: String,
    /// Its address, in words.
    pub address: String,
    /// Its position.
    pub point: Point,
    /// IANA time zone.
    pub zone: String,
    /// Minutes added to the route; the policy's if absent.
    pub arrival_buffer_min: Option<i32>,
    /// The owner's number to sign in with.
    pub owner_phone: Phone,
}

/// Registers a branch, live at once, with an owner; refused while a block stands on the owner's
/// number or on the address (SAN-4; VÖEN and document are not stored yet).
///
/// # Errors
/// `branch_invalid`, `registration_blocked`, or a fault.
pub async fn register(tx: &mut Tx, branch: &NewBranch) -> Result<partner::Model, CommandError> {
    let buffers = settings::buffers(&policy::registry::in_force(tx)?.keys);
    let buffer = branch.arrival_buffer_min.unwrap_or(*buffers.start());
    let wrong = [
        ("/name", !says_something(&branch.name)),
        ("/address", !says_something(&branch.address)),
        ("/zone", branch.zone.parse::<chrono_tz::Tz>().is_err()),
        ("/arrival_buffer_min", !buffers.contains(&buffer)),
    ];
    all_right(Refusal::BranchInvalid, &wrong)?;
    registration_ban::admissible(tx, &branch.owner_phone, &branch.address).await?;
    let organisation_id = organisation(tx, branch).await?;
    let keys = tx.keys();
    let id = PartnerId::new();
    let row = partner::Model {
        id,
        organisation_id,
        name: branch.name.clone(),
        address: branch.address.clone(),
        lat: branch.point.lat,
        lon: branch.point.lon,
        zone: branch.zone.clone(),
        state: PartnerState::Live,
        taking_orders: true,
        arrival_buffer_min: buffer,
        arrival_code: keys.seal(SealedColumn::ArrivalCode, id, &keys.token()?)?,
        closed_until: None,
        grid_min: None,
        free_cancel_min: None,
        auto_confirm: None,
        auto_add_on: false,
        late_arrivals: false,
        created_at: tx.now(),
        version: 1,
    };
    tx.insert(row.clone());
    access::people::staff::name_owner(tx, row.id, &branch.owner_phone).await?;
    Ok(row)
}

async fn organisation(tx: &mut Tx, branch: &NewBranch) -> Result<OrganisationId, CommandError> {
    if let Some(id) = branch.organisation_id {
        let row = tx.find::<organisation::Entity>(id).await?;
        return row.map(|row| row.id).ok_or_else(|| {
            let refused = Refusal::BranchInvalid.refused().at("/organisation_id");
            refused.because("There is no such organisation.").into()
        });
    }
    let id = OrganisationId::new();
    let name = branch.name.clone();
    tx.insert(organisation::Model { id, name, created_at: tx.now() });
    Ok(id)
}

/// Is it a readable text, and not too long?
#[must_use]
pub fn says_something(text: &str) -> bool {
    !text.trim().is_empty() && text.chars().count() <= TEXT_MAX
}
