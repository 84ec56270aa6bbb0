//! The operator's people: named from the command line or at the first start (SUP-4).

use entity::support_agent;
use entity::support_agent::SupportRole;
use entity::value::{PersonId, Phone};

use super::person::known_or_new;
use super::staff::topic;
use crate::platform::{Command, Stop, Tx};

/// Makes whoever has this number one of the operator's people, or changes how much they may.
pub struct AddSupport {
    /// Whose number.
    pub phone: Phone,
    /// How much they may.
    pub role: SupportRole,
}

impl Command for AddSupport {
    type Answer = PersonId;

    const NAME: &'static str = "add_support";

    async fn run(&self, tx: &mut Tx) -> Result<PersonId, Stop> {
        let person_id = known_or_new(tx, &self.phone).await?.id;
        let before = tx.find::<support_agent::Entity>(person_id).await?;
        let created_at = before.map_or(tx.now(), |row| row.created_at);
        tx.replace(support_agent::Model { person_id, role: self.role, created_at });
        tx.wake(topic(person_id));
        Ok(person_id)
    }
}
