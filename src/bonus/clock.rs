//! The timers of an owner's queue: the head expires, its owner is notified before, and an outage of
//! the engine extends the head's expiry (BON-1, BON-7, OUT-1).

use chrono::TimeDelta;
use entity::lot;
use entity::purse;
use entity::value::{EventId, Span};
use serde_json::json;
use uuid::Uuid;

use super::Owner;
use super::purse::Purse;
use super::read::view;
use crate::platform::heartbeat::moved;
use crate::platform::{Command, Stop, Tx};
use crate::policy;

/// Timer: expire the head.
pub const TURN: &str = "bonus.turn";
/// Timer: notify the owner that the head expires soon.
pub const WARN: &str = "bonus.warn";

/// Arms the timers of a queue with this head.
///
/// # Errors
/// Faults only.
pub fn arm(tx: &mut Tx, owner: Owner, head: Option<&lot::Model>) -> Result<(), Stop> {
    let warn = TimeDelta::minutes(policy::book::in_force(tx)?.keys.bonus.warn_min);
    let end = head.and_then(|head| head.expires_at);
    let warned = head.is_some_and(|head| head.warned_at.is_some());
    match end {
        None => tx.disarm(TURN, owner.id()),
        Some(end) => tx.arm(TURN, owner.id(), end),
    }
    // If the lifetime is shorter than the notice period, the notice is due at once.
    match end.filter(|_| !warned).map(|end| (end - warn).max(tx.now())) {
        None => tx.disarm(WARN, owner.id()),
        Some(at) => tx.arm(WARN, owner.id(), at),
    }
    Ok(())
}

async fn owner(tx: &mut Tx, id: Uuid) -> Result<Owner, Stop> {
    let row = tx.find::<purse::Entity>(id).await?;
    let row = Tx::must("purse", id, row)?;
    Ok(Owner::of(row.kind, id))
}

/// Expires the head, whose time is over; the next lot has started at that moment (BON-1).
pub struct Turn {
    /// The queue's owner.
    pub owner: Uuid,
}

impl Command for Turn {
    type Answer = ();
    const NAME: &'static str = "turn_bonus";

    async fn run(&self, tx: &mut Tx) -> Result<(), Stop> {
        let owner = owner(tx, self.owner).await?;
        Purse::open(tx, owner, &[]).await?.close(tx)
    }
}

/// Notifies the owner, once, that the head expires soon (BON-7).
pub struct Warn {
    /// The queue's owner.
    pub owner: Uuid,
}

impl Command for Warn {
    type Answer = ();
    const NAME: &'static str = "warn_bonus";

    async fn run(&self, tx: &mut Tx) -> Result<(), Stop> {
        let owner = owner(tx, self.owner).await?;
        let purse = Purse::open(tx, owner, &[]).await?;
        let Some(head) = purse.queue.head().cloned() else { return Ok(()) };
        let warn = TimeDelta::minutes(policy::book::in_force(tx)?.keys.bonus.warn_min);
        let soon = head.expires_at.is_some_and(|end| tx.now() >= end - warn);
        if soon && head.warned_at.is_none() {
            let now = tx.now();
            tx.update(&head, &lot::Model { warned_at: Some(now), ..head.clone() });
            let payload = json!({"lot": view(&head), "amount": head.free});
            tx.tell(&owner.audience(), "bonus.expiring", None, EventId::new(), &payload)?;
        }
        Ok(())
    }
}

/// Extends the head's expiry by an outage during which it would have expired (OUT-1).
pub struct Shift {
    /// The queue's owner.
    pub owner: Uuid,
    /// The outage, from the last moment known good to the first good one again.
    pub outage: Span,
}

impl Command for Shift {
    type Answer = ();
    const NAME: &'static str = "shift_bonus";
    const RECOVERS: bool = true;

    async fn run(&self, tx: &mut Tx) -> Result<(), Stop> {
        let owner = owner(tx, self.owner).await?;
        let least = TimeDelta::seconds(policy::book::in_force(tx)?.keys.outage.least_s);
        let Some(head) = head_as_it_was(tx, owner).await? else { return Ok(()) };
        let Some(end) = head.expires_at.and_then(|end| moved(end, self.outage, least)) else {
            return Ok(());
        };
        let later = lot::Model { expires_at: Some(end), ..head.clone() };
        tx.update(&head, &later);
        let payload = json!({"lot": view(&later), "amount": head.free});
        tx.tell(&owner.audience(), "bonus.delayed", None, EventId::new(), &payload)?;
        arm(tx, owner, Some(&later))
    }
}

/// The running head as stored, before expiry is applied.
async fn head_as_it_was(tx: &Tx, owner: Owner) -> Result<Option<lot::Model>, Stop> {
    use entity::lot::{Column, Entity, LotState};
    use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};
    let running = Entity::find()
        .filter(Column::Owner.eq(owner.id()))
        .filter(Column::State.eq(LotState::Running))
        .all(tx.db())
        .await?;
    Ok(running.into_iter().next())
}
