//! Snapshots of the demo: everything that is shown at one moment, gathered from its sources.

use std::collections::VecDeque;

use crate::context::Engine;
use std::sync::Arc;
use std::time::{Duration, Instant as Real};

use chrono::TimeDelta;
use client::Node;
use entity::value::Instant;
use simulator::{Census, Figures, Moment};
use tokio::sync::watch;

use super::books::Books;
use super::demo_logins::ProofSummary;
use super::gauges::Gauges;

/// The shortest interval between two reads of the metrics, and of the database.
const GAUGES_EVERY: Duration = Duration::from_secs(1);
const BOOKS_EVERY: Duration = Duration::from_secs(2);
/// The window over which the command rate is measured.
const RATE_OVER: Duration = Duration::from_secs(5);

/// A snapshot.
#[derive(Clone, Debug)]
pub struct DemoState {
    /// The simulated time.
    pub now: Instant,
    /// The simulated time of the start.
    pub began: Instant,
    /// The speed of the simulated time.
    pub speed: u32,
    /// The real time since the start.
    pub real: Duration,
    /// The number of clients and of branches.
    pub people: (u16, u16),
    /// The counts in the database.
    pub books: Books,
    /// The engine's metrics.
    pub gauges: Gauges,
    /// The figures counted by the simulator.
    pub figures: Figures,
    /// Commands per second, over the last seconds.
    pub rate: u64,
    /// Commands since the start: their number, median and 99th percentile of latency.
    pub commands: (u64, Duration, Duration),
    /// The 99th percentile of event delivery time since the start.
    pub told: Duration,
    /// The latest events, oldest first.
    pub moments: Vec<Moment>,
    /// Violations of invariants.
    pub violations: Vec<String>,
    /// The result of the newest ledger proof.
    pub proved: Option<ProofSummary>,
}

impl DemoState {
    /// The empty snapshot.
    #[must_use]
    pub fn first(began: Instant, speed: u32, people: (u16, u16)) -> Self {
        Self {
            now: began,
            began,
            speed,
            real: Duration::ZERO,
            people,
            books: Books::default(),
            gauges: Gauges::default(),
            figures: Figures::default(),
            rate: 0,
            commands: (0, Duration::ZERO, Duration::ZERO),
            told: Duration::ZERO,
            moments: Vec::new(),
            violations: Vec::new(),
            proved: None,
        }
    }

    /// The simulated time of an event.
    #[must_use]
    pub fn time_of(&self, moment: &Moment) -> Instant {
        let after = TimeDelta::from_std(moment.after.saturating_mul(self.speed));
        self.began + after.unwrap_or_default()
    }
}

/// The reader that keeps the snapshot up to date.
pub struct Watcher {
    engine: Engine,
    census: Arc<Census>,
    node: Node,
    proved: watch::Receiver<Option<ProofSummary>>,
    state: DemoState,
    started: Real,
    gauges_at: Option<Real>,
    books_at: Option<Real>,
    counted: VecDeque<(Real, u64)>,
}

impl Watcher {
    /// A reader that starts with this snapshot.
    #[must_use]
    pub fn new(
        engine: Engine,
        census: Arc<Census>,
        node: Node,
        proved: watch::Receiver<Option<ProofSummary>>,
        state: DemoState,
    ) -> Self {
        Self {
            engine,
            census,
            node,
            proved,
            state,
            started: Real::now(),
            gauges_at: None,
            books_at: None,
            counted: VecDeque::new(),
        }
    }

    /// Updates everything one last time.
    pub async fn last_look(&mut self) -> &DemoState {
        (self.gauges_at, self.books_at) = (None, None);
        self.read().await
    }

    /// Updates the snapshot; expensive sources are read less often.
    pub async fn read(&mut self) -> &DemoState {
        let due = |at: Option<Real>, every| at.is_none_or(|at| at.elapsed() >= every);
        if due(self.gauges_at, GAUGES_EVERY) {
            self.gauges_at = Some(Real::now());
            if let Some(gauges) = Gauges::read(&self.node).await {
                self.state.gauges = gauges;
            }
        }
        if due(self.books_at, BOOKS_EVERY) {
            self.books_at = Some(Real::now());
            let now = self.engine.shared().clock.now();
            match Books::read(&self.engine.shared().db.read, now).await {
                Ok(books) => self.state.books = books,
                Err(error) => tracing::warn!(%error, "the view could not count"),
            }
        }
        let rate = self.count();
        let (census, state) = (&self.census, &mut self.state);
        state.rate = rate;
        state.now = self.engine.shared().clock.now();
        state.real = self.started.elapsed();
        state.figures = census.figures();
        let command = &census.command;
        state.commands = (command.count(), command.at(500), command.at(990));
        state.told = census.telling.at(990);
        state.moments = census.moments();
        state.violations = census.violations();
        state.proved = *self.proved.borrow();
        state
    }

    /// Commands per second, over the last seconds.
    fn count(&mut self) -> u64 {
        let done = self.census.command.count();
        self.counted.push_back((Real::now(), done));
        while self.counted.len() > 2
            && self.counted.front().is_some_and(|(at, _)| at.elapsed() > RATE_OVER)
        {
            self.counted.pop_front();
        }
        let (since, before) = self.counted.front().copied().unwrap_or((self.started, 0));
        let millis = u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX);
        (done.saturating_sub(before) * 1000).checked_div(millis).unwrap_or(0)
    }
}
