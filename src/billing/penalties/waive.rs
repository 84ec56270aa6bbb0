//! Waiving a penalty with all its consequences, and reinstating it (PEN-7).

use chrono::TimeDelta;
use entity::kinds::{CommandName, EventKind};
use entity::penalty::{self as row, PenaltyState};
use entity::value::{Instant, Money, PenaltyId, WaiverId};
use entity::waiver;
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::penalty_payment::{self, SentBack};
use super::read::{self, PenaltyView, view};
use super::{emit, penalty};
use crate::access::limits;
use crate::billing::Refusal;
use crate::context::{Context, Tx};
use crate::ledger::post::penalty::{self as post, PenaltyAct};
use crate::ledger::split::{Split, split};
use crate::reputation::strike::{self, Counted};
use platform::codes::given;
use platform::engine::audit;
use platform::scheduler::heartbeat;
use platform::{Command, CommandError, Fault, Refused};

/// Everything an act changes, with the values before or after it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Record {
    penalty: PenaltyCells,
    posted: Posted,
    counted: Counted,
    /// The refunds through providers that the waiver started.
    #[serde(default)]
    sent_back: Vec<SentBack>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct PenaltyCells {
    state: PenaltyState,
    paid: Money,
    payments: i32,
    settled_at: Option<Instant>,
}

impl PenaltyCells {
    fn restored(&self) -> (PenaltyState, Money, Option<Instant>) {
        (self.state, self.paid, self.settled_at)
    }
}

/// The penalty's posted shares.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Posted {
    partner: Money,
    operator: Money,
}

/// Waives a penalty: undoes the fee, the shares, the strikes and the ban they caused.
pub struct Waive {
    /// The penalty.
    pub penalty_id: PenaltyId,
    /// The technical failure or plain error that was shown.
    pub reason: String,
}

impl Command<Context> for Waive {
    type Answer = PenaltyView;
    const NAME: CommandName = CommandName::WaivePenalty;

    async fn run(&self, tx: &mut Tx) -> Result<PenaltyView, CommandError> {
        let reason = given(&self.reason)?;
        let (old, keys) = read::load(tx, self.penalty_id).await?;
        let days = keys.penalty.dispute_days;
        let until = penalty::dispute_until(&old, days);
        let least = TimeDelta::seconds(keys.outage.least_s);
        let judged = heartbeat::judged(tx.db(), until, tx.now(), least).await?;
        let next = penalty::waived(&old, days, judged)
            .map_err(|refusal| Refused::from(refusal).with("until", until))?;
        limits::act(tx, record("waive_penalty", (&old, &next), old.amount, reason)).await?;
        let parts = split(old.paid, keys.fee.split_partner_bp);
        post::share_back(tx, &act(&next, reason), parts)?;
        let (before, after) = strike::void(tx, old.client_id, old.order_id).await?;
        tx.update(&old, &next);
        let sent_back = penalty_payment::send_back(tx, old.id, reason).await?;
        let (penalty, posted_before) = (cells(&old), posted(parts));
        let before = Record { penalty, posted: posted_before, counted: before, sent_back };
        let (penalty, posted) = (cells(&next), posted(Split::default()));
        let after = Record { penalty, posted, counted: after, sent_back: Vec::new() };
        let nobody = || Fault::Other("a waiver is somebody's act".to_owned());
        tx.insert(waiver::Model {
            id: WaiverId::new(),
            penalty_id: old.id,
            by_person: tx.by().person_id.ok_or_else(nobody)?,
            reason: reason.to_owned(),
            before: serde_json::to_value(before)?,
            after: serde_json::to_value(after)?,
            at: tx.now(),
            undone_at: None,
            undone_by: None,
            undone_reason: None,
            version: 1,
        });
        let shown = view(&next, &keys);
        emit::client(tx, &shown, Some(reason))?;
        emit::branch(tx, &next, "penalty_share_back", Money(-parts.partner.0))?;
        emit::support(tx, EventKind::SupportPenaltyWaived, &shown, reason)?;
        Ok(shown)
    }
}

/// Undoes a waiver: restores the penalty, its shares, its strikes and its ban.
pub struct Reinstate {
    /// The penalty.
    pub penalty_id: PenaltyId,
    /// Support's reason.
    pub reason: String,
}

impl Command<Context> for Reinstate {
    type Answer = PenaltyView;
    const NAME: CommandName = CommandName::ReinstatePenalty;

    async fn run(&self, tx: &mut Tx) -> Result<PenaltyView, CommandError> {
        let reason = given(&self.reason)?;
        let (old, keys) = read::load(tx, self.penalty_id).await?;
        let waiver = standing(tx, old.id).await?;
        let was: Record = serde_json::from_value(waiver.before.clone()).map_err(|error| {
            let (table, id) = ("waiver", waiver.id.to_string());
            Fault::Inconsistent { table, id, what: format!("before: {error}") }
        })?;
        // What was refunded since becomes a debt again.
        let gone = penalty_payment::call_back(tx, &was.sent_back, reason).await?;
        let back = penalty::without(was.penalty.restored(), gone);
        let next = penalty::reinstated(&old, back)?;
        limits::act(tx, record("reinstate_penalty", (&old, &next), old.amount, reason)).await?;
        let parts = split(next.paid, keys.fee.split_partner_bp);
        post::share(tx, &act(&next, reason), parts)?;
        strike::unvoid(tx, old.client_id, &was.counted).await?;
        tx.update(&old, &next);
        let undone = waiver::Model {
            undone_at: Some(tx.now()),
            undone_by: tx.by().person_id,
            undone_reason: Some(reason.to_owned()),
            ..waiver.clone()
        };
        tx.update(&waiver, &undone);
        let shown = view(&next, &keys);
        emit::client(tx, &shown, Some(reason))?;
        emit::branch(tx, &next, "penalty_share", parts.partner)?;
        emit::support(tx, EventKind::SupportPenaltyReinstated, &shown, reason)?;
        Ok(shown)
    }
}

/// The penalty's waiver that was not undone.
async fn standing(tx: &Tx, penalty_id: PenaltyId) -> Result<waiver::Model, CommandError> {
    let rows = waiver::Entity::find()
        .filter(waiver::Column::PenaltyId.eq(penalty_id))
        .filter(waiver::Column::UndoneAt.is_null())
        .all(tx.db())
        .await?;
    rows.into_iter().next().ok_or_else(|| Refusal::NotWaived.into())
}

/// The audit record of an act about a penalty (SUP-2).
pub(in crate::billing) fn record<'a>(
    kind: &'static str,
    (old, next): (&row::Model, &row::Model),
    amount: Money,
    reason: &'a str,
) -> audit::AuditedAct<'a> {
    let (before, after) = (json!(cells(old)), json!(cells(next)));
    audit::AuditedAct { kind, subject: ("penalty", old.id.0), amount, reason, before, after }
}

fn act<'a>(next: &row::Model, note: &'a str) -> PenaltyAct<'a> {
    let (penalty_id, order_id) = (next.id, next.order_id);
    PenaltyAct { penalty_id, order_id, partner_id: next.partner_id, n: next.payments, note }
}

fn cells(row: &row::Model) -> PenaltyCells {
    PenaltyCells {
        state: row.state,
        paid: row.paid,
        payments: row.payments,
        settled_at: row.settled_at,
    }
}

fn posted(parts: Split) -> Posted {
    Posted { partner: parts.partner, operator: parts.operator }
}
