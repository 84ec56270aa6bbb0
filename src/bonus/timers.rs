//! The timers of an owner's queue: its head expires, and its owner is notified before (BON-1,
//! BON-7).

use chrono::TimeDelta;
use entity::kinds::TimerKind;
use entity::lot;

use super::Owner;
use crate::context::Tx;
use crate::policy;
use platform::CommandError;

/// Arms the timers of a queue with this head.
///
/// # Errors
/// Faults only.
pub fn arm(tx: &mut Tx, owner: Owner, head: Option<&lot::Model>) -> Result<(), CommandError> {
    let warn = TimeDelta::minutes(policy::registry::in_force(tx)?.keys.bonus.warn_min);
    let end = head.and_then(|head| head.expires_at);
    let warned = head.is_some_and(|head| head.warned_at.is_some());
    match end {
        None => tx.disarm(TimerKind::ExpireBonus, owner.id()),
        Some(end) => tx.arm(TimerKind::ExpireBonus, owner.id(), end),
    }
    // If the lifetime is shorter than the notice period, the notice is due at once.
    match end.filter(|_| !warned).map(|end| (end - warn).max(tx.now())) {
        None => tx.disarm(TimerKind::WarnBonus, owner.id()),
        Some(at) => tx.arm(TimerKind::WarnBonus, owner.id(), at),
    }
    Ok(())
}
