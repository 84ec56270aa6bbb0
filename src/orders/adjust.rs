//! Support ends, closes or corrects an order, with a reason (ORD, SUP-2).

use entity::order::{self, EndReason, Model, OrderStatus};
use entity::value::{Money, OrderId, ServiceId};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::Refusal;
use super::amount::{far_off, stayed};
use super::cancel::{End, let_go_by_hand, let_go_late};
use super::complete::{ChangeServices, completed, held, settle};
use super::machine::Intent;
use super::read::{self, OrderScope};
use super::view::{OrderView, Reader, view};
use super::write::{self, Step};
use crate::access::limits;
use crate::billing::funds;
use crate::ledger::commission::{base, commission};
use crate::platform::audit;
use crate::platform::codes::given;
use crate::platform::{Command, CommandError, Tx, readable};
use crate::policy;

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

impl Command for Adjust {
    type Answer = OrderView;
    const NAME: &'static str = "adjust";

    async fn run(&self, tx: &mut Tx) -> Result<OrderView, CommandError> {
        let intent = match self.act {
            Adjustment::ChangeServices => return self.change_services(tx).await,
            Adjustment::ForceCancel => Intent::ForceCancel,
            Adjustment::ForceComplete => Intent::ForceComplete,
            Adjustment::Amend => Intent::Amend,
        };
        let (order, to) = read::ask(tx, OrderScope::Support, self.order_id, intent).await?;
        read::fresh(tx, &order, self.seen, OrderScope::Support).await?;
        let reason = given(&self.reason)?;
        if self.final_amount.is_some_and(|amount| !amount.is_positive()) {
            return Err(Refusal::AmountInvalid.refused().at("/final_amount").into());
        }
        let before = order.clone();
        let order = match self.act {
            Adjustment::ForceCancel => cancel(tx, &order, to, reason).await?,
            Adjustment::ForceComplete => self.complete(tx, &order, to, reason).await?,
            Adjustment::Amend | Adjustment::ChangeServices => {
                self.amend(tx, &order, reason).await?
            }
        };
        self.record(tx, &before, &order).await?;
        Ok(view(&order, Reader::Support))
    }
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

    async fn complete(
        &self,
        tx: &mut Tx,
        order: &Model,
        to: OrderStatus,
        reason: &str,
    ) -> Result<Model, CommandError> {
        let keys = policy::registry::at_version(tx, order.policy_version)?;
        // Naming an amount is support's confirmation of it (ORD-11).
        let stayed = stayed(tx, order, &keys).await?;
        let amount = self.final_amount.unwrap_or_else(|| base(&stayed));
        let flagged = far_off(stayed.client_agreed, amount, &keys);
        let confirmed = self.final_amount.or(stayed.amount_confirmed);
        let stayed = Model { amount_confirmed: confirmed, ..stayed };
        let next = completed(&stayed, amount, flagged, &keys, tx.now());
        let next = Model { status: to, frozen_until: None, ..next };
        let next = settle(tx, order, next).await?;
        let step = Step {
            note: json!({"reason": reason, "final_amount": amount}),
            ..Step::new(Intent::ForceComplete, "order.completed", next)
        };
        write::step(tx, order, step)
    }

    /// Corrects an ended order: its status stays, a posting of its own adjusts the commission to
    /// the correct amount.
    async fn amend(&self, tx: &mut Tx, order: &Model, reason: &str) -> Result<Model, CommandError> {
        let mut next = order.clone();
        if order.status == OrderStatus::Cancelled {
            let_go_late(tx, order).await?;
        }
        if let Some(amount) = self.final_amount {
            if order.status != OrderStatus::Completed {
                return Err(Refusal::AmountInvalid
                    .refused()
                    .at("/final_amount")
                    .because("A cancelled order has no final amount.")
                    .into());
            }
            let keys = policy::registry::at_version(tx, order.policy_version)?;
            let confirmed = Some(amount);
            next = Model { final_amount: confirmed, amount_confirmed: confirmed, ..next };
            let due = commission(base(&next), &keys.commission);
            if amount < order.bonus {
                return Err(Refusal::BelowBonus.refused().with("bonus", order.bonus).into());
            }
            next.commission_bonus = funds::amend(tx, &held(order), due, &order.code).await?;
            next.commission = due;
        }
        let step = Step {
            note: json!({
                "reason": reason,
                "before": {"final_amount": order.final_amount, "commission": order.commission},
                "after": {"final_amount": next.final_amount, "commission": next.commission},
            }),
            ..Step::new(Intent::Amend, "order.amended", next)
        };
        write::step(tx, order, step)
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

async fn cancel(
    tx: &mut Tx,
    order: &Model,
    to: OrderStatus,
    reason: &str,
) -> Result<Model, CommandError> {
    // Closing replaces fields that could not be decoded; the history keeps their stored text.
    let unreadable = match &order.unreadable {
        Some(_) => Some(readable::raw::<_, order::Entity>(tx.db(), order.id.0).await?),
        None => None,
    };
    let kept = let_go_by_hand(tx, order).await?;
    let end = End {
        intent: Intent::ForceCancel,
        event: "order.cancelled",
        to,
        reason: EndReason::SupportCancelled,
        penalty: Money::ZERO,
        note: json!({"reason": reason, "unreadable": unreadable, "kept": kept}),
        marks: Vec::new(),
    };
    end.ended(tx, order)
}
