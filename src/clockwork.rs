//! The clock's loops: near timers fire, a sweep adopts what nobody fired, hearts beat, outages move
//! deadlines.
//!
//! Every loop is a step that tests call by themselves, and a `run` that repeats it.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use chrono::{DateTime, TimeDelta};
use entity::outage;
use entity::value::{Instant, OrderId, OutageId, Span};
use sea_orm::{DbErr, EntityTrait as _, IntoActiveModel as _};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::orders::shift::Shift;
use crate::platform::clock::pause;
use crate::platform::write_set::Fired;
use crate::platform::{By, Engine, Fault, Stop, failure, heartbeat, timers};
use crate::policy::Book;
use crate::{orders, rounds, timetable};

/// Taken at once.
const TAKE_MAX: usize = 256;
/// Timers that wait for somebody outside, at once.
const OUTSIDE_MAX: usize = 16;
/// Missed beats after which the engine counts as having been down.
const BEATS_MISSED: i32 = 3;

/// The clock's work on one node.
pub struct Clockwork {
    engine: Engine,
    node: Uuid,
    clustered: bool,
    beat: Duration,
    sweep: Duration,
    at_once: Arc<Semaphore>,
    outside: Arc<Semaphore>,
    last_beat: AtomicI64,
    nodes: RwLock<Vec<Uuid>>,
}

impl Clockwork {
    /// For this engine; `clustered` where several nodes share the database.
    #[must_use]
    pub fn new(engine: Engine, settings: &crate::config::TimerSettings, clustered: bool) -> Self {
        let now = engine.shared().clock.now();
        Self {
            engine,
            node: Uuid::new_v4(),
            clustered,
            beat: Duration::from_millis(settings.heartbeat_ms),
            sweep: Duration::from_millis(settings.sweep_ms),
            at_once: Arc::new(Semaphore::new(settings.concurrency)),
            outside: Arc::new(Semaphore::new(OUTSIDE_MAX)),
            last_beat: AtomicI64::new(now.timestamp_micros()),
            nodes: RwLock::new(Vec::new()),
        }
    }

    fn now(&self) -> Instant {
        self.engine.shared().clock.now()
    }

    /// So much time passes on the clock while `real` passes outside.
    fn on_the_clock(&self, real: Duration) -> TimeDelta {
        let passed = real.saturating_mul(self.engine.shared().clock.speed());
        TimeDelta::from_std(passed).unwrap_or(TimeDelta::MAX)
    }

    /// Before anything else after a start: moves the deadlines of the time without us, then takes
    /// up the timers (OUT-1).
    ///
    /// # Errors
    /// When the database fails.
    pub async fn begin(&self) -> Result<(), Stop> {
        let db = &self.engine.shared().db;
        let now = self.now();
        if let Some(down) = heartbeat::newest(&db.read).await? {
            let others_serve = self.clustered && now - down < self.patience();
            if down < now && !others_serve {
                self.recover(Span { from: down, until: now }).await?;
            }
        }
        heartbeat::begin(&db.write, self.node, now).await?;
        self.last_beat.store(now.timestamp_micros(), Ordering::Relaxed);
        self.look_around().await?;
        self.load().await?;
        Ok(())
    }

    fn patience(&self) -> TimeDelta {
        self.on_the_clock(self.beat) * BEATS_MISSED
    }

    /// Moves every deadline that fell into an outage, and keeps the report.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn recover(&self, span: Span) -> Result<u64, Stop> {
        let shared = self.engine.shared();
        let due =
            timers::due_within(&shared.db.read, orders::timers::DEADLINES, span.from, span.until);
        let nobody = due.await?.is_empty();
        let bonus = rounds::shift_bonus(&self.engine, span).await?;
        shared.timers.reset(DateTime::UNIX_EPOCH);
        if nobody && bonus == 0 && span.until - span.from <= self.patience() {
            // A blink between two starts that touched nobody.
            return Ok(0);
        }
        // First the report: every step that moves a deadline names it.
        let row = outage::Model {
            id: OutageId::new(),
            down_at: span.from,
            up_at: span.until,
            touched: 0,
        };
        outage::Entity::insert(row.clone().into_active_model())
            .exec_without_returning(&shared.db.write)
            .await?;
        let count = self.shift_all(row.id, span).await?;
        let touched = i64::try_from(count).unwrap_or(i64::MAX);
        heartbeat::touched(&shared.db.write, row.id, touched).await?;
        tracing::warn!(down = %span.from, up = %span.until, count, "deadlines of our outage moved");
        Ok(u64::try_from(count).unwrap_or(0))
    }

    /// Timers whose deadline may lie in the outage: an offer's fires a grace after what was shown.
    async fn fallen(&self, from: Instant, span: Span) -> Result<Vec<Fired>, Stop> {
        let keys = self.engine.extension::<Book>()?.at(span.until)?.keys;
        let until = span.until + TimeDelta::seconds(keys.quick.net_grace_s);
        let db = &self.engine.shared().db.read;
        Ok(timers::due_within(db, orders::timers::DEADLINES, from, until).await?)
    }

    async fn shift_all(&self, outage_id: OutageId, span: Span) -> Result<usize, Stop> {
        let mut touched = BTreeSet::new();
        let mut from = span.from;
        loop {
            let due = self.fallen(from, span).await?;
            let subjects: BTreeSet<Uuid> = due.iter().map(|fired| fired.subject).collect();
            let new: Vec<Uuid> = subjects.difference(&touched).copied().collect();
            if new.is_empty() {
                // What is left has no order any more: past it, or done.
                match due.last() {
                    Some(last) if last.due_at > from => from = last.due_at,
                    _ => return Ok(touched.len()),
                }
            }
            for subject in new {
                self.shift(OrderId(subject), outage_id, span).await?;
                touched.insert(subject);
            }
        }
    }

    async fn shift(
        &self,
        order_id: OrderId,
        outage_id: OutageId,
        outage: Span,
    ) -> Result<(), Stop> {
        let command = Shift { order_id, outage_id, outage };
        match failure::alone(self.engine.execute(By::CLOCK, None, command).await, order_id) {
            // An order that is over, or none: its timer will find that out.
            Ok(_) | Err(Stop::Refused(_)) => Ok(()),
            Err(stop) => Err(stop),
        }
    }

    /// Sees who shares the timers. A node alone has them all: the beat of the process that crashed
    /// a moment ago is not another node's. When others come or go, what is near is taken up anew.
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

    /// Takes up what falls due soon and is this node's to fire.
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

    /// Fires everything that is due, and waits for it; gives how many. For tests, which move the
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
        let outcome = timetable::send(&self.engine, fired).await;
        let now = shared.clock.now();
        if let Err(stop) = outcome {
            tracing::warn!(kind = fired.kind, subject = %fired.subject, ?stop, "a timer's command broke");
            // The database is away or takes no writes: it stays in memory, uncounted.
            let away = matches!(stop, Stop::Fault(Fault::Unavailable(_)));
            let broke = timers::broke(&shared.db.write, fired, now, &stop);
            let again = if !away && broke.await.is_ok() {
                None
            } else {
                Some(now + self.on_the_clock(Duration::from_secs(1)))
            };
            if let Some(again) = again {
                shared.timers.put_back(fired, again);
            }
        } else {
            let late = (now - fired.due_at) / i32::try_from(shared.clock.speed()).unwrap_or(1);
            metrics::histogram!("yumo_timer_lateness_seconds").record(late.as_seconds_f64());
            if late <= TimeDelta::zero() {
                metrics::counter!("yumo_timers_early").increment(1);
            }
            metrics::counter!("yumo_timers_fired", "kind" => fired.kind.clone()).increment(1);
        }
        shared.timers.ended(fired);
    }

    /// One that waits for somebody outside fires beside the others, who do not wait for it.
    fn unless_outside(self: &Arc<Self>, fired: Fired) -> Option<Fired> {
        if !timetable::asks_outside(&fired.kind) {
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

    /// Adopts timers that nobody fired, and tells branches how their balances stand.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sweep(self: &Arc<Self>) -> Result<usize, Stop> {
        rounds::tell_balances(&self.engine).await?;
        let shared = self.engine.shared();
        let late = shared.clock.now() - self.on_the_clock(Duration::from_secs(1));
        let left = timers::left_over(&shared.db.read, late).await?;
        let adopted = shared.timers.adopt(left);
        let n = adopted.len();
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

    /// One beat. After a gap the deadlines that fell into it move before anything fires again.
    ///
    /// # Errors
    /// When the database fails: then nothing fires until it is back.
    pub async fn beat(&self, stopped: bool) -> Result<(), Stop> {
        let db = &self.engine.shared().db;
        let now = self.now();
        let last = self.last_beat();
        if now - last > self.patience() {
            let newest = heartbeat::newest(&db.read).await?.unwrap_or(last);
            if now - newest > self.patience() {
                self.recover(Span { from: newest, until: now }).await?;
            }
        }
        heartbeat::beat(&db.write, self.node, now, stopped).await?;
        self.last_beat.store(now.timestamp_micros(), Ordering::Relaxed);
        self.look_around().await?;
        self.load().await?;
        Ok(())
    }

    fn last_beat(&self) -> Instant {
        let micros = self.last_beat.load(Ordering::Relaxed);
        DateTime::from_timestamp_micros(micros).unwrap_or(DateTime::UNIX_EPOCH)
    }

    /// Is the newest beat recent enough to let timers fire?
    fn alive(&self) -> bool {
        self.now() - self.last_beat() <= self.patience()
    }

    /// Runs all loops until told to stop.
    pub fn run(self: &Arc<Self>, stop: &watch::Receiver<bool>) -> JoinSet<()> {
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
            pause(self.beat).await;
            if let Err(stop) = self.beat(false).await {
                tracing::warn!(?stop, "a heartbeat did not land: timers wait");
            }
        }
    }
}
