//! The support people: added from the command line or at the first start (SUP-4).

use entity::kinds::CommandName;
use entity::support_agent;
use entity::support_agent::SupportRole;
use entity::value::{Money, PersonId, Phone};
use serde_json::json;

use super::person::known_or_new;
use super::staff::topic;
use crate::context::{Context, Tx};
use platform::engine::audit::{self, AuditedAct};
use platform::{Command, CommandError};

/// Makes the person with this number a support person, or changes their role.
pub struct AddSupport {
    /// The person's number.
    pub phone: Phone,
    /// Their role.
    pub role: SupportRole,
}

impl Command<Context> for AddSupport {
    type Answer = PersonId;

    const NAME: CommandName = CommandName::AddSupport;

    async fn run(&self, tx: &mut Tx) -> Result<PersonId, CommandError> {
        let person_id = known_or_new(tx, &self.phone).await?.id;
        let before = tx.find::<support_agent::Entity>(person_id).await?;
        let was = before.as_ref().map(|row| row.role);
        let created_at = before.map_or(tx.now(), |row| row.created_at);
        tx.replace(support_agent::Model { person_id, role: self.role, created_at });
        let act = AuditedAct {
            kind: "add_support",
            subject: ("person", person_id.0),
            amount: Money::ZERO,
            reason: "Named from the command line",
            before: json!({"role": was}),
            after: json!({"role": self.role}),
        };
        let place = audit::place(tx, person_id.0).await?;
        audit::record(tx, place, act).await?;
        tx.wake(topic(person_id));
        Ok(person_id)
    }
}
