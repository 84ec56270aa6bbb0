//! The load generator: order sequences in a closed loop or at fixed intended starts.

use crate::life::Life;
use crate::records::{Command, Outcome, Records};
use client::{ApiError, StopSignal};
use simulator::Dice;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{Mutex as AsyncMutex, mpsc};
use tokio::task::JoinSet;
use tokio::time::Instant;

/// Successive refusals after which a sequence pauses.
const STUBBORN: u32 = 3;
/// The length of the pause.
const REST: Duration = Duration::from_millis(500);
/// How long an offer is left to expire before its order is read.
const OFFER_WAIT: Duration = Duration::from_secs(33);
/// Reads of an order whose offer should have expired, one a second.
const OFFER_LOOKS_MAX: u32 = 20;
/// How long commands in flight may take after the end.
const DRAIN_MAX: Duration = Duration::from_mins(1);
/// Intended starts queued until a sequence is ready; each keeps its instant.
const STARTS_MAX: usize = 100_000;
/// Distinct errors kept by name.
const TROUBLES_MAX: usize = 50;

/// The sequences and their measurements.
pub struct Load {
    ready: mpsc::Sender<Life>,
    queue: AsyncMutex<mpsc::Receiver<Life>>,
    dice: Mutex<Dice>,
    ignore_per_mille: u32,
    stop: StopSignal,
    /// The measurements.
    pub records: Records,
    /// Offers left to expire.
    pub ignored: AtomicU64,
    troubles: Mutex<BTreeMap<String, u64>>,
}

/// The measurement window: commands intended within it are recorded.
#[derive(Debug, Clone, Copy)]
pub struct Window {
    /// The start.
    pub from: Instant,
    /// The end, exclusive.
    pub until: Instant,
}

impl Window {
    fn holds(self, at: Instant) -> bool {
        self.from <= at && at < self.until
    }
}

/// Sends each intended start at its instant.
///
/// It runs in its own thread, because the runtime's timer resolves only milliseconds.
fn starts(rate: u32, began: Instant, until: Instant) -> mpsc::Receiver<Instant> {
    let (told, starts) = mpsc::channel(STARTS_MAX);
    let gap_nanos = 1_000_000_000 / u64::from(rate.max(1));
    std::thread::spawn(move || {
        for number in 0_u64.. {
            let intended = began + Duration::from_nanos(gap_nanos.saturating_mul(number));
            if intended >= until {
                break;
            }
            loop {
                let wait = intended.saturating_duration_since(Instant::now());
                if wait.is_zero() {
                    break;
                }
                std::thread::park_timeout(wait);
            }
            if told.blocking_send(intended).is_err() {
                break;
            }
        }
    });
    starts
}

impl Load {
    /// A load of sequences, all ready.
    pub fn of(lives: Vec<Life>, ignore_per_mille: u32, seed: u64, stop: &StopSignal) -> Arc<Self> {
        let (ready, queue) = mpsc::channel(lives.len().max(1));
        for life in lives {
            // The channel has capacity for every sequence.
            let _placed = ready.try_send(life).is_ok();
        }
        Arc::new(Self {
            ready,
            queue: AsyncMutex::new(queue),
            dice: Mutex::new(Dice::of(seed, "load", 0)),
            ignore_per_mille,
            stop: stop.clone(),
            records: Records::default(),
            ignored: AtomicU64::new(0),
            troubles: Mutex::default(),
        })
    }

    /// Closed loop: `connections` commands in flight, each followed by the next at once.
    pub async fn closed(self: &Arc<Self>, connections: u32, window: Window) {
        let mut workers = JoinSet::new();
        for _ in 0..connections {
            let load = self.clone();
            workers.spawn(async move {
                while Instant::now() < window.until {
                    let Some(life) = load.next_ready(window.until).await else { break };
                    load.step(life, Instant::now(), window).await;
                }
            });
        }
        while workers.join_next().await.is_some() {}
    }

    /// Open loop: `rate` commands a second, each from its intended start, however slow the
    /// responses are.
    pub async fn open(self: &Arc<Self>, rate: u32, began: Instant, window: Window) {
        let mut starts = starts(rate, began, window.until);
        let mut under_way = JoinSet::new();
        while let Some(intended) = starts.recv().await {
            let Some(life) = self.next_ready(window.until + DRAIN_MAX).await else { break };
            let load = self.clone();
            under_way.spawn(async move { load.step(life, intended, window).await });
            while under_way.try_join_next().is_some() {}
        }
        let drain = async { while under_way.join_next().await.is_some() {} };
        let _late = tokio::time::timeout(DRAIN_MAX, drain).await;
    }

    async fn next_ready(self: &Arc<Self>, until: Instant) -> Option<Life> {
        loop {
            let mut queue = self.queue.lock().await;
            let life = tokio::time::timeout_at(until, queue.recv()).await.ok().flatten()?;
            drop(queue);
            if life.next() != Command::Accept || !self.leaves_it() {
                return Some(life);
            }
            self.ignored.fetch_add(1, Relaxed);
            tokio::spawn(self.clone().left_to_the_clock(life));
        }
    }

    fn leaves_it(&self) -> bool {
        self.ignore_per_mille > 0
            && self
                .dice
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .chance(self.ignore_per_mille)
    }

    async fn left_to_the_clock(self: Arc<Self>, mut life: Life) {
        if !self.stop.rest(OFFER_WAIT).await {
            return;
        }
        for _ in 0..OFFER_LOOKS_MAX {
            life.look().await;
            if life.next() == Command::Place || !self.stop.rest(Duration::from_secs(1)).await {
                break;
            }
        }
        let _over = self.ready.send(life).await;
    }

    async fn step(self: &Arc<Self>, mut life: Life, intended: Instant, window: Window) {
        let command = life.next();
        let waited = intended.elapsed();
        let (outcome, trouble) = life.live(command).await;
        if window.holds(intended) {
            self.records.record(command, outcome, waited, intended.elapsed());
        }
        if let Some(trouble) = trouble {
            self.note(command, &trouble);
        }
        if outcome != Outcome::Yes && life.refused_in_row > STUBBORN {
            let load = self.clone();
            tokio::spawn(async move {
                if load.stop.rest(REST).await {
                    let _over = load.ready.send(life).await;
                }
            });
            return;
        }
        let _over = self.ready.send(life).await;
    }

    fn note(&self, command: Command, trouble: &ApiError) {
        let what = match trouble.problem() {
            Some(problem) => {
                format!("{} refused: {} {}", command.name(), problem.status, problem.code)
            }
            None => format!("{}: {trouble}", command.name()),
        };
        let mut troubles = self.troubles.lock().unwrap_or_else(PoisonError::into_inner);
        if troubles.len() < TROUBLES_MAX || troubles.contains_key(&what) {
            *troubles.entry(what).or_default() += 1;
        }
    }

    /// Errors by name.
    pub fn troubles(&self) -> Vec<(String, u64)> {
        let troubles = self.troubles.lock().unwrap_or_else(PoisonError::into_inner);
        troubles.iter().map(|(what, times)| (what.clone(), *times)).collect()
    }
}
