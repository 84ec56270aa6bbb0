//! The queue of an owner's bonus lots. Pure (BON-1 … BON-3).
//!
//! Only the head's lifetime runs. A hold reserves parts of lots, front to back; a released part
//! returns to the front and pauses the head. This module takes and returns lots and has no database
//! access.

use chrono::TimeDelta;
use entity::hold::{Allocation, ReservedLot};
use entity::lot::{LotState, Model};
use entity::value::{Instant, LotId, Money};

/// An owner's lots; those in the queue are in queue order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Queue {
    lots: Vec<Model>,
}

/// Where a released part went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Released {
    /// Back into its lot, whose lifetime runs on unchanged.
    Rejoined(LotId),
    /// Into a new lot at the front.
    New(LotId),
    /// Nowhere: its lifetime was over (BON-3).
    Burned,
}

/// The lifetime of a released part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lifetime {
    /// Until its original expiry, because its owner caused the cancellation.
    Original,
    /// The time it had left when it was held.
    Left,
}

/// The free part of a lot that expired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expired {
    /// The lot.
    pub lot: LotId,
    /// The amount.
    pub amount: Money,
}

impl Queue {
    /// The queue of these lots.
    #[must_use]
    pub fn of(mut lots: Vec<Model>) -> Self {
        lots.sort_by_key(|lot| (lot.place, lot.id));
        Self { lots }
    }

    /// All lots, including those that have left the queue.
    #[must_use]
    pub fn lots(&self) -> &[Model] {
        &self.lots
    }

    /// The amount that can be spent now.
    #[must_use]
    pub fn usable(&self) -> Money {
        Money(self.lots.iter().filter(|lot| live(lot)).map(|lot| lot.free.0).sum())
    }

    /// The head: the lot whose lifetime runs.
    #[must_use]
    pub fn head(&self) -> Option<&Model> {
        self.lots.iter().find(|lot| live(lot))
    }

    /// Applies expiry up to this instant: the head expires strictly after its time, and the next
    /// lot starts at that very moment, whenever this is computed (BON-1).
    pub fn settle(&mut self, now: Instant) -> Vec<Expired> {
        let mut expired = Vec::new();
        let mut begins = now;
        while let Some(head) = self.lots.iter_mut().find(|lot| live(lot)) {
            start(head, begins);
            let Some(end) = head.expires_at.filter(|end| *end < now) else { break };
            expired.push(Expired { lot: head.id, amount: head.free });
            head.free = Money::ZERO;
            head.state = LotState::Expired;
            begins = end;
        }
        expired
    }

    /// Appends a new lot; its lifetime starts at once where the queue was empty.
    pub fn grant(&mut self, lot: Model, now: Instant) {
        let last = self.lots.iter().filter(|lot| live(lot)).map(|lot| lot.place).max();
        let place = last.map_or(0, |place| place + 1);
        self.lots.push(Model { place, state: LotState::Queued, ..lot });
        self.lots.sort_by_key(|lot| (lot.place, lot.id));
        self.run_head(now);
    }

    /// Reserves up to `amount`, front to back; the part that exceeds the head is taken from the
    /// next lots, within the same debit (BON-2).
    pub fn reserve(&mut self, amount: Money, now: Instant) -> Vec<Allocation> {
        let mut allocations = Vec::new();
        let mut rest = amount.0;
        for lot in self.lots.iter_mut().filter(|lot| live(lot)) {
            if rest <= 0 {
                break;
            }
            start(lot, now);
            let Some(expires_at) = lot.expires_at else { continue };
            let part = rest.min(lot.free.0);
            rest -= part;
            lot.free.0 -= part;
            lot.pinned.0 += part;
            if lot.free == Money::ZERO {
                lot.state = LotState::Exhausted;
            }
            let pin = ReservedLot { lot: lot.id, expires_at, left_us: micros(expires_at - now) };
            allocations.push(Allocation { amount: Money(part), pin: Some(pin) });
        }
        self.run_head(now);
        allocations
    }

    /// Releases a reserved part: into its lot where that still runs to the same end, else as a lot
    /// of its own at the front, which pauses the head; without lifetime left it is burned (BON-3).
    /// `new` is the id for such a lot.
    pub fn release(
        &mut self,
        part: (Money, ReservedLot),
        lifetime: Lifetime,
        now: Instant,
        new: LotId,
    ) -> Released {
        let (amount, pin) = part;
        let end = match lifetime {
            Lifetime::Original => pin.expires_at,
            Lifetime::Left => now + TimeDelta::microseconds(pin.left_us),
        };
        if let Some(lot) = self.lots.iter_mut().find(|lot| lot.id == pin.lot) {
            lot.pinned.0 -= amount.0;
        }
        if end < now {
            return Released::Burned;
        }
        let Some(from) = self.lots.iter().find(|lot| lot.id == pin.lot).cloned() else {
            return Released::Burned;
        };
        let head = self.lots.iter_mut().find(|lot| live(lot));
        match head {
            Some(head) if head.id == from.id && head.expires_at == Some(end) => {
                head.free.0 += amount.0;
                return Released::Rejoined(from.id);
            }
            Some(head) => pause(head, now),
            None => {}
        }
        let first = self.lots.iter().filter(|lot| live(lot)).map(|lot| lot.place).min();
        let place = first.map_or(0, |place| place - 1);
        self.lots.push(returned(from, new, amount, (place, end), now));
        self.lots.sort_by_key(|lot| (lot.place, lot.id));
        Released::New(new)
    }

    /// Adds to the held amount of a lot; returns the lot.
    pub fn hold_more(&mut self, lot: LotId, by: Money) -> Option<Model> {
        let lot = self.lots.iter_mut().find(|found| found.id == lot)?;
        lot.pinned.0 += by.0;
        Some(lot.clone())
    }

    /// Revokes the free part of a grant in all its lots (BAL-5); returns what each lot lost.
    pub fn revoke(&mut self, root: LotId, now: Instant) -> Vec<Expired> {
        let mut lost = Vec::new();
        for lot in self.lots.iter_mut().filter(|lot| live(lot) && lot.root == root) {
            lost.push(Expired { lot: lot.id, amount: lot.free });
            lot.free = Money::ZERO;
            lot.state = LotState::Revoked;
        }
        self.run_head(now);
        lost
    }

    fn run_head(&mut self, now: Instant) {
        if let Some(head) = self.lots.iter_mut().find(|lot| live(lot)) {
            start(head, now);
        }
    }
}

/// Whether the lot is in the queue.
#[must_use]
pub fn live(lot: &Model) -> bool {
    match lot.state {
        LotState::Queued | LotState::Running => true,
        LotState::Exhausted | LotState::Expired | LotState::Revoked => false,
    }
}

/// Whole microseconds, the resolution of stored instants.
#[must_use]
pub fn micros(time: TimeDelta) -> i64 {
    time.num_microseconds().unwrap_or(i64::MAX)
}

fn start(lot: &mut Model, at: Instant) {
    if lot.state == LotState::Queued {
        lot.state = LotState::Running;
        lot.expires_at = Some(at + TimeDelta::microseconds(lot.life_us));
        lot.started_at = lot.started_at.or(Some(at));
    }
}

fn pause(lot: &mut Model, now: Instant) {
    if let (LotState::Running, Some(end)) = (lot.state, lot.expires_at) {
        lot.state = LotState::Queued;
        lot.life_us = micros(end - now);
        lot.expires_at = None;
    }
}

fn returned(
    from: Model,
    id: LotId,
    amount: Money,
    (place, end): (i64, Instant),
    now: Instant,
) -> Model {
    Model {
        id,
        source: entity::lot::LotSource::Returned,
        amount,
        free: amount,
        pinned: Money::ZERO,
        state: LotState::Running,
        place,
        life_us: micros(end - now),
        expires_at: Some(end),
        started_at: Some(now),
        warned_at: None,
        created_at: now,
        version: 1,
        ..from
    }
}
