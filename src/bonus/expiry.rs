//! Expiry of the head of an owner's queue: it ends, its owner is notified before, and an outage of
//! the engine extends it (BON-1, BON-7, OUT-1).

use chrono::TimeDelta;
use entity::bonus_account;
use entity::kinds::{CommandName, EventKind};
use entity::lot;
use entity::value::{EventId, Span};
use serde_json::json;
use uuid::Uuid;

use super::account::BonusAccount;
use super::read::view;
use super::{Owner, timers};
use crate::context::{Context, Tx};
use crate::policy;
use platform::scheduler::heartbeat::moved;
use platform::{Command, CommandError};

async fn owner(tx: &mut Tx, id: Uuid) -> Result<Owner, CommandError> {
    let row = tx.find::<bonus_account::Entity>(id).await?;
    let row = Tx::must("bonus_account", id, row)?;
    Ok(Owner::of(row.kind, id))
}

/// Expires the head, whose time is over; the next lot has started at that moment (BON-1).
pub struct ExpireHead {
    /// The queue's owner.
    pub owner: Uuid,
}

impl Command<Context> for ExpireHead {
    type Answer = ();
    const NAME: CommandName = CommandName::TurnBonus;

    async fn run(&self, tx: &mut Tx) -> Result<(), CommandError> {
        let owner = owner(tx, self.owner).await?;
        BonusAccount::load(tx, owner, &[]).await?.save(tx)
    }
}

/// Notifies the owner, once, that the head expires soon (BON-7).
pub struct NotifyExpiring {
    /// The queue's owner.
    pub owner: Uuid,
}

impl Command<Context> for NotifyExpiring {
    type Answer = ();
    const NAME: CommandName = CommandName::WarnBonus;

    async fn run(&self, tx: &mut Tx) -> Result<(), CommandError> {
        let owner = owner(tx, self.owner).await?;
        let bonus_account = BonusAccount::load(tx, owner, &[]).await?;
        let Some(head) = bonus_account.queue.head().cloned() else { return Ok(()) };
        let warn = TimeDelta::minutes(policy::registry::in_force(tx)?.keys.bonus.warn_min);
        let soon = head.expires_at.is_some_and(|end| tx.now() >= end - warn);
        if soon && head.warned_at.is_none() {
            let now = tx.now();
            tx.update(&head, &lot::Model { warned_at: Some(now), ..head.clone() });
            let payload = json!({"lot": view(&head), "amount": head.free});
            tx.emit(&owner.audience(), EventKind::BonusExpiring, None, EventId::new(), &payload)?;
        }
        Ok(())
    }
}

/// Extends the head's expiry by an outage during which it would have expired (OUT-1).
pub struct ExtendHead {
    /// The queue's owner.
    pub owner: Uuid,
    /// The outage, from the last moment known good to the first good one again.
    pub outage: Span,
}

impl Command<Context> for ExtendHead {
    type Answer = ();
    const NAME: CommandName = CommandName::ShiftBonus;
    const RECOVERS: bool = true;

    async fn run(&self, tx: &mut Tx) -> Result<(), CommandError> {
        let owner = owner(tx, self.owner).await?;
        let least = TimeDelta::seconds(policy::registry::in_force(tx)?.keys.outage.least_s);
        let Some(head) = head_as_it_was(tx, owner).await? else { return Ok(()) };
        let Some(end) = head.expires_at.and_then(|end| moved(end, self.outage, least)) else {
            return Ok(());
        };
        let later = lot::Model { expires_at: Some(end), ..head.clone() };
        tx.update(&head, &later);
        let payload = json!({"lot": view(&later), "amount": head.free});
        tx.emit(&owner.audience(), EventKind::BonusDelayed, None, EventId::new(), &payload)?;
        timers::arm(tx, owner, Some(&later))
    }
}

/// The running head as stored, before expiry is applied.
async fn head_as_it_was(tx: &Tx, owner: Owner) -> Result<Option<lot::Model>, CommandError> {
    use entity::lot::{Column, Entity, LotState};
    use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};
    let running = Entity::find()
        .filter(Column::Owner.eq(owner.id()))
        .filter(Column::State.eq(LotState::Running))
        .all(tx.db())
        .await?;
    Ok(running.into_iter().next())
}
