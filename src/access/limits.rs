//! Limits on how much of the operator's money one support person may move, by one act and within a
//! day; each act is recorded in the same transaction (SUP-2, SUP-4).

use chrono::TimeDelta;
use entity::support_agent::{self, SupportRole};
use entity::value::{Actor, Money};

use super::Refusal;
use crate::context::Tx;
use crate::policy;
use crate::policy::keys::SupportKeys;
use platform::engine::audit::{self, ActNumbers, AuditedAct};
use platform::{CommandError, Refused};

/// The span over which a person's acts are summed.
const DAY: TimeDelta = TimeDelta::hours(24);

/// Records an act, if the person's role may move this much by one act and within a day (SUP-4).
///
/// # Errors
/// `support_limit`, which names the role that may.
pub async fn act(tx: &mut Tx, act: AuditedAct<'_>) -> Result<(), CommandError> {
    let place = audit::place(tx, act.subject.1).await?;
    bounded(tx, place, act).await
}

/// As [`act`], but refuses where the same amount was recorded for the same subject shortly before,
/// unless it is confirmed that this is another one.
///
/// # Errors
/// `same_amount_a_moment_ago`, `support_limit`.
pub async fn act_once(
    tx: &mut Tx,
    one: AuditedAct<'_>,
    confirmed: bool,
) -> Result<(), CommandError> {
    let (kind, (_, subject_id), amount) = (one.kind, one.subject, one.amount);
    let place = audit::place(tx, subject_id).await?;
    let secs = policy::registry::in_force(tx)?.keys.support.same_amount_s;
    let since = tx.now() - TimeDelta::seconds(secs);
    let before = audit::same(tx, kind, subject_id, amount, since).await?;
    if let Some(before) = before.filter(|_| !confirmed) {
        let no = Refusal::SameAmount.refused();
        return Err(no.with("act", before.id).with("at", before.at).into());
    }
    bounded(tx, place, one).await
}

async fn bounded(tx: &mut Tx, place: ActNumbers, act: AuditedAct<'_>) -> Result<(), CommandError> {
    let person = tx.by().person_id.filter(|_| tx.by().actor == Actor::Support);
    if let Some(person_id) = person {
        let agent = tx.find::<support_agent::Entity>(person_id).await?;
        let role = agent.ok_or(Refusal::Forbidden)?.role;
        let amount = Money(act.amount.0.abs());
        let keys = policy::registry::in_force(tx)?.keys;
        let moved = audit::moved(tx, person_id, tx.now() - DAY).await?;
        within(&keys.support, role, amount, moved)?;
    }
    audit::record(tx, place, act).await
}

/// May this role move this amount, after what it moved within a day?
fn within(
    keys: &SupportKeys,
    role: SupportRole,
    amount: Money,
    moved: Money,
) -> Result<(), Refused> {
    let (by_act, by_day) = bounds(keys, role);
    let day = Money(moved.0.saturating_add(amount.0));
    let (limit, max) = if amount > by_act {
        ("act", by_act)
    } else if amount.is_positive() && day > by_day {
        ("day", by_day)
    } else {
        return Ok(());
    };
    let may = [SupportRole::Administrator, SupportRole::Owner].into_iter().find(|above| {
        let (act, day) = bounds(keys, *above);
        *above > role && amount <= act && amount <= day
    });
    let no = Refusal::SupportLimit.refused().with("role", role).with("limit", limit);
    Err(no.with("max", max).with("moved", moved).with("may", may))
}

fn bounds(keys: &SupportKeys, role: SupportRole) -> (Money, Money) {
    match role {
        SupportRole::Manager => (keys.manager_act_max, keys.manager_day_max),
        SupportRole::Administrator => (keys.administrator_act_max, keys.administrator_day_max),
        SupportRole::Owner => (keys.owner_act_max, keys.owner_day_max),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SUP-4: each role has a limit for one act and for a day; the refusal names the role that may.
    #[test]
    fn sup_4_a_role_moves_so_much() {
        let keys = SupportKeys {
            manager_act_max: Money(100),
            manager_day_max: Money(150),
            administrator_act_max: Money(1_000),
            administrator_day_max: Money(2_000),
            owner_act_max: Money(5_000),
            owner_day_max: Money(9_000),
            same_amount_s: 300,
        };
        let may = |role, amount, moved| {
            within(&keys, role, Money(amount), Money(moved))
                .map_err(|no| (no.with["limit"].clone(), no.with["may"].clone()))
        };
        let (manager, owner) = (SupportRole::Manager, SupportRole::Owner);
        assert_eq!(may(manager, 100, 50), Ok(()));
        assert_eq!(may(manager, 101, 0), Err(("act".into(), "administrator".into())));
        assert_eq!(may(manager, 1_001, 0), Err(("act".into(), "owner".into())));
        assert_eq!(may(manager, 100, 51), Err(("day".into(), "administrator".into())));
        assert_eq!(may(SupportRole::Administrator, 1_000, 1_000), Ok(()));
        assert_eq!(
            may(SupportRole::Administrator, 1_000, 1_001),
            Err(("day".into(), "owner".into()))
        );
        assert_eq!(may(owner, 5_001, 0), Err(("act".into(), serde_json::Value::Null)));
        assert_eq!(may(owner, 0, 10_000), Ok(()), "what moves nothing is never too much");
    }
}
