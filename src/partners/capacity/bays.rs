//! Bays: places where a car can be served.

use entity::bay;
use entity::kinds::CommandName;
use entity::value::{BayId, PartnerId};
use sea_orm::{ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::context::{Context, Tx};
use crate::partners::profile::register::says_something;
use crate::partners::profile::services::raise;
use crate::partners::{Refusal, limits};
use platform::page::Page;
use platform::{Command, CommandError, all_right};

/// A bay as shown to staff.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct BayView {
    /// The bay.
    pub id: BayId,
    /// The name staff use.
    pub name: String,
    /// The kind of work it can serve.
    pub kind: String,
    /// Whether it is in use.
    pub active: bool,
}

impl From<bay::Model> for BayView {
    fn from(row: bay::Model) -> Self {
        Self { id: row.id, name: row.name, kind: row.kind, active: row.active }
    }
}

/// Adds a bay.
pub struct AddBay {
    /// The branch.
    pub partner_id: PartnerId,
    /// The name staff use.
    pub name: String,
    /// The kind of work it can serve.
    pub kind: String,
}

impl Command<Context> for AddBay {
    type Answer = BayView;
    const NAME: CommandName = CommandName::AddBay;

    async fn run(&self, tx: &mut Tx) -> Result<BayView, CommandError> {
        let wrong =
            [("/name", !says_something(&self.name)), ("/kind", !says_something(&self.kind))];
        all_right(Refusal::BayInvalid, &wrong)?;
        raise(tx, self.partner_id).await?;
        limits::one_more_bay(tx, self.partner_id).await?;
        let row = bay::Model {
            id: BayId::new(),
            partner_id: self.partner_id,
            name: self.name.clone(),
            kind: self.kind.clone(),
            active: true,
            created_at: tx.now(),
        };
        tx.insert(row.clone());
        Ok(row.into())
    }
}

/// Changes a bay. A bay with bookings may be deactivated: they stay (BK-13).
pub struct EditBay {
    /// The branch.
    pub partner_id: PartnerId,
    /// The bay.
    pub bay_id: BayId,
    /// The name staff use.
    pub name: Option<String>,
    /// The kind of work it can serve.
    pub kind: Option<String>,
    /// Whether it is in use.
    pub active: Option<bool>,
}

impl Command<Context> for EditBay {
    type Answer = BayView;
    const NAME: CommandName = CommandName::EditBay;

    async fn run(&self, tx: &mut Tx) -> Result<BayView, CommandError> {
        // Raising the branch's version serialises edits of its bays.
        raise(tx, self.partner_id).await?;
        let row = tx.find::<bay::Entity>(self.bay_id).await?;
        let row = row.filter(|row| row.partner_id == self.partner_id);
        let mut row = row.ok_or(Refusal::NoSuchBay)?;
        row.name = self.name.clone().unwrap_or(row.name);
        row.kind = self.kind.clone().unwrap_or(row.kind);
        row.active = self.active.unwrap_or(row.active);
        let wrong = [("/name", !says_something(&row.name)), ("/kind", !says_something(&row.kind))];
        all_right(Refusal::BayInvalid, &wrong)?;
        tx.replace(row.clone());
        Ok(row.into())
    }
}

/// The bays of a branch.
///
/// # Errors
/// When the database fails.
pub async fn list<C: ConnectionTrait>(
    db: &C,
    id: PartnerId,
) -> Result<Page<BayView>, CommandError> {
    let rows = bay::Entity::find().filter(bay::Column::PartnerId.eq(id));
    Ok(Page::whole(db, rows, BayView::from).await?)
}
