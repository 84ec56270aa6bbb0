//! The queue of bonus lots against a naive reference that counts time steps (BON-1, BON-2, BON-3).
//!
//! The reference has no instants: each step takes one from the head's life. `PROPTEST_CASES` sets
//! the number of histories.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

use chrono::{DateTime, TimeDelta};
use entity::bonus_account::OwnerKind;
use entity::hold::{Allocation, ReservedLot};
use entity::lot::{LotSource, LotState, Model};
use entity::value::{Instant, LotId, Money};
use proptest::prelude::*;
use uuid::Uuid;
use yumo::bonus::queue::{Lifetime, Queue, Released, live};

fn at(tick: i64) -> Instant {
    DateTime::UNIX_EPOCH + TimeDelta::seconds(tick)
}

fn lot(id: u128, amount: i64, life: i64) -> Model {
    let id = LotId(Uuid::from_u128(id));
    Model {
        id,
        owner: Uuid::nil(),
        owner_kind: OwnerKind::Client,
        root: id,
        source: LotSource::Support,
        source_id: None,
        amount: Money(amount),
        free: Money(amount),
        pinned: Money(0),
        state: LotState::Queued,
        place: 0,
        life_us: life * 1_000_000,
        expires_at: None,
        started_at: None,
        warned_at: None,
        created_at: at(0),
        note: String::new(),
        version: 1,
    }
}

/// A queued or running lot of the reference: its free amount, and the steps it has left.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Simple {
    id: u128,
    free: i64,
    life: i64,
}

/// A held part: its lot, its amount, the steps it had left, and the step it would have ended at.
#[derive(Clone, Copy, Debug)]
struct Held {
    id: u128,
    amount: i64,
    left: i64,
    end: i64,
}

/// The reference.
#[derive(Clone, Debug, Default)]
struct Naive {
    now: i64,
    queue: Vec<Simple>,
    lost: i64,
}

impl Naive {
    /// One step: the head's life shrinks by one; a head without any left is removed, and the next
    /// one has been running since.
    fn tick(&mut self) {
        self.now += 1;
        // A lot queued with no life left began and ended at the same moment.
        while self.queue.first().is_some_and(|head| head.life == 0) {
            self.lost += self.queue.remove(0).free;
        }
        if let Some(head) = self.queue.first_mut() {
            head.life -= 1;
        }
    }

    fn hold(&mut self, mut amount: i64) -> Vec<Held> {
        let mut held = Vec::new();
        while amount > 0 && !self.queue.is_empty() {
            let first = &mut self.queue[0];
            let part = amount.min(first.free);
            let (id, left, end) = (first.id, first.life, self.now + first.life);
            held.push(Held { id, amount: part, left, end });
            first.free -= part;
            amount -= part;
            if first.free == 0 {
                self.queue.remove(0);
            }
        }
        held
    }

    fn release(&mut self, held: Held, own_fault: bool, new: u128) {
        let life = if own_fault { held.end - self.now } else { held.left };
        if life < 0 {
            self.lost += held.amount;
            return;
        }
        match self.queue.first_mut() {
            Some(first) if first.id == held.id && first.life == life => first.free += held.amount,
            Some(_) | None => self.queue.insert(0, Simple { id: new, free: held.amount, life }),
        }
    }
}

#[derive(Clone, Debug)]
enum Act {
    Wait(i64),
    Grant(i64, i64),
    Hold(i64),
    Release(usize, bool),
    Spend(usize),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        3 => (0..40_i64).prop_map(Act::Wait),
        3 => (1..50_i64, 1..60_i64).prop_map(|(amount, life)| Act::Grant(amount, life)),
        4 => (1..80_i64).prop_map(Act::Hold),
        3 => (any::<usize>(), any::<bool>()).prop_map(|(n, own)| Act::Release(n, own)),
        2 => any::<usize>().prop_map(Act::Spend),
    ];
    prop::collection::vec(act, 1..60)
}

/// The queue and the reference, side by side.
#[derive(Default)]
struct Pair {
    naive: Naive,
    queue: Queue,
    holds: Vec<(Vec<Held>, Vec<Allocation>)>,
    ids: u128,
    granted: i64,
    spent: i64,
    lost: i64,
}

impl Pair {
    fn id(&mut self) -> u128 {
        self.ids += 1;
        self.ids
    }

    fn settle(&mut self) {
        for expired in self.queue.settle(at(self.naive.now)) {
            self.lost += expired.amount.0;
        }
    }

    fn act(&mut self, act: &Act) {
        match act {
            Act::Wait(ticks) => (0..*ticks).for_each(|_| self.naive.tick()),
            Act::Grant(amount, life) => {
                self.settle();
                let id = self.id();
                self.granted += amount;
                self.naive.queue.push(Simple { id, free: *amount, life: *life });
                self.queue.grant(lot(id, *amount, *life), at(self.naive.now));
            }
            Act::Hold(amount) => {
                self.settle();
                let held = self.naive.hold(*amount);
                let allocations = self.queue.reserve(Money(*amount), at(self.naive.now));
                let parts: Vec<(u128, i64)> = held.iter().map(|h| (h.id, h.amount)).collect();
                let pinned: Vec<(u128, i64)> = allocations.iter().map(part).collect();
                assert_eq!(parts, pinned, "which lots pay");
                if !held.is_empty() {
                    self.holds.push((held, allocations));
                }
            }
            Act::Release(n, own) => self.release(*n, *own),
            Act::Spend(n) => {
                if self.holds.is_empty() {
                    return;
                }
                let (_, allocations) = self.holds.swap_remove(n % self.holds.len());
                for leg in allocations {
                    let pin = leg.pin.unwrap();
                    self.queue.hold_more(pin.lot, Money(-leg.amount.0)).unwrap();
                    self.spent += leg.amount.0;
                }
            }
        }
    }

    fn release(&mut self, n: usize, own: bool) {
        self.settle();
        if self.holds.is_empty() {
            return;
        }
        let (held, allocations) = self.holds.swap_remove(n % self.holds.len());
        let lifetime = if own { Lifetime::Original } else { Lifetime::Left };
        for (held, leg) in held.into_iter().zip(allocations).rev() {
            let id = self.id();
            self.naive.release(held, own, id);
            let pin: ReservedLot = leg.pin.unwrap();
            let new = LotId(Uuid::from_u128(id));
            let back = self.queue.release((leg.amount, pin), lifetime, at(self.naive.now), new);
            if back == Released::Burned {
                self.lost += leg.amount.0;
            }
        }
    }

    /// Both agree, no bonus is lost or created, and one lot runs.
    fn agree(&mut self) {
        self.settle();
        let now = at(self.naive.now);
        let lots: Vec<&Model> = self.queue.lots().iter().filter(|lot| live(lot)).collect();
        let shown: Vec<Simple> = lots.iter().map(|lot| simple(lot, now)).collect();
        // A head whose time is just over is removed with the next step, in both.
        assert_eq!(shown, self.naive.queue, "the queue at {}", self.naive.now);
        assert_eq!(self.lost, self.naive.lost, "what expired by {}", self.naive.now);
        let free: i64 = shown.iter().map(|lot| lot.free).sum();
        assert_eq!(self.queue.usable(), Money(free));
        let pinned: i64 = self.queue.lots().iter().map(|lot| lot.pinned.0).sum();
        let held: i64 = self
            .holds
            .iter()
            .flat_map(|(_, allocations)| allocations)
            .map(|leg| leg.amount.0)
            .sum();
        assert_eq!(pinned, held, "what is held");
        assert_eq!(self.granted, free + pinned + self.spent + self.lost, "nothing is made or lost");
        let running = lots.iter().filter(|lot| lot.state == LotState::Running).count();
        assert_eq!(running, usize::from(!lots.is_empty()), "one clock runs");
        assert!(self.queue.lots().iter().all(|lot| lot.free.0 >= 0 && lot.pinned.0 >= 0));
    }
}

fn part(leg: &Allocation) -> (u128, i64) {
    (leg.pin.unwrap().lot.0.as_u128(), leg.amount.0)
}

fn simple(lot: &Model, now: Instant) -> Simple {
    let life = match lot.expires_at {
        Some(end) => (end - now).num_seconds(),
        None => lot.life_us / 1_000_000,
    };
    Simple { id: lot.id.0.as_u128(), free: lot.free.0, life }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), ..ProptestConfig::default() })]

    /// BON-1, BON-2, BON-3: after any grants, holds, releases and spending, and whenever it is
    /// read, the queue equals the reference.
    #[test]
    fn bon_1_bon_2_bon_3_the_queue_is_what_the_reference_counts(acts in acts()) {
        let mut pair = Pair::default();
        for act in &acts {
            pair.act(act);
            pair.agree();
        }
    }

    /// BON-1: a queue that is read late is as if it had been read all the time.
    #[test]
    fn bon_1_looking_late_changes_nothing(acts in acts()) {
        let mut pair = Pair::default();
        for act in &acts {
            pair.act(act);
        }
        pair.agree();
    }
}

fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(1_000)
}

/// BON-3 by hand: 10 of a head with 24 h is held after 1 h; released after 3 h it has 23 h again,
/// and the head waits with its 21 h; after the owner's own fault it would be in the head again.
#[test]
fn bon_3_what_is_released_comes_back_at_the_front() {
    let hour = 3_600;
    let mut queue = Queue::default();
    queue.grant(lot(1, 100, 24 * hour), at(0));
    let allocations = queue.reserve(Money(10), at(hour));
    let pin = allocations[0].pin.unwrap();
    let mut other = queue.clone();
    let own = other.release((Money(10), pin), Lifetime::Original, at(3 * hour), LotId::new());
    assert_eq!(own, Released::Rejoined(LotId(Uuid::from_u128(1))));
    let new = LotId(Uuid::from_u128(2));
    assert_eq!(
        queue.release((Money(10), pin), Lifetime::Left, at(3 * hour), new),
        Released::New(new)
    );
    let head = queue.head().unwrap();
    assert_eq!((head.id, head.free, head.expires_at), (new, Money(10), Some(at(26 * hour))));
    let waits = queue.lots().iter().find(|lot| lot.id.0.as_u128() == 1).unwrap();
    assert_eq!((waits.state, waits.free), (LotState::Queued, Money(90)));
    assert_eq!(waits.life_us, 21 * hour * 1_000_000);
    assert_eq!(queue.settle(at(26 * hour + 1)).len(), 1);
    assert_eq!(queue.head().and_then(|head| head.expires_at), Some(at(47 * hour)));
}
