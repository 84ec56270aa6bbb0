//! Sweeps besides timers: balances not yet notified, and bonus that expired during an outage.

use std::collections::BTreeSet;

use entity::kinds::TimerKind;
use entity::value::Span;
use uuid::Uuid;

use crate::bonus::expiry::ExtendHead;
use crate::context::Engine;
use crate::ledger::watch::{TellBalance, untold};
use platform::scheduler::timers;
use platform::{By, CommandError, failure};

/// Timers of bonus that outages of ours move.
pub const BONUS: &[TimerKind] = &[TimerKind::ExpireBonus];

/// Emits an event to branches whose balance became low or restricted, or recovered (BAL-3, BAL-4);
/// returns how many.
///
/// # Errors
/// When the database fails.
pub async fn tell_balances(engine: &Engine) -> Result<usize, CommandError> {
    let untold = untold(&engine.shared().db.read).await?;
    let n = untold.len();
    for partner_id in untold {
        let told = engine.execute(By::CLOCK, None, TellBalance { partner_id }).await;
        match failure::alone(told, partner_id) {
            // It changed again meanwhile: the next sweep sees it.
            Ok(_) | Err(CommandError::Refused(_) | CommandError::Contended) => {}
            Err(stop) => return Err(stop),
        }
    }
    Ok(n)
}

/// Extends bonus that expired during an outage (OUT-1).
///
/// # Errors
/// When the database fails.
pub async fn shift_bonus(engine: &Engine, outage: Span) -> Result<usize, CommandError> {
    let mut touched: BTreeSet<Uuid> = BTreeSet::new();
    let mut from = outage.from;
    loop {
        let db = &engine.shared().db.read;
        let due = timers::due_within(db, BONUS, from, outage.until).await?;
        let new: Vec<Uuid> =
            due.iter().map(|fired| fired.subject).filter(|id| touched.insert(*id)).collect();
        for owner in new {
            let shifted = engine.execute(By::CLOCK, None, ExtendHead { owner, outage }).await;
            match failure::alone(shifted, owner) {
                Ok(_) | Err(CommandError::Refused(_)) => {}
                Err(stop) => return Err(stop),
            }
        }
        match due.last() {
            Some(last) if last.due_at > from => from = last.due_at,
            Some(_) | None => return Ok(touched.len()),
        }
    }
}
