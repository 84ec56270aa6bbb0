//! The name and language of a person.

use entity::kinds::CommandName;
use entity::person;
use entity::value::{Lang, PersonId, SealedColumn, SealedField};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Refusal;
use crate::context::{Context, Tx};
use platform::{Command, CommandError};

/// Maximum characters of a name.
const NAME_MAX: usize = 60;

/// A person as they see themselves.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ProfileView {
    /// The person.
    pub id: PersonId,
    /// Their name.
    pub name: Option<SealedField>,
    /// The language.
    pub lang: Lang,
}

/// Changes name and language.
pub struct EditProfile {
    /// The person.
    pub person_id: PersonId,
    /// Their name.
    pub name: Option<String>,
    /// The language.
    pub lang: Option<Lang>,
}

impl Command<Context> for EditProfile {
    type Answer = ProfileView;
    const NAME: CommandName = CommandName::EditProfile;

    async fn run(&self, tx: &mut Tx) -> Result<ProfileView, CommandError> {
        let old = tx.find::<person::Entity>(self.person_id).await?;
        let old = Tx::must("person", self.person_id, old)?;
        let mut new = old.clone();
        if let Some(name) = &self.name {
            let name = name.trim();
            if name.is_empty() || name.chars().count() > NAME_MAX {
                return Err(Refusal::NameInvalid.into());
            }
            new.name = Some(tx.keys().seal(SealedColumn::PersonName, old.id, name)?);
        }
        new.lang = self.lang.unwrap_or(old.lang);
        tx.update(&old, &new);
        let name = new.name.map(|name| name.at(SealedColumn::PersonName, new.id));
        Ok(ProfileView { id: new.id, name, lang: new.lang })
    }
}
