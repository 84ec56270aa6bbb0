//! Support ends, closes or corrects an order, with a reason (ORD, SUP-2).

use entity::kinds::{CommandName, EventKind};
use entity::order;
use entity::order::{EndReason, Model, OrderStatus};
use entity::value::{Actor, Instant, Money, OrderId, ServiceId};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::amount::{far_off, stayed};
use super::complete::{ChangeServices, completed};
use crate::access::limits;
use crate::context::{Context, Tx};
use crate::ledger::commission::{base, commission};
use crate::orders::decision::{End, MoneyMove, OutagesSince, Step};
use crate::orders::machine::{self, Intent};
use crate::orders::money::{let_go_by_hand, let_go_late};
use crate::orders::read::{self, OrderScope};
use crate::orders::view::OrderView;
use crate::orders::{Refusal, write};
use crate::policy::{self, Policy};
use platform::codes::given;
use platform::db::readable;
use platform::engine::audit;
use platform::{Command, CommandError, Refused};

/// An adjustment by support.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Adjustment {
    /// Ends an open order.
    ForceCancel,
    /// Closes an accepted order as served.
    ForceComplete,
    /// Changes the services of an accepted order manually (ADD-3).
    ChangeServices,
    /// Corrects an order that has ended: by compensating postings, never by an edit.
    Amend,
}

/// Adjusts an order.
pub struct Adjust {
    /// The order.
    pub order_id: OrderId,
    /// The version support saw (ORD-3).
    pub seen: i64,
    /// The adjustment.
    pub act: Adjustment,
    /// The reason.
    pub reason: String,
    /// The correct amount.
    pub final_amount: Option<Money>,
    /// All services after the change.
    pub service_ids: Option<Vec<ServiceId>>,
}

impl Command<Context> for Adjust {
    type Answer = OrderView;
    const NAME: CommandName = CommandName::Adjust;

    async fn run(&self, tx: &mut Tx) -> Result<OrderView, CommandError> {
        let intent = match self.act {
            Adjustment::ChangeServices => return self.change_services(tx).await,
            Adjustment::ForceCancel => Intent::ForceCancel,
            Adjustment::ForceComplete => Intent::ForceComplete,
            Adjustment::Amend => Intent::Amend,
        };
        let order = read::ask(tx, OrderScope::Support, self.order_id, intent).await?;
        read::fresh(tx, &order, self.seen, OrderScope::Support).await?;
        let reason = given(&self.reason)?;
        if self.final_amount.is_some_and(|amount| !amount.is_positive()) {
            return Err(Refusal::AmountInvalid.refused().at("/final_amount").into());
        }
        let step = match self.act {
            Adjustment::ForceCancel => {
                let asked = ForceCancel::decide(&order, &ForceCancelFacts::default(), tx.now());
                asked.map_err(|refusal| Self::refuse(tx, refusal, &order))?;
                let (unreadable, kept) = release_by_hand(tx, &order).await?;
                let facts = ForceCancelFacts { reason, unreadable, kept };
                ForceCancel::decide(&order, &facts, tx.now())
            }
            Adjustment::ForceComplete => {
                let keys = policy::registry::at_version(tx, order.policy_version)?;
                let outages = read::leaving_outages(tx, &order, &keys).await?;
                let since = OutagesSince { outages: &outages };
                let facts = AdjustFacts { reason, amount: self.final_amount, since };
                ForceComplete::decide(&order, &facts, &keys, tx.now())
            }
            Adjustment::Amend | Adjustment::ChangeServices => {
                let keys = policy::registry::at_version(tx, order.policy_version)?;
                let (amount, since) = (self.final_amount, OutagesSince::default());
                let facts = AdjustFacts { reason, amount, since };
                let step = Amend::decide(&order, &facts, &keys, tx.now());
                if step.is_ok() && order.status == OrderStatus::Cancelled {
                    let_go_late(tx, &order).await?;
                }
                step
            }
        };
        let step = step.map_err(|refusal| Self::refuse(tx, refusal, &order))?;
        let before = order;
        let order = write::step(tx, &before, step).await?;
        self.record(tx, &before, &order).await?;
        read::shown(tx, &order, OrderScope::Support)
    }
}

/// What ending by support depends on beside the order.
#[derive(Default)]
struct ForceCancelFacts<'a> {
    /// The reason.
    reason: &'a str,
    /// The stored text of an order that cannot be read.
    unreadable: Option<serde_json::Value>,
    /// The tables with rows that could not be released.
    kept: Vec<&'static str>,
}

/// What a correction by support depends on beside the order.
#[derive(Default)]
struct AdjustFacts<'a> {
    /// The reason.
    reason: &'a str,
    /// The correct amount, if one is named.
    amount: Option<Money>,
    /// The outages since the client's time to leave ended.
    since: OutagesSince<'a>,
}

impl Adjust {
    async fn change_services(&self, tx: &mut Tx) -> Result<OrderView, CommandError> {
        let change = ChangeServices {
            scope: OrderScope::Support,
            order_id: self.order_id,
            seen: self.seen,
            service_ids: self.service_ids.clone().ok_or(Refusal::ServicesInvalid)?,
            amount: self.final_amount,
            reason: Some(self.reason.clone()),
        };
        let before = tx.find::<order::Entity>(self.order_id).await?.ok_or(Refusal::NoSuchOrder)?;
        let shown = change.run(tx).await?;
        let reason = given(&self.reason)?;
        let (was, is) = (amount(&before), shown.total);
        let act = audit::AuditedAct {
            kind: "change_services",
            subject: ("order", before.id.0),
            amount: Money(is.0 - was.0),
            reason,
            before: cells(&before),
            after: json!({"agreed": is, "version": shown.version}),
        };
        limits::act(tx, act).await?;
        Ok(shown)
    }

    /// Writes the audit record of the act; the change of the order's amount counts against the
    /// limit (SUP-2, SUP-4).
    async fn record(&self, tx: &mut Tx, before: &Model, after: &Model) -> Result<(), CommandError> {
        let kind = match self.act {
            Adjustment::ForceCancel => "force_cancel",
            Adjustment::ForceComplete => "force_complete",
            Adjustment::ChangeServices => "change_services",
            Adjustment::Amend => "amend",
        };
        let act = audit::AuditedAct {
            kind,
            subject: ("order", before.id.0),
            amount: Money(amount(after).0 - amount(before).0),
            reason: given(&self.reason)?,
            before: cells(before),
            after: cells(after),
        };
        limits::act(tx, act).await
    }

    /// A refusal of the act: names the field that is at fault.
    fn refuse(tx: &Tx, refusal: Refusal, order: &Model) -> CommandError {
        let refused = refusal.refused();
        let refused: Refused = if refusal == Refusal::AmountInvalid {
            refused.at("/final_amount").because("A cancelled order has no final amount.")
        } else if refusal == Refusal::BelowBonus {
            refused.with("bonus", order.bonus)
        } else {
            return read::refuse(tx, refused, order, OrderScope::Support);
        };
        refused.into()
    }
}

/// Support ends an open order. Its money is released beforehand, as far as its rows can be read.
pub(in crate::orders) struct ForceCancel;

impl ForceCancel {
    /// What the table permits, also for an order that cannot be read.
    fn decide(order: &Model, facts: &ForceCancelFacts<'_>, now: Instant) -> Result<Step, Refusal> {
        let to = machine::next(order, Intent::ForceCancel, Actor::Support)?;
        let note =
            json!({"reason": facts.reason, "unreadable": facts.unreadable, "kept": facts.kept});
        let end = End { fault: None, ..End::of(to, EndReason::SupportCancelled, now) };
        let step = Step::end(Intent::ForceCancel, EventKind::OrderCancelled, order, end);
        Ok(Step { note, money: MoneyMove::Nothing, ..step })
    }

    /// Whether support may end it now.
    pub(in crate::orders) fn asked(order: &Model, now: Instant) -> Result<Step, Refusal> {
        Self::decide(order, &ForceCancelFacts::default(), now)
    }
}

/// Support closes an accepted order as served.
pub(in crate::orders) struct ForceComplete;

impl ForceComplete {
    /// At the amount support names, which confirms it (ORD-11), or at that of a completion by the
    /// scheduler.
    fn decide(
        order: &Model,
        facts: &AdjustFacts<'_>,
        policy: &Policy,
        now: Instant,
    ) -> Result<Step, Refusal> {
        let to = machine::next(order, Intent::ForceComplete, Actor::Support)?;
        let stayed = stayed(order, &facts.since, policy, now);
        let amount = facts.amount.unwrap_or_else(|| base(&stayed));
        let flagged = far_off(stayed.client_agreed, amount, policy);
        let confirmed = facts.amount.or(stayed.amount_confirmed);
        let stayed = Model { amount_confirmed: confirmed, ..stayed };
        let next = completed(&stayed, amount, flagged, policy, now);
        let next = Model { status: to, frozen_until: None, ..next };
        Ok(Step {
            note: json!({"reason": facts.reason, "final_amount": amount}),
            money: MoneyMove::Capture,
            ..Step::new(Intent::ForceComplete, EventKind::OrderCompleted, next)
        })
    }

    /// Whether support may close it now.
    pub(in crate::orders) fn asked(
        order: &Model,
        policy: &Policy,
        now: Instant,
    ) -> Result<Step, Refusal> {
        Self::decide(order, &AdjustFacts::default(), policy, now)
    }
}

/// Support corrects an ended order: its status stays, a posting of its own adjusts the commission.
pub(in crate::orders) struct Amend;

impl Amend {
    /// The amount of a completed order, not below what was paid with bonus.
    fn decide(
        order: &Model,
        facts: &AdjustFacts<'_>,
        policy: &Policy,
        _: Instant,
    ) -> Result<Step, Refusal> {
        machine::next(order, Intent::Amend, Actor::Support)?;
        let mut next = order.clone();
        let mut money = MoneyMove::Nothing;
        if let Some(amount) = facts.amount {
            if order.status != OrderStatus::Completed {
                return Err(Refusal::AmountInvalid);
            }
            if amount < order.bonus {
                return Err(Refusal::BelowBonus);
            }
            let confirmed = Some(amount);
            next = Model { final_amount: confirmed, amount_confirmed: confirmed, ..next };
            next.commission = commission(base(&next), &policy.commission);
            money = MoneyMove::Correct;
        }
        Ok(Step {
            note: json!({
                "reason": facts.reason,
                "before": {"final_amount": order.final_amount, "commission": order.commission},
                "after": {"final_amount": next.final_amount, "commission": next.commission},
            }),
            money,
            ..Step::new(Intent::Amend, EventKind::OrderAmended, next)
        })
    }

    /// Whether support may correct it now.
    pub(in crate::orders) fn asked(
        order: &Model,
        policy: &Policy,
        now: Instant,
    ) -> Result<Step, Refusal> {
        Self::decide(order, &AdjustFacts::default(), policy, now)
    }
}

fn amount(order: &Model) -> Money {
    order.final_amount.unwrap_or(order.agreed)
}

/// The fields of an order that support may change; none is personal.
fn cells(order: &Model) -> serde_json::Value {
    json!({
        "status": order.status, "agreed": order.agreed, "final_amount": order.final_amount,
        "commission": order.commission, "bonus": order.bonus, "version": order.version,
    })
}

/// Releases by hand what an order holds. Closing replaces fields that could not be decoded; the
/// history keeps their stored text.
async fn release_by_hand(
    tx: &mut Tx,
    order: &Model,
) -> Result<(Option<serde_json::Value>, Vec<&'static str>), CommandError> {
    let unreadable = match &order.unreadable {
        Some(_) => {
            let raw = readable::raw::<_, order::Entity>(tx.db(), order.id.0).await?;
            Some(serde_json::to_value(raw)?)
        }
        None => None,
    };
    Ok((unreadable, let_go_by_hand(tx, order).await?))
}
