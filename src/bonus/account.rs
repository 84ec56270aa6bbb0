//! A bonus account: an owner's queue as one command changes it. It is loaded with expiry applied,
//! changed, and put into the write set with its postings, timers and events.

use entity::bonus_account;
use entity::hold::{Allocation, ReservedLot};
use entity::kinds::{EventKind, PostingKind};
use entity::lot::{self, LotState};
use entity::row::Row as _;
use entity::value::{EventId, LotId, Money, OrderId};
use sea_orm::{ColumnTrait as _, Condition, EntityTrait as _, QueryFilter as _, Value};
use serde_json::json;

use super::queue::{Expired, Lifetime, Queue, Released, live};
use super::read::view;
use super::{Owner, timers};
use crate::context::Tx;
use crate::ledger::post::lots;
use platform::CommandError;
use platform::engine::write_set::RelativeUpdate;

/// An owner's bonus account, loaded for changes; they take effect only when it is saved.
pub struct BonusAccount {
    /// The owner.
    pub owner: Owner,
    /// The lots.
    pub queue: Queue,
    row: Option<bonus_account::Model>,
    before: Vec<lot::Model>,
    expired: Vec<Expired>,
    tellings: Vec<(EventKind, LotId, Money)>,
}

impl BonusAccount {
    /// Loads the account with the lots in the queue and those in `also`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn load(tx: &mut Tx, owner: Owner, also: &[LotId]) -> Result<Self, CommandError> {
        let row = tx.find::<bonus_account::Entity>(owner.id()).await?;
        Self::load_lots(tx, owner, row, also).await
    }

    /// Loads the account only when the cache says it has an active lot; the commit verifies that.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn load_live(tx: &mut Tx, owner: Owner) -> Result<Option<Self>, CommandError> {
        let row = tx.find_cached::<bonus_account::Entity>(owner.id()).await?;
        match row.filter(|row| row.live) {
            None => Ok(None),
            row => Self::load_lots(tx, owner, row, &[]).await.map(Some),
        }
    }

    async fn load_lots(
        tx: &Tx,
        owner: Owner,
        row: Option<bonus_account::Model>,
        also: &[LotId],
    ) -> Result<Self, CommandError> {
        let in_queue = lot::Column::State.is_in([LotState::Queued, LotState::Running]);
        let wanted = Condition::any().add(in_queue).add(lot::Column::Id.is_in(also.to_vec()));
        let before = lot::Entity::find()
            .filter(lot::Column::Owner.eq(owner.id()))
            .filter(wanted)
            .all(tx.db())
            .await?;
        let mut queue = Queue::of(before.clone());
        let expired = queue.settle(tx.now());
        let tellings = expired.iter().map(|e| (EventKind::BonusExpired, e.lot, e.amount)).collect();
        Ok(Self { owner, queue, row, before, expired, tellings })
    }

    /// The amount that can be spent.
    #[must_use]
    pub fn usable(&self) -> Money {
        self.queue.usable()
    }

    /// Whether a part of this lot is held.
    #[must_use]
    pub fn reserves(&self, id: LotId) -> bool {
        self.lot(id).is_some_and(|lot| lot.pinned.is_positive())
    }

    /// Appends a new lot to the queue.
    pub fn grant(&mut self, tx: &Tx, lot: lot::Model) {
        self.tellings.push((EventKind::BonusGranted, lot.id, lot.amount));
        self.queue.grant(lot, tx.now());
    }

    /// Releases allocations, last first, so that the first taken is the first in the queue again
    /// (BON-3).
    pub fn release(
        &mut self,
        tx: &mut Tx,
        allocations: &[Allocation],
        lifetime: Lifetime,
        order_id: OrderId,
    ) {
        for allocation in allocations.iter().rev() {
            if let Some(pin) = allocation.pin {
                self.release_one(tx, (allocation.amount, pin), lifetime, order_id);
            }
        }
    }

    fn release_one(
        &mut self,
        tx: &mut Tx,
        (amount, pin): (Money, ReservedLot),
        lifetime: Lifetime,
        order_id: OrderId,
    ) {
        let id = LotId::new();
        match self.queue.release((amount, pin), lifetime, tx.now(), id) {
            Released::Rejoined(_) => {}
            Released::New(new) => {
                if let Some(lot) = self.lot(new) {
                    lots::returned(tx, pin.lot, lot, order_id);
                }
                self.tellings.push((EventKind::BonusReturned, new, amount));
            }
            Released::Burned => {
                if let Some(lot) = self.lot(pin.lot) {
                    lots::burned(tx, lot, id, amount, order_id);
                }
                self.tellings.push((EventKind::BonusExpired, pin.lot, amount));
            }
        }
    }

    /// Spends a held part of a lot; returns the lot.
    pub fn spend(&mut self, lot: LotId, amount: Money) -> Option<lot::Model> {
        self.queue.hold_more(lot, Money(-amount.0))
    }

    /// Turns a spent part of a lot into a held one; returns the lot.
    pub fn unspend(&mut self, lot: LotId, amount: Money) -> Option<lot::Model> {
        self.queue.hold_more(lot, amount)
    }

    /// Revokes the free part of a grant (BAL-5).
    pub fn revoke(&mut self, tx: &mut Tx, root: LotId) {
        for lost in self.queue.revoke(root, tx.now()) {
            if let Some(lot) = self.lot(lost.lot) {
                lots::over(tx, lot, PostingKind::BonusRevoked, lost.amount);
            }
            self.tellings.push((EventKind::BonusRevoked, lost.lot, lost.amount));
        }
    }

    /// The lot of this id.
    #[must_use]
    pub fn lot(&self, id: LotId) -> Option<&lot::Model> {
        self.queue.lots().iter().find(|lot| lot.id == id)
    }

    /// Puts the changes into the write set.
    ///
    /// # Errors
    /// Faults only; a lost race shows at the flush.
    pub fn save(self, tx: &mut Tx) -> Result<(), CommandError> {
        for Expired { lot, amount } in &self.expired {
            if let Some(lot) = self.lot(*lot) {
                lots::over(tx, lot, PostingKind::BonusExpired, *amount);
            }
        }
        let old = |id| self.before.iter().find(|lot| lot.id == id);
        let changed = || self.queue.lots().iter().filter(|lot| old(lot.id) != Some(*lot));
        // Changes of amounts only, with the head still running, do not conflict with each other.
        if changed().all(|lot| old(lot.id).is_some_and(|old| only_amounts(old, lot))) {
            for lot in changed() {
                if let Some(old) = old(lot.id) {
                    move_time(tx, old, lot);
                }
            }
            return self.emit(tx);
        }
        for lot in changed() {
            match old(lot.id) {
                Some(old) => tx.update(old, lot),
                None => tx.insert(lot.clone()),
            }
        }
        self.emit(tx)?;
        self.arm(tx)?;
        self.raise(tx);
        Ok(())
    }

    fn emit(&self, tx: &mut Tx) -> Result<(), CommandError> {
        let was = |id| self.before.iter().find(|lot| lot.id == id);
        let began = self.queue.lots().iter().filter(|lot| {
            lot.started_at.is_some() && was(lot.id).is_none_or(|old| old.started_at.is_none())
        });
        let began = began
            .filter(|lot| lot.source != lot::LotSource::Returned)
            .map(|lot| (EventKind::BonusStarted, lot.id, lot.free));
        for (event, id, amount) in self.tellings.iter().copied().chain(began) {
            if let Some(lot) = self.lot(id) {
                let payload = json!({"lot": view(lot), "amount": amount});
                tx.emit(&self.owner.audience(), event, None, EventId::new(), &payload)?;
            }
        }
        Ok(())
    }

    /// Arms the head's timers: its expiry, and a notice before it (BON-1, BON-7).
    fn arm(&self, tx: &mut Tx) -> Result<(), CommandError> {
        timers::arm(tx, self.owner, self.queue.head())
    }

    fn raise(&self, tx: &mut Tx) {
        let live = self.queue.lots().iter().any(live);
        match &self.row {
            Some(row) => tx.update(row, &bonus_account::Model { live, ..row.clone() }),
            None => tx.insert(opened(tx, self.owner, live)),
        }
    }
}

/// Opens the account of a new owner, without lots.
pub fn open(tx: &mut Tx, owner: Owner) {
    tx.insert(opened(tx, owner, false));
}

/// The account row of a new owner.
fn opened(tx: &Tx, owner: Owner, live: bool) -> bonus_account::Model {
    let (id, kind) = (owner.id(), owner.kind());
    bonus_account::Model { id, kind, live, created_at: tx.now(), version: 1 }
}

fn only_amounts(old: &lot::Model, new: &lot::Model) -> bool {
    let as_before = lot::Model { free: old.free, pinned: old.pinned, ..new.clone() };
    as_before == *old && (new.free == old.free || new.state == LotState::Running)
}

/// Adds to a lot's amounts. The free amount changes only if the lot still runs to the same end and
/// stays above zero; otherwise another command committed first.
fn move_time(tx: &mut Tx, old: &lot::Model, new: &lot::Model) {
    let (free, pinned) = (new.free.0 - old.free.0, new.pinned.0 - old.pinned.0);
    let adds = [("free", free), ("pinned", pinned), ("version", 1)];
    let runs_on = (
        "\"state\" = 'running' AND \"free\" + ? > 0 AND \"expires_at\" = ?",
        vec![free.into(), new.expires_at.into()],
    );
    tx.adjust(RelativeUpdate {
        table: entity::lot::Model::TABLE,
        key: vec![("id", Value::from(new.id.0))],
        add: adds.into_iter().filter(|(_, by)| *by != 0).collect(),
        set: Vec::new(),
        also: Vec::new(),
        condition: (free != 0).then_some(runs_on),
        refusal: None,
    });
}
