//! Arrival by the code shown at the branch, and the effects of any arrival (ARR-1, ARR-2, LIM-3).

use chrono::TimeDelta;
use entity::kinds::{CommandName, EventKind, StrikeKind};
use entity::order::{ArrivalBy, Model};
use entity::partner;
use entity::value::fold::fold_digits;
use entity::value::{Actor, Instant, OrderId};

use super::late;
use crate::context::{Context, Engine, Tx};
use crate::orders::decision::Step;
use crate::orders::machine::{self, Intent};
use crate::orders::read::{self, OrderScope};
use crate::orders::view::OrderView;
use crate::orders::{Refusal, write};
use crate::partners;
use crate::partners::profile::arrival_code;
use crate::policy::{self, Policy};
use crate::reputation::record;
use platform::engine::idempotency::Key;
use platform::{By, Command, CommandError, Done};

/// Records an arrival by the code shown at the branch.
pub struct ArriveByCode {
    /// The acting client.
    pub scope: OrderScope,
    /// The order.
    pub order_id: OrderId,
    /// The code.
    pub code: String,
    /// Whether one of the order's attempts was spent on this code.
    pub claimed: bool,
}

impl Command<Context> for ArriveByCode {
    type Answer = OrderView;
    const NAME: CommandName = CommandName::Arrive;

    async fn run(&self, tx: &mut Tx) -> Result<OrderView, CommandError> {
        let order = read::ask(tx, self.scope, self.order_id, Intent::Arrive).await?;
        let policy = policy::registry::at_version(tx, order.policy_version)?;
        let proof = if !self.claimed {
            ArrivalProof::NoTryLeft
        } else if self.right(tx, &order, &policy).await? {
            ArrivalProof::Code
        } else {
            ArrivalProof::WrongCode
        };
        let step = Self::decide(&order, &ArrivalFacts { proof }, &policy, tx.now());
        let step = step.map_err(|refusal| read::refuse(tx, refusal, &order, self.scope))?;
        let order = write::step(tx, &order, step).await?;
        read::shown(tx, &order, self.scope)
    }
}

/// What an arrival depends on beside the order.
pub(in crate::orders) struct ArrivalFacts {
    /// The proof of it.
    pub proof: ArrivalProof,
}

/// The proof of an arrival.
#[derive(Clone, Copy)]
pub(in crate::orders) enum ArrivalProof {
    /// Positions near the branch.
    Positions,
    /// The code shown there.
    Code,
    /// A code that is not shown there.
    WrongCode,
    /// A code that was not compared: the order has no attempts left.
    NoTryLeft,
}

impl ArriveByCode {
    /// Every no-show deadline ends, and the partner's time to admit the car begins (ARR-1, ARR-2).
    pub(in crate::orders) fn decide(
        order: &Model,
        facts: &ArrivalFacts,
        policy: &Policy,
        now: Instant,
    ) -> Result<Step, Refusal> {
        machine::next(order, Intent::Arrive, Actor::Client)?;
        if order.arrived_at.is_some() {
            return Err(Refusal::AlreadyArrived);
        }
        if order.frozen_until.is_some() {
            return Err(Refusal::Frozen);
        }
        if late::travel_window(order, policy).early(now) {
            return Err(Refusal::TooEarlyToDepart);
        }
        late::still_awaited(order, policy, now)?;
        let by = match facts.proof {
            ArrivalProof::Positions => ArrivalBy::Position,
            ArrivalProof::Code => ArrivalBy::Code,
            ArrivalProof::WrongCode => return Err(Refusal::WrongCode),
            ArrivalProof::NoTryLeft => return Err(Refusal::TooManyCodes),
        };
        Ok(Step::new(Intent::Arrive, EventKind::OrderArrived, arrived(order, policy, by, now)))
    }

    /// Is it the code shown at the branch?
    async fn right(
        &self,
        tx: &mut Tx,
        order: &Model,
        policy: &Policy,
    ) -> Result<bool, CommandError> {
        let partner = tx.find_cached::<partner::Entity>(order.partner_id).await?;
        let partner = partner.ok_or(partners::Refusal::NoSuchPartner)?;
        let keys = tx.keys();
        let grace = TimeDelta::minutes(policy.arrival.code_grace_min);
        let [today, before] = arrival_code::good(&keys, &partner, tx.now(), grace)?;
        let said = fold_digits(&self.code);
        let is = |code: &str| keys.same(code, &said);
        Ok(is(&today) || is(&before))
    }
}

/// Spends one of an order's attempts before the code is compared: concurrent ones all count.
struct ClaimTry {
    scope: OrderScope,
    order_id: OrderId,
}

impl Command<Context> for ClaimTry {
    type Answer = ();
    const NAME: CommandName = CommandName::ClaimCodeTry;

    async fn run(&self, tx: &mut Tx) -> Result<(), CommandError> {
        let order = read::ask(tx, self.scope, self.order_id, Intent::Arrive).await?;
        let tries = policy::registry::at_version(tx, order.policy_version)?.arrival.code_tries;
        let spent = record::claimed(tx, self.order_id, StrikeKind::CodeTry).await?;
        if spent >= tries || order.arrived_at.is_some() || order.frozen_until.is_some() {
            return Err(Refusal::TooManyCodes.into());
        }
        record::claim(tx, order.id, spent, StrikeKind::CodeTry, Refusal::TooManyCodes.refused());
        Ok(())
    }
}

/// Records an arrival by code; every compared code spends one of the order's attempts.
///
/// # Errors
/// Refusals of [`ArriveByCode`].
pub async fn by_code(
    engine: &Engine,
    by: By,
    key: Key,
    command: ArriveByCode,
) -> Result<Done<OrderView>, CommandError> {
    let claim = ClaimTry { scope: command.scope, order_id: command.order_id };
    let claimed = match engine.execute(by, None, claim).await {
        Ok(_) => true,
        // The command itself gives the refusal, or repeats its answer.
        Err(CommandError::Refused(_)) => false,
        Err(stop) => return Err(stop),
    };
    engine.execute(by, Some(key), ArriveByCode { claimed, ..command }).await
}

/// May the client depart? Before that nothing counts as an arrival (ARR-1, BK-5).
pub(in crate::orders) fn departing(order: &Model, now: Instant) -> bool {
    order.depart_from.is_none_or(|from| now >= from)
}

/// The order after an arrival; the time to admit the car begins not before a booking's start
/// (ARR-2).
fn arrived(order: &Model, policy: &Policy, by: ArrivalBy, now: Instant) -> Model {
    let begins = order.starts_at.map_or(now, |start| start.max(now));
    let minutes = |n| Some(begins + TimeDelta::minutes(n));
    Model {
        arrived_at: Some(now),
        arrival_by: Some(by),
        eta_at: Some(now),
        overdue_at: None,
        decision_deadline: None,
        admit_alert_at: minutes(policy.arrival.admit_min),
        admit_deadline: minutes(policy.arrival.admit_end_min),
        ..order.clone()
    }
}
