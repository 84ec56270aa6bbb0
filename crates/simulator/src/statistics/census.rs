//! The simulator's statistics: counters, latencies and recent events, readable at any time.

use crate::statistics::DurationHistogram;
use client::Problem;
use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Recent events kept for the terminal view.
const MOMENTS_MAX: usize = 64;
/// Violations kept as text; further ones are only counted.
const VIOLATIONS_MAX: usize = 100;
/// Distinct refusal codes kept.
const CODES_MAX: usize = 200;

macro_rules! figures {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// The counters, updated atomically by all simulated people.
        #[derive(Debug, Default)]
        pub struct Counters { $($(#[$doc])* pub $name: AtomicU64,)* }

        /// The counters at one instant.
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
        pub struct Figures { $($(#[$doc])* pub $name: u64,)* }

        impl Counters {
            fn read(&self) -> Figures {
                Figures { $($name: self.$name.load(Relaxed),)* }
            }
        }
    };
}

figures! {
    /// Requests sent, reads and commands.
    requests,
    /// Requests sent again after a broken line or a plea to wait.
    retries,
    /// Requests repeated after a connection error or a `Retry-After`.
    refusals,
    /// Of these, lost races and old versions.
    races,
    /// Responses outside the contract and server faults.
    odd_answers,
    /// Searches.
    searches,
    /// Searches with no open branch in the result.
    found_nothing,
    /// Orders placed.
    placed,
    /// Of these, placed again from the alternatives.
    placed_again,
    /// Of these, bookings.
    booked,
    /// Slots that were taken before the client's order.
    slots_gone,
    /// Orders accepted.
    accepted,
    /// Of these, accepted with an override although no bay was free.
    overridden,
    /// Orders declined.
    declined,
    /// Offers deliberately left unanswered.
    ignored,
    /// Bookings for which one side proposed another start.
    moves_proposed,
    /// Bookings that were moved.
    moved,
    /// Add-ons proposed before the departure or on the way.
    add_ons_proposed,
    /// Add-ons accepted.
    add_ons_agreed,
    /// Proposals declined.
    proposals_declined,
    /// Bookings that burned, as their clients saw it.
    burned,
    /// Departures.
    departed,
    /// Positions sent.
    positions,
    /// Arrivals by position.
    arrived_by_position,
    /// Arrivals by the branch's code.
    arrived_by_code,
    /// Cars admitted.
    admitted,
    /// Orders completed.
    completed,
    /// Orders that ended cancelled, as their clients saw it.
    ended_cancelled,
    /// Cancelled by the client.
    cancelled_by_client,
    /// Cancelled by the partner.
    cancelled_by_partner,
    /// Cancellation quotes requested.
    quotes,
    /// Extensions of the arrival time granted.
    extended,
    /// No-shows declared by staff.
    no_shows,
    /// Admissions contested.
    contested,
    /// Clients reported absent by the branch.
    not_here,
    /// Clients who did not come.
    ghosts,
    /// Support actions on orders.
    support_acts,
    /// Top-ups by support.
    credits,
    /// Top-ups started at the payment provider.
    top_ups,
    /// Of these, paid on its page.
    top_ups_paid,
    /// Of these, refunded.
    top_ups_back,
    /// Provider pages left unpaid.
    pages_left,
    /// Cards declined on its pages.
    cards_refused,
    /// Campaign codes that granted a client bonus.
    codes,
    /// Orders placed with payment by bonus, in full or in part.
    with_bonus,
    /// Penalties paid on the provider's page.
    penalties_paid,
    /// Penalties disputed.
    penalties_disputed,
    /// New clients who replaced banned or indebted ones.
    newcomers,
    /// Feed events received.
    events,
    /// Blank frames received.
    blanks,
    /// Snapshots fetched.
    snapshots,
    /// Feed connections made.
    connections,
    /// Of these, made again after one was lost.
    reconnections,
    /// Tokens refreshed.
    refreshes,
    /// People signed in.
    sign_ins,
    /// Reads of the standing proof.
    proofs,
    /// Gaps in feeds, duplicate events, and discrepancies in the books.
    violations,
}

/// The phase of a client's current visit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Nothing.
    Idle,
    /// Waiting for the partner's answer.
    Waiting,
    /// Accepted, not yet departed.
    Confirmed,
    /// On the way.
    Driving,
    /// At the branch, not yet admitted.
    Arrived,
    /// Being served.
    Served,
}

/// All phases, in the order of an order's life.
const PHASES: [Phase; 6] =
    [Phase::Idle, Phase::Waiting, Phase::Confirmed, Phase::Driving, Phase::Arrived, Phase::Served];

/// A recent event, for display.
#[derive(Debug, Clone)]
pub struct Moment {
    /// The time since the statistics began.
    pub after: std::time::Duration,
    /// Who.
    pub who: String,
    /// What.
    pub what: String,
}

/// Counters, latencies and recent events of a simulator run.
#[derive(Debug)]
pub struct Census {
    /// The counters.
    pub count: Counters,
    /// Latency of commands, from the request to the complete response.
    pub command: DurationHistogram,
    /// Latency of events, from the instant of their command, in real time.
    pub telling: DurationHistogram,
    began: Instant,
    phases: [AtomicI64; 6],
    codes: Mutex<BTreeMap<String, u64>>,
    moments: Mutex<VecDeque<Moment>>,
    violations: Mutex<Vec<String>>,
}

impl Default for Census {
    fn default() -> Self {
        Self {
            count: Counters::default(),
            command: DurationHistogram::default(),
            telling: DurationHistogram::default(),
            began: Instant::now(),
            phases: Default::default(),
            codes: Mutex::default(),
            moments: Mutex::default(),
            violations: Mutex::default(),
        }
    }
}

impl Census {
    /// A copy of the counters.
    pub fn figures(&self) -> Figures {
        self.count.read()
    }

    /// How many clients are in each phase.
    pub fn phases(&self) -> [(Phase, u64); 6] {
        PHASES.map(|phase| {
            let now = self.gauge(phase).map_or(0, |gauge| gauge.load(Relaxed));
            (phase, u64::try_from(now).unwrap_or(0))
        })
    }

    /// How often each refusal code was received.
    pub fn refusals(&self) -> Vec<(String, u64)> {
        held(&self.codes).iter().map(|(code, times)| (code.clone(), *times)).collect()
    }

    /// The recent events, oldest first.
    pub fn moments(&self) -> Vec<Moment> {
        held(&self.moments).iter().cloned().collect()
    }

    /// The violations as text (the first hundred).
    pub fn violations(&self) -> Vec<String> {
        held(&self.violations).clone()
    }

    /// Records a violation of an invariant.
    pub fn violation(&self, what: String) {
        self.count.violations.fetch_add(1, Relaxed);
        tracing::error!(what, "violation");
        let mut violations = held(&self.violations);
        if violations.len() < VIOLATIONS_MAX {
            violations.push(what);
        }
    }

    pub(crate) fn tell(&self, who: &str, what: impl Into<String>) {
        let moment = Moment { after: self.began.elapsed(), who: who.to_owned(), what: what.into() };
        let mut moments = held(&self.moments);
        if moments.len() >= MOMENTS_MAX {
            moments.pop_front();
        }
        moments.push_back(moment);
    }

    pub(crate) fn refused(&self, problem: &Problem) {
        self.count.refusals.fetch_add(1, Relaxed);
        if problem.is_race() {
            self.count.races.fetch_add(1, Relaxed);
        }
        let mut codes = held(&self.codes);
        if codes.len() < CODES_MAX || codes.contains_key(&problem.code) {
            *codes.entry(problem.code.clone()).or_default() += 1;
        }
    }

    pub(crate) fn enter(&self, phase: Phase) {
        if let Some(gauge) = self.gauge(phase) {
            gauge.fetch_add(1, Relaxed);
        }
    }

    pub(crate) fn leave(&self, phase: Phase) {
        if let Some(gauge) = self.gauge(phase) {
            gauge.fetch_sub(1, Relaxed);
        }
    }

    fn gauge(&self, phase: Phase) -> Option<&AtomicI64> {
        PHASES
            .iter()
            .zip(&self.phases)
            .find_map(|(known, gauge)| (*known == phase).then_some(gauge))
    }
}

/// Increments a counter.
pub(crate) fn one(counter: &AtomicU64) {
    counter.fetch_add(1, Relaxed);
}

fn held<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}
