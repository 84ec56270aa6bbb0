//! Recovery after an outage of all nodes: moves the deadlines that fell into it, before a timer
//! fires and before a command runs (OUT-1).

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta};
use entity::outage;
use entity::value::{Instant, OrderId, OutageId, Span};
use uuid::Uuid;

use super::sweeps;
use crate::context::Engine;
use crate::orders;
use crate::orders::extend_deadlines::ExtendDeadlines;
use platform::engine::write_set::Fired;
use platform::scheduler::outages::{self, Gap};
use platform::scheduler::timers;
use platform::{By, CommandError, failure};

/// A recovery that took longer than this repeats: deadlines fell due meanwhile.
const QUICK_ENOUGH: TimeDelta = TimeDelta::milliseconds(500);
/// Maximum repetitions.
const LOOKS_MAX: usize = 10;
/// Orders after which a node renews its claim on the recovery.
const RENEWED_AFTER: usize = 100;

/// The node that looks for a gap, with its limits.
#[derive(Clone, Copy, Debug)]
pub struct Looker {
    /// The id of this node, new at each start.
    pub node: Uuid,
    /// Whether no other node can serve this database.
    pub alone: bool,
    /// The last moment this node knows to be served or recovered.
    pub known_good: Instant,
    /// Gaps of at most this are ignored.
    pub least: TimeDelta,
    /// Gaps of at most this are recorded only if a deadline fell into them.
    pub blink: TimeDelta,
}

/// Looks for a gap between the last moment any node served and now, and recovers from it. False
/// while another node recovers: call again.
///
/// # Errors
/// When the database fails; an unfinished recovery is resumed by the next caller.
pub async fn catch_up(engine: &Engine, looker: Looker) -> Result<bool, CommandError> {
    let db = &engine.shared().db;
    let now = engine.shared().clock.now();
    match outages::unfinished(&db.write, now, looker.node, looker.alone).await? {
        Gap::Nothing => {}
        Gap::Elsewhere => return Ok(false),
        Gap::Ours(row) => return recover(engine, row).await,
    }
    let Some(served) = outages::served(&db.read).await? else { return Ok(true) };
    // Several nodes must agree on the outage, so only what all of them can read counts.
    let down = if looker.alone { served.max(looker.known_good) } else { served };
    if now - down <= looker.least {
        return Ok(true);
    }
    let span = Span { from: down, until: now };
    if now - down <= looker.blink && nobody_waited(engine, span).await? {
        return Ok(true);
    }
    match outages::claim(&db.write, span, looker.node).await? {
        Gap::Ours(row) => recover(engine, row).await,
        Gap::Nothing | Gap::Elsewhere => Ok(false),
    }
}

async fn nobody_waited(engine: &Engine, span: Span) -> Result<bool, CommandError> {
    let mut kinds = orders::timers::deadlines();
    kinds.extend(sweeps::BONUS);
    let db = &engine.shared().db.read;
    Ok(timers::due_within(db, &kinds, span.from, span.until).await?.is_empty())
}

/// Moves every deadline that fell into an outage, and finishes its row. False when another node
/// took it over.
async fn recover(engine: &Engine, row: outage::Model) -> Result<bool, CommandError> {
    let shared = engine.shared();
    let mut work = Work { engine, row, touched: BTreeSet::new() };
    for _ in 0..LOOKS_MAX {
        shared.timers.reset(DateTime::UNIX_EPOCH);
        let span = Span { from: work.row.down_at, until: work.row.up_at };
        sweeps::shift_bonus(engine, span).await?;
        if !work.shift_all(span).await? {
            return Ok(false);
        }
        let now = shared.clock.now();
        if now - span.until <= QUICK_ENOUGH {
            break;
        }
        if !work.renew(now, Some(now), None).await? {
            return Ok(false);
        }
    }
    shared.timers.reset(DateTime::UNIX_EPOCH);
    let (now, count) = (shared.clock.now(), work.touched.len());
    let done = work.renew(now, None, Some(now)).await?;
    let (down, up) = (work.row.down_at, work.row.up_at);
    tracing::warn!(%down, %up, count, done, "deadlines of our outage moved");
    Ok(done)
}

struct Work<'a> {
    engine: &'a Engine,
    row: outage::Model,
    touched: BTreeSet<Uuid>,
}

impl Work<'_> {
    /// Renews this node's claim on the recovery; `up`: a later end of the outage.
    async fn renew(
        &mut self,
        now: Instant,
        up: Option<Instant>,
        recovered_at: Option<Instant>,
    ) -> Result<bool, CommandError> {
        let (db, touched) = (&self.engine.shared().db.write, self.touched.len());
        Ok(outages::renew(db, &mut self.row, touched, now, (up, recovered_at)).await?)
    }

    /// Timers whose deadline may lie in the outage: an offer's fires a grace after the shown
    /// deadline.
    async fn fallen(&self, from: Instant, span: Span) -> Result<Vec<Fired>, CommandError> {
        let keys = self.engine.context().policy.at(span.until)?.keys;
        let until = span.until + TimeDelta::seconds(keys.quick.net_grace_s);
        let db = &self.engine.shared().db.read;
        Ok(timers::due_within(db, &orders::timers::deadlines(), from, until).await?)
    }

    async fn shift_all(&mut self, span: Span) -> Result<bool, CommandError> {
        let mut from = span.from;
        loop {
            let due = self.fallen(from, span).await?;
            let subjects: BTreeSet<Uuid> = due.iter().map(|fired| fired.subject).collect();
            let new: Vec<Uuid> = subjects.difference(&self.touched).copied().collect();
            if new.is_empty() {
                // The rest belongs to orders already done, or to none: continue after it.
                match due.last() {
                    Some(last) if last.due_at > from => from = last.due_at,
                    _ => return Ok(true),
                }
            }
            for subject in new {
                self.extend(OrderId(subject), self.row.id, span).await?;
                self.touched.insert(subject);
                if self.touched.len().is_multiple_of(RENEWED_AFTER) {
                    let now = self.engine.shared().clock.now();
                    if !self.renew(now, None, None).await? {
                        return Ok(false);
                    }
                }
            }
        }
    }

    async fn extend(
        &self,
        order_id: OrderId,
        outage_id: OutageId,
        outage: Span,
    ) -> Result<(), CommandError> {
        let command = ExtendDeadlines { order_id, outage_id, outage };
        match failure::alone(self.engine.execute(By::CLOCK, None, command).await, order_id) {
            // The order has ended or does not exist: its timer will be consumed.
            Ok(_) | Err(CommandError::Refused(_)) => Ok(()),
            Err(stop) => Err(stop),
        }
    }
}
