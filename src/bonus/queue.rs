//! The queue of an owner's bonus lots: pure (BON-1 … BON-3).
//!
//! Only the head's clock runs. A hold pins parts of lots, front to back; what is let go comes back
//! at the front and pauses the head. Nothing here knows a database: lots in, lots out.

use chrono::TimeDelta;
use entity::hold::{Leg, Pin};
use entity::lot::{LotState, Model};
use entity::value::{Instant, LotId, Money};

/// An owner's lots, those in the queue in their order, the others anywhere.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Queue {
    lots: Vec<Model>,
}

/// What became of a part that was let go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Back {
    /// It is in its lot again, which runs on as if nothing had been.
    Rejoined(LotId),
    /// It is a lot of its own now, at the front.
    New(LotId),
    /// Its time was over (BON-3).
    Burned,
}

/// How much lifetime a part that is let go has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lifetime {
    /// Until its original expiry: its owner caused the cancellation.
    Original,
    /// As much as it had left when it was held.
    Left,
}

/// A free part of a lot whose time was over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expired {
    /// The lot.
    pub lot: LotId,
    /// How much.
    pub amount: Money,
}

impl Queue {
    /// Of these lots.
    #[must_use]
    pub fn of(mut lots: Vec<Model>) -> Self {
        lots.sort_by_key(|lot| (lot.place, lot.id));
        Self { lots }
    }

    /// All lots, also those that have left the queue.
    #[must_use]
    pub fn lots(&self) -> &[Model] {
        &self.lots
    }

    /// What can be spent now.
    #[must_use]
    pub fn usable(&self) -> Money {
        Money(self.lots.iter().filter(|lot| live(lot)).map(|lot| lot.free.0).sum())
    }

    /// The head: the lot whose clock runs.
    #[must_use]
    pub fn head(&self) -> Option<&Model> {
        self.lots.iter().find(|lot| live(lot))
    }

    /// Brings the queue to this instant: the head expires strictly after its time, and the next one
    /// starts at that very moment, whenever it is looked at (BON-1).
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

    /// A new lot, last in the queue; its clock starts at once where it is alone.
    pub fn grant(&mut self, lot: Model, now: Instant) {
        let last = self.lots.iter().filter(|lot| live(lot)).map(|lot| lot.place).max();
        let place = last.map_or(0, |place| place + 1);
        self.lots.push(Model { place, state: LotState::Queued, ..lot });
        self.lots.sort_by_key(|lot| (lot.place, lot.id));
        self.run_head(now);
    }

    /// Pins at most so much, front to back: what does not fit into the head goes on into the next
    /// within the same debit (BON-2).
    pub fn pin(&mut self, amount: Money, now: Instant) -> Vec<Leg> {
        let mut legs = Vec::new();
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
            let pin = Pin { lot: lot.id, expires_at, left_us: micros(expires_at - now) };
            legs.push(Leg { amount: Money(part), pin: Some(pin) });
        }
        self.run_head(now);
        legs
    }

    /// Lets a pinned part go: to its lot where that still runs to the same end, else as a lot of
    /// its own at the front, which pauses the head; what has no time left burns (BON-3). `new` is
    /// what a lot of its own would be called.
    pub fn give_back(
        &mut self,
        part: (Money, Pin),
        lifetime: Lifetime,
        now: Instant,
        new: LotId,
    ) -> Back {
        let (amount, pin) = part;
        let end = match lifetime {
            Lifetime::Original => pin.expires_at,
            Lifetime::Left => now + TimeDelta::microseconds(pin.left_us),
        };
        if let Some(lot) = self.lots.iter_mut().find(|lot| lot.id == pin.lot) {
            lot.pinned.0 -= amount.0;
        }
        if end < now {
            return Back::Burned;
        }
        let Some(from) = self.lots.iter().find(|lot| lot.id == pin.lot).cloned() else {
            return Back::Burned;
        };
        let head = self.lots.iter_mut().find(|lot| live(lot));
        match head {
            Some(head) if head.id == from.id && head.expires_at == Some(end) => {
                head.free.0 += amount.0;
                return Back::Rejoined(from.id);
            }
            Some(head) => pause(head, now),
            None => {}
        }
        let first = self.lots.iter().filter(|lot| live(lot)).map(|lot| lot.place).min();
        let place = first.map_or(0, |place| place - 1);
        self.lots.push(returned(from, new, amount, (place, end), now));
        self.lots.sort_by_key(|lot| (lot.place, lot.id));
        Back::New(new)
    }

    /// Changes what is held of a lot by what was spent, or came back; gives the lot.
    pub fn hold_more(&mut self, lot: LotId, by: Money) -> Option<Model> {
        let lot = self.lots.iter_mut().find(|found| found.id == lot)?;
        lot.pinned.0 += by.0;
        Some(lot.clone())
    }

    /// Takes back what is free of a grant, wherever its parts stand (BAL-5); gives what each lot
    /// lost.
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

/// Is it in the queue?
#[must_use]
pub fn live(lot: &Model) -> bool {
    match lot.state {
        LotState::Queued | LotState::Running => true,
        LotState::Exhausted | LotState::Expired | LotState::Revoked => false,
    }
}

/// Whole microseconds, as instants are kept.
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
