//! The check of this node's clock. At each heartbeat it is compared with the database's clock,
//! which all nodes share; a process that serves a file alone compares the time of day with the
//! machine's running time.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{ConnectionTrait as _, DatabaseBackend, DbErr, Statement};

use crate::clock::Clock;
use crate::db::pool::Pool;
use crate::engine::shared::Shared;

/// An answer of the database that took longer than this is too inexact to correct the clock by.
const SURE: TimeDelta = TimeDelta::milliseconds(50);

/// The comparison, with its state between heartbeats.
pub struct Clocks {
    most: TimeDelta,
    off: AtomicBool,
    wall_ahead: Mutex<Option<TimeDelta>>,
}

/// How far the right time is ahead of this node's clock, and the error of that estimate.
struct Offset {
    ahead: TimeDelta,
    unsure: TimeDelta,
}

impl Clocks {
    /// `most_ms`: how far the clocks may differ, milliseconds.
    #[must_use]
    pub fn new(most_ms: u64) -> Self {
        let most = TimeDelta::milliseconds(i64::try_from(most_ms).unwrap_or(i64::MAX / 2_000));
        Self { most, off: AtomicBool::new(false), wall_ahead: Mutex::new(None) }
    }

    /// Compares; false when this node must not decide anything. A small difference is corrected
    /// slowly.
    ///
    /// # Errors
    /// When the database fails.
    ///
    /// # Source
    /// OUT-1, ORD-5: one clock decides.
    pub async fn agree(&self, shared: &Shared) -> Result<bool, DbErr> {
        let Shared { clock, db, serving, .. } = shared;
        let Some(wall) = clock.wall() else { return Ok(true) };
        let wall_ahead = wall - clock.now();
        self.notice_jump(wall_ahead);
        if db.backend == DatabaseBackend::Sqlite {
            // No other node decides here: the clock follows the running time, whatever the time of
            // day is.
            show("wall", wall_ahead);
            clock.steer(wall_ahead);
            return Ok(true);
        }
        let Offset { ahead, unsure } = measure(clock.as_ref(), &db.read).await?;
        show("database", ahead);
        if unsure <= SURE {
            clock.steer(ahead);
        }
        let off = match unsure {
            unsure if ahead.abs() - unsure > self.most => true,
            unsure if unsure < self.most => false,
            // The answer took too long to conclude anything.
            _ => self.off.load(Ordering::Relaxed),
        };
        self.off.store(off, Ordering::Relaxed);
        if serving.clock(off) {
            let ahead_ms = ahead.num_milliseconds();
            metrics::gauge!("yumo_clock_off").set(if off { 1.0 } else { 0.0 });
            if off {
                tracing::error!(alarm = "clock_off", ahead_ms, "this node's clock is wrong");
            } else {
                tracing::warn!(ahead_ms, "this node's clock is right again");
            }
        }
        Ok(!off)
    }

    /// Logs when the time of day and the running time drift apart. That moves no deadline, but an
    /// operator should know.
    fn notice_jump(&self, ahead: TimeDelta) {
        let mut last = self.wall_ahead.lock().unwrap_or_else(PoisonError::into_inner);
        let by = ahead - last.replace(ahead).unwrap_or(ahead);
        if by.abs() > self.most {
            let by_ms = by.num_milliseconds();
            metrics::counter!("yumo_clock_jumps").increment(1);
            tracing::error!(alarm = "clock_jumped", by_ms, "the machine's time of day jumped");
        }
    }
}

fn show(against: &'static str, ahead: TimeDelta) {
    metrics::gauge!("yumo_clock_ahead_seconds", "against" => against).set(ahead.as_seconds_f64());
}

async fn measure(clock: &dyn Clock, db: &Pool) -> Result<Offset, DbErr> {
    let asks = Statement::from_string(DatabaseBackend::Postgres, "SELECT clock_timestamp() AS now");
    let before = clock.now();
    let row = db.query_one_raw(asks).await?;
    let after = clock.now();
    let row = row.ok_or_else(|| DbErr::Custom("the database said no time".to_owned()))?;
    let there: DateTime<Utc> = row.try_get("", "now")?;
    let unsure = (after - before) / 2;
    Ok(Offset { ahead: there - (before + unsure), unsure })
}
