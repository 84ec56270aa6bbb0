//! The scheduler: fires near timers, sweeps up those that were not fired, writes heartbeats, and
//! moves deadlines after outages.
//!
//! Every loop repeats a step that tests can call directly.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use chrono::{DateTime, TimeDelta};
use entity::value::Instant;
use sea_orm::DbErr;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use uuid::Uuid;

use super::recovery::{self, Looker};
use super::{sweeps, timer_dispatch};
use crate::context::Engine;
use platform::clock::pause;
use platform::engine::write_set::Fired;
use platform::scheduler::clocks::Clocks;
use platform::scheduler::serving::{Pause, Serving};
use platform::scheduler::{heartbeat, timers};
use platform::{CommandError, Fault};

/// Maximum timers taken at once.
const TAKE_MAX: usize = 256;
/// Maximum concurrent timers that wait for an external provider.
const OUTSIDE_MAX: usize = 16;
/// Missed heartbeats after which the engine counts as having been down.
const BEATS_MISSED: i32 = 3;
/// The pause between attempts while this node cannot serve.
const AGAIN: Duration = Duration::from_millis(100);

/// The scheduler of one node.
pub struct Scheduler {
    engine: Engine,
    node: Uuid,
    clustered: bool,
    beat: Duration,
    sweep: Duration,
    at_once: Arc<Semaphore>,
    outside: Arc<Semaphore>,
    begun: AtomicBool,
    clocks: Clocks,
    nodes: RwLock<Vec<Uuid>>,
}

impl Scheduler {
    /// A scheduler for this engine; `clustered` if several nodes share the database.
    #[must_use]
    pub fn new(engine: Engine, settings: &crate::config::TimerSettings, clustered: bool) -> Self {
        let beat = Duration::from_millis(settings.heartbeat_ms);
        Self {
            engine,
            node: Uuid::new_v4(),
            clustered,
            beat,
            sweep: Duration::from_millis(settings.sweep_ms),
            at_once: Arc::new(Semaphore::new(settings.concurrency)),
            outside: Arc::new(Semaphore::new(OUTSIDE_MAX)),
            begun: AtomicBool::new(false),
            clocks: Clocks::new(settings.clock_off_ms),
            nodes: RwLock::new(Vec::new()),
        }
    }

    fn now(&self) -> Instant {
        self.engine.shared().clock.now()
    }

    /// The time that passes on the engine's clock while `real` time passes.
    fn on_the_clock(&self, real: Duration) -> TimeDelta {
        let passed = real.saturating_mul(self.engine.shared().clock.speed());
        TimeDelta::from_std(passed).unwrap_or(TimeDelta::MAX)
    }

    /// The first step after a start: moves the deadlines that fell into the outage, then loads the
    /// timers (OUT-1). If the clock is off, both happen once it is right again.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn begin(&self) -> Result<(), CommandError> {
        while !self.step(false).await? {
            if self.serving().now(self.now()) == Err(Pause::ClockOff) {
                return Ok(());
            }
            // Another node moves the deadlines.
            pause(AGAIN).await;
        }
        Ok(())
    }

    fn serving(&self) -> &Serving {
        &self.engine.shared().serving
    }

    fn patience(&self) -> TimeDelta {
        self.on_the_clock(self.beat) * BEATS_MISSED
    }

    /// Reads which nodes share the timers. A single node owns all of them: the heartbeat of its
    /// crashed predecessor is not another node's. When the nodes change, the near timers are loaded
    /// anew.
    async fn look_around(&self) -> Result<(), DbErr> {
        let shared = self.engine.shared();
        let alive = if self.clustered {
            heartbeat::alive(&shared.db.read, self.now() - self.patience()).await?
        } else {
            vec![self.node]
        };
        let before = {
            let mut nodes = self.nodes.write().unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *nodes, alive.clone())
        };
        if before != alive {
            shared.timers.reset(DateTime::UNIX_EPOCH);
        }
        Ok(())
    }

    /// Loads the near timers that are this node's to fire.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn load(&self) -> Result<(), DbErr> {
        let nodes = self.nodes.read().unwrap_or_else(PoisonError::into_inner).clone();
        let node = self.node;
        let mine = move |subject: Uuid| {
            let n = u128::try_from(nodes.len()).unwrap_or(1);
            let place = subject.as_u128().checked_rem(n).and_then(|i| usize::try_from(i).ok());
            place.and_then(|place| nodes.get(place)).is_none_or(|owner| *owner == node)
        };
        let shared = self.engine.shared();
        let near = timers::NEAR.max(self.on_the_clock(Duration::from_mins(1)));
        shared.timers.load(&shared.db.read, shared.clock.now(), near, mine).await
    }

    /// Fires all due timers and waits for them; returns their number. For tests, which move the
    /// clock themselves.
    pub async fn fire_due(self: &Arc<Self>) -> usize {
        let mut fired = 0;
        loop {
            let due = self.engine.shared().timers.take_due(self.now(), TAKE_MAX);
            if due.is_empty() {
                return fired;
            }
            fired += due.len();
            for timer in due {
                self.fire(&timer).await;
            }
        }
    }

    async fn fire(&self, fired: &Fired) {
        let shared = self.engine.shared();
        let outcome = timer_dispatch::send(&self.engine, fired).await;
        let now = shared.clock.now();
        if let Err(CommandError::NotServing(_)) = outcome {
            // No failure: it fires once the deadlines of the outage have moved.
            shared.timers.put_back(fired, now + self.on_the_clock(Duration::from_secs(1)));
        } else if let Err(stop) = outcome {
            let (kind, subject) = (fired.kind.as_str(), fired.subject);
            tracing::warn!(kind, %subject, ?stop, "a timer's command broke");
            // The database is unavailable or read-only: it stays in memory, without counting a
            // failure.
            let away = matches!(stop, CommandError::Fault(Fault::Unavailable(_)));
            let broke = !away && timers::broke(&shared.db.write, fired, now, &stop).await.is_ok();
            let again =
                if broke { None } else { Some(now + self.on_the_clock(Duration::from_secs(1))) };
            if let Some(again) = again {
                shared.timers.put_back(fired, again);
            }
        } else {
            let late = (now - fired.due_at) / i32::try_from(shared.clock.speed()).unwrap_or(1);
            metrics::histogram!("yumo_timer_lateness_seconds").record(late.as_seconds_f64());
            if late <= TimeDelta::zero() {
                metrics::counter!("yumo_timers_early").increment(1);
            }
            metrics::counter!("yumo_timers_fired", "kind" => fired.kind.to_string()).increment(1);
        }
        shared.timers.ended(fired);
    }

    /// Fires a timer that waits for an external provider in a task of its own, so that others do
    /// not wait for it.
    fn unless_outside(self: &Arc<Self>, fired: Fired) -> Option<Fired> {
        if !fired.kind.known().is_ok_and(timer_dispatch::asks_outside) {
            return Some(fired);
        }
        let me = Arc::clone(self);
        tokio::spawn(async move {
            let Ok(permit) = Arc::clone(&me.outside).acquire_owned().await else { return };
            me.fire(&fired).await;
            drop(permit);
        });
        None
    }

    /// Fires timers that were left over, and emits events of changed balances.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sweep(self: &Arc<Self>) -> Result<usize, CommandError> {
        sweeps::tell_balances(&self.engine).await?;
        let shared = self.engine.shared();
        let late = shared.clock.now() - self.on_the_clock(Duration::from_secs(1));
        let left = timers::left_over(&shared.db.read, late).await?;
        let adopted = shared.timers.adopt(left);
        let n = adopted.len();
        metrics::counter!("yumo_timers_adopted").increment(u64::try_from(n).unwrap_or(0));
        let mut firing = JoinSet::new();
        for fired in adopted {
            let Some(fired) = self.unless_outside(fired) else { continue };
            let me = Arc::clone(self);
            let Ok(permit) = Arc::clone(&self.at_once).acquire_owned().await else { break };
            firing.spawn(async move {
                me.fire(&fired).await;
                drop(permit);
            });
        }
        while firing.join_next().await.is_some() {}
        Ok(n)
    }

    /// Writes one heartbeat. After a gap the deadlines that fell into it move before any timer
    /// fires and before any command runs.
    ///
    /// # Errors
    /// When the database fails: no timer fires until it is back.
    pub async fn beat(&self, stopped: bool) -> Result<(), CommandError> {
        self.step(stopped).await.map(|_| ())
    }

    /// False if it could not be confirmed that this node may serve.
    async fn step(&self, stopped: bool) -> Result<bool, CommandError> {
        if !self.clocks.agree(self.engine.shared()).await? {
            return Ok(false);
        }
        let (db, begun) = (&self.engine.shared().db, self.begun.load(Ordering::Relaxed));
        if !begun || self.now() - self.serving().good() > self.patience() {
            // A node that starts alone was down, however short the gap is.
            let alone = !self.clustered;
            let least = if alone && !begun { TimeDelta::zero() } else { self.patience() };
            let known_good = self.serving().good();
            let blink = self.patience();
            let looker = Looker { node: self.node, alone, known_good, least, blink };
            if !recovery::catch_up(&self.engine, looker).await? {
                return Ok(false);
            }
        }
        let now = self.now();
        heartbeat::beat(&db.write, self.node, now, stopped).await?;
        self.begun.store(true, Ordering::Relaxed);
        self.serving().confirm(now);
        self.look_around().await?;
        self.load().await?;
        Ok(true)
    }

    /// May timers fire?
    fn alive(&self) -> bool {
        self.serving().now(self.now()).is_ok()
    }

    /// Runs all loops until stopped.
    pub fn run(self: &Arc<Self>, stop: &watch::Receiver<bool>) -> JoinSet<()> {
        // From now on heartbeats are written, and commands require a recent one.
        self.serving().watch(self.patience());
        let mut loops = JoinSet::new();
        let (me, mut stopped) = (Arc::clone(self), stop.clone());
        loops.spawn(async move {
            tokio::select! { () = me.firing() => {}, _ = stopped.wait_for(|s| *s) => {} }
        });
        let (me, mut stopped) = (Arc::clone(self), stop.clone());
        loops.spawn(async move {
            tokio::select! { () = me.sweeping() => {}, _ = stopped.wait_for(|s| *s) => {} }
        });
        let (me, mut stopped) = (Arc::clone(self), stop.clone());
        loops.spawn(async move {
            tokio::select! { () = me.beating() => {}, _ = stopped.wait_for(|s| *s) => {} }
            if let Err(stop) = me.beat(true).await {
                tracing::warn!(?stop, "the last beat did not land");
            }
        });
        loops
    }

    async fn firing(self: Arc<Self>) {
        let shared = self.engine.shared();
        loop {
            if !self.alive() {
                pause(Duration::from_millis(50)).await;
                continue;
            }
            let due = shared.timers.take_due(shared.clock.now(), TAKE_MAX);
            if due.is_empty() {
                self.until_due().await;
            }
            for fired in due {
                let Some(fired) = self.unless_outside(fired) else { continue };
                let me = Arc::clone(&self);
                let Ok(permit) = Arc::clone(&self.at_once).acquire_owned().await else { return };
                tokio::spawn(async move {
                    me.fire(&fired).await;
                    drop(permit);
                });
            }
        }
    }

    /// Waits until the next timer in memory is past due, or an earlier one was armed.
    async fn until_due(&self) {
        let shared = self.engine.shared();
        match shared.timers.next_due() {
            None => shared.timers.changed().await,
            Some(due) => tokio::select! {
                () = shared.clock.until(due + TimeDelta::microseconds(1)) => {}
                () = shared.timers.changed() => {}
            },
        }
    }

    async fn sweeping(self: Arc<Self>) {
        loop {
            pause(self.sweep).await;
            if self.alive()
                && let Err(stop) = self.sweep().await
            {
                tracing::warn!(?stop, "a sweep broke");
            }
        }
    }

    async fn beating(&self) {
        loop {
            pause(if self.alive() { self.beat } else { self.beat.min(AGAIN) }).await;
            if let Err(stop) = self.beat(false).await {
                tracing::warn!(?stop, "a heartbeat did not land: timers wait");
            }
        }
    }
}
