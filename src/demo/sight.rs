//! What there is to see at one moment, gathered from where it is kept.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant as Real};

use chrono::TimeDelta;
use entity::value::Instant;
use tokio::sync::watch;
use town::{Census, Figures, Moment, Wire};

use super::books::Books;
use super::gauges::Gauges;
use super::guests::Proved;
use crate::platform::Engine;

/// The shortest time between two readings of the metrics, and of the database.
const GAUGES_EVERY: Duration = Duration::from_secs(1);
const BOOKS_EVERY: Duration = Duration::from_secs(2);
/// The time over which commands are counted to the second.
const RATE_OVER: Duration = Duration::from_secs(5);

/// One moment.
#[derive(Clone, Debug)]
pub struct Sight {
    /// The town's time.
    pub now: Instant,
    /// When the town's time began to run.
    pub began: Instant,
    /// How fast it runs.
    pub speed: u32,
    /// How long it has run, real time.
    pub real: Duration,
    /// How many clients and branches there are.
    pub people: (u16, u16),
    /// What stands in the database.
    pub books: Books,
    /// What the engine says of itself.
    pub gauges: Gauges,
    /// What the town's people counted.
    pub figures: Figures,
    /// Commands in the last seconds, to the second.
    pub rate: u64,
    /// Commands since the start: how many, half of them within, 99 % within.
    pub commands: (u64, Duration, Duration),
    /// Events told since the start, 99 % of them within.
    pub told: Duration,
    /// What happened last, oldest first.
    pub moments: Vec<Moment>,
    /// What must never be and was.
    pub violations: Vec<String>,
    /// What the newest proof said.
    pub proved: Option<Proved>,
}

impl Sight {
    /// Nothing seen yet.
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

    /// The town's time of a moment.
    #[must_use]
    pub fn time_of(&self, moment: &Moment) -> Instant {
        let after = TimeDelta::from_std(moment.after.saturating_mul(self.speed));
        self.began + after.unwrap_or_default()
    }
}

/// Whoever looks.
pub struct Watcher {
    engine: Engine,
    census: Arc<Census>,
    wire: Wire,
    proved: watch::Receiver<Option<Proved>>,
    sight: Sight,
    started: Real,
    gauges_at: Option<Real>,
    books_at: Option<Real>,
    counted: VecDeque<(Real, u64)>,
}

impl Watcher {
    /// Somebody who has seen this so far.
    #[must_use]
    pub fn new(
        engine: Engine,
        census: Arc<Census>,
        wire: Wire,
        proved: watch::Receiver<Option<Proved>>,
        sight: Sight,
    ) -> Self {
        Self {
            engine,
            census,
            wire,
            proved,
            sight,
            started: Real::now(),
            gauges_at: None,
            books_at: None,
            counted: VecDeque::new(),
        }
    }

    /// Looks once more, at everything.
    pub async fn last_look(&mut self) -> &Sight {
        (self.gauges_at, self.books_at) = (None, None);
        self.look().await
    }

    /// Looks; what is dear to read is not read at every look.
    pub async fn look(&mut self) -> &Sight {
        let due = |at: Option<Real>, every| at.is_none_or(|at| at.elapsed() >= every);
        if due(self.gauges_at, GAUGES_EVERY) {
            self.gauges_at = Some(Real::now());
            if let Some(gauges) = Gauges::read(&self.wire).await {
                self.sight.gauges = gauges;
            }
        }
        if due(self.books_at, BOOKS_EVERY) {
            self.books_at = Some(Real::now());
            let now = self.engine.shared().clock.now();
            match Books::read(&self.engine.shared().db.read, now).await {
                Ok(books) => self.sight.books = books,
                Err(error) => tracing::warn!(%error, "the view could not count"),
            }
        }
        let rate = self.count();
        let (census, sight) = (&self.census, &mut self.sight);
        sight.rate = rate;
        sight.now = self.engine.shared().clock.now();
        sight.real = self.started.elapsed();
        sight.figures = census.figures();
        let command = &census.command;
        sight.commands = (command.count(), command.at(500), command.at(990));
        sight.told = census.telling.at(990);
        sight.moments = census.moments();
        sight.violations = census.violations();
        sight.proved = *self.proved.borrow();
        sight
    }

    /// Commands to the second, over the last seconds.
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
