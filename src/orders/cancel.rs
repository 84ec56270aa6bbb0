//! Cancelling by either side; the client can get a quote of the fee first (PEN-2, PEN-4).

use chrono::{DateTime, TimeDelta, Utc};
use entity::hold::HoldState;
use entity::order::{EndReason, Model, OrderStatus};
use entity::value::{Instant, Money, OrderId};
use entity::{delivery, hold, reservation};
use sea_orm::EntityTrait as _;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use super::Refusal;
use super::complete::{held, reserved};
use super::fee::{self, Fee};
use super::machine::Intent;
use super::read::{self, OrderScope};
use super::view::{OrderView, view};
use super::write::{self, Step};
use crate::billing::funds::{self, OrderHold};
use crate::billing::reserve::{self, Reserved};
use crate::bonus::queue::Lifetime;
use crate::ledger::post::hold::hold_id;
use crate::platform::codes::given;
use crate::platform::crypto::Keys;
use crate::platform::{Command, CommandError, Tx, failure, heartbeat};
use crate::policy;

/// A quote of the cancellation fee; valid until it expires (PEN-4).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Quote {
    /// The fee.
    pub fee: Money,
    /// The reason of the fee.
    pub reason: String,
    /// The end of free cancelling, if it is free for a time.
    pub free_until: Option<DateTime<Utc>>,
    /// The token to present when cancelling.
    pub token: String,
    /// When the quote expires.
    pub expires_at: DateTime<Utc>,
}

/// Quotes the cancellation fee; changes nothing.
pub struct QuoteCancel {
    /// The acting client.
    pub scope: OrderScope,
    /// The order.
    pub order_id: OrderId,
}

impl Command for QuoteCancel {
    type Answer = Quote;
    const NAME: &'static str = "quote_cancel";

    async fn run(&self, tx: &mut Tx) -> Result<Quote, CommandError> {
        let (order, _) = read::ask(tx, self.scope, self.order_id, Intent::Cancel).await?;
        let fee = cost(tx, &order).await?;
        let keys = policy::registry::in_force(tx)?.keys;
        let expires_at = tx.now() + TimeDelta::seconds(keys.fee.quote_ttl_s);
        Ok(Quote {
            fee: fee.amount,
            reason: fee.why.to_owned(),
            free_until: fee.free_until,
            token: sign(&*tx.shared::<Keys>()?, &order, fee.amount, expires_at),
            expires_at,
        })
    }
}

/// Cancels an order for its client.
pub struct CancelByClient {
    /// The acting client.
    pub scope: OrderScope,
    /// The order.
    pub order_id: OrderId,
    /// The token of a quote.
    pub quote: Option<String>,
}

impl Command for CancelByClient {
    type Answer = OrderView;
    const NAME: &'static str = "cancel";

    async fn run(&self, tx: &mut Tx) -> Result<OrderView, CommandError> {
        let (order, to) = read::ask(tx, self.scope, self.order_id, Intent::Cancel).await?;
        if order.frozen_until.is_some() {
            return Err(read::refuse(Refusal::Frozen, &order, self.scope).into());
        }
        let fee = cost(tx, &order).await?;
        let amount = match &self.quote {
            None => fee.amount,
            Some(token) => quoted(&*tx.shared::<Keys>()?, &order, token, tx.now())
                .ok_or_else(|| read::refuse(Refusal::QuoteInvalid, &order, self.scope))?,
        };
        // A quote caps the fee; it never applies once cancelling has become free (ARR-2).
        let amount = amount.min(fee.amount);
        let left = fee.why == "not_admitted_in_time";
        let (intent, event, reason) = if left {
            (Intent::NotAdmitted, "order.not_admitted", EndReason::NotAdmitted)
        } else {
            (Intent::Cancel, "order.cancelled", EndReason::ClientCancelled)
        };
        let mut marks: Vec<(Uuid, &'static str)> = Vec::new();
        if left {
            marks.push((order.partner_id.0, "partner_not_admitted"));
        } else if amount.is_positive() {
            marks.push((order.client_id.0, "client_late_cancel"));
        }
        let note = json!({"fee": amount, "why": fee.why, "quoted": self.quote.is_some()});
        let end = End { intent, event, to, reason, penalty: amount, note, marks };
        let order = end.of(tx, &order).await?;
        Ok(view(&order, self.scope.reader()))
    }
}

/// Cancels an order for its partner, by the partner's fault.
pub struct CancelByStaff {
    /// The acting branch.
    pub scope: OrderScope,
    /// The order.
    pub order_id: OrderId,
    /// The reason.
    pub reason: String,
}

impl Command for CancelByStaff {
    type Answer = OrderView;
    const NAME: &'static str = "cancel_by_staff";

    async fn run(&self, tx: &mut Tx) -> Result<OrderView, CommandError> {
        let (order, to) = read::ask(tx, self.scope, self.order_id, Intent::Cancel).await?;
        let reason = given(&self.reason)?;
        if order.frozen_until.is_some() {
            return Err(read::refuse(Refusal::Frozen, &order, self.scope).into());
        }
        let end = End {
            intent: Intent::Cancel,
            event: "order.cancelled",
            to,
            reason: EndReason::PartnerCancelled,
            penalty: Money::ZERO,
            note: json!({"reason": reason}),
            marks: vec![(order.partner_id.0, "partner_cancelled")],
        };
        let order = end.of(tx, &order).await?;
        Ok(view(&order, self.scope.reader()))
    }
}

/// An end other than completion: the hold is released, a fee may fall due (COM-3, PEN-3).
pub struct End {
    /// The intent of the step.
    pub intent: Intent,
    /// The event emitted to both sides.
    pub event: &'static str,
    /// The final status.
    pub to: OrderStatus,
    /// The reason.
    pub reason: EndReason,
    /// The client's fee, if any.
    pub penalty: Money,
    /// Further data for the history.
    pub note: Value,
    /// Strikes for or against somebody: subject and kind.
    pub marks: Vec<(Uuid, &'static str)>,
}

impl End {
    /// Ends the order.
    ///
    /// # Errors
    /// Faults only.
    pub async fn of(self, tx: &mut Tx, order: &Model) -> Result<Model, CommandError> {
        let by_left = self.intent == Intent::Leave;
        let fault = !by_left && (self.reason != EndReason::NotAdmitted || !self.marks.is_empty());
        release(tx, order, Some(self.reason).filter(|_| fault)).await?;
        self.ended(tx, order)
    }

    /// Ends an order that holds nothing any more, or of which support lets go what it can.
    ///
    /// # Errors
    /// Faults only.
    pub(super) fn ended(self, tx: &mut Tx, order: &Model) -> Result<Model, CommandError> {
        let next = Model {
            status: self.to,
            reason: Some(self.reason),
            cancelled_at: Some(tx.now()),
            penalty: Some(self.penalty).filter(|fee| fee.is_positive()),
            commission_bonus: Money::ZERO,
            bonus: Money::ZERO,
            ..order.clone()
        };
        let step =
            Step { note: self.note, marks: self.marks, ..Step::new(self.intent, self.event, next) };
        write::step(tx, order, step)
    }
}

/// Releases everything an order holds: the partner's commission, and the bonus the client had
/// reserved. `fault` is the reason, where one of the two caused it.
/// # Errors
/// Faults only.
pub(super) async fn release(
    tx: &mut Tx,
    order: &Model,
    fault: Option<EndReason>,
) -> Result<(), CommandError> {
    let (client, partner) = fault.map_or((Lifetime::Left, Lifetime::Left), lifetimes);
    if order.accepted_at.is_some() {
        funds::release(tx, &held(order), partner).await?;
    }
    if order.bonus.is_positive() {
        reserve::release(tx, &reserved(order), client).await?;
    }
    Ok(())
}

/// Support closes an order although a row of what it holds cannot be decoded: that part stays held,
/// and its row is named here, by an alarm and by the proof. Gives the tables of what stays.
///
/// # Errors
/// Faults only.
pub(super) async fn let_go_by_hand(
    tx: &mut Tx,
    order: &Model,
) -> Result<Vec<&'static str>, CommandError> {
    let mut kept = Vec::new();
    if order.accepted_at.is_some() {
        // The balance's part alone is let go without a look at the row, where the row is in order.
        let read = tx.find::<hold::Entity>(hold_id(order.id)).await.map(|_| ());
        let released = match read {
            Ok(()) => funds::release(tx, &held(order), Lifetime::Left).await,
            Err(stop) => Err(stop),
        };
        if failure::alone(released, format!("hold {}", order.id))?.is_none() {
            kept.push("hold");
        }
    }
    if order.bonus.is_positive() {
        let released = reserve::release(tx, &reserved(order), Lifetime::Left).await;
        if failure::alone(released, format!("reservation {}", order.id))?.is_none() {
            kept.push("reservation");
        }
    }
    Ok(kept)
}

/// Lets go what a cancelled order still holds, once its rows were put right by hand.
///
/// # Errors
/// Faults only.
pub(super) async fn let_go_late(tx: &mut Tx, order: &Model) -> Result<(), CommandError> {
    let row = tx.find::<hold::Entity>(hold_id(order.id)).await?;
    if let Some(row) = row.filter(|row| row.state == HoldState::Open) {
        let (order_id, partner_id) = (order.id, order.partner_id);
        let held = OrderHold { order_id, partner_id, amount: row.amount, bonus: row.bonus };
        funds::release(tx, &held, Lifetime::Left).await?;
    }
    let row = tx.find::<reservation::Entity>(order.id).await?;
    if let Some(row) = row.filter(|row| row.state == HoldState::Open) {
        let (order_id, client_id) = (order.id, order.client_id);
        let reserved = Reserved { order_id, client_id, amount: row.amount };
        reserve::release(tx, &reserved, Lifetime::Left).await?;
    }
    Ok(())
}

/// The remaining lifetimes of the client's and the partner's bonus: the party at fault gets the
/// original expiry back, the other the lifetime left when the bonus was held (BON-3).
fn lifetimes(reason: EndReason) -> (Lifetime, Lifetime) {
    use Lifetime::{Left, Original};
    match reason {
        EndReason::ClientCancelled | EndReason::NoShow | EndReason::Burned => (Original, Left),
        EndReason::PartnerCancelled
        | EndReason::NotAdmitted
        | EndReason::Declined
        | EndReason::OfferExpired
        | EndReason::PartnerBlocked => (Left, Original),
        EndReason::SupportCancelled => (Left, Left),
    }
}

/// The fee for cancelling now. Outages are read only where there would be a fee (OUT-1).
///
/// # Errors
/// When the database fails.
pub(super) async fn cost(tx: &mut Tx, order: &Model) -> Result<Fee, CommandError> {
    let keys = policy::registry::at_version(tx, order.policy_version)?;
    let seen = match order.status {
        OrderStatus::Confirmed | OrderStatus::OnTheWay => {
            seen_at(tx, order.id, "acceptance").await?
        }
        OrderStatus::Requested
        | OrderStatus::Active
        | OrderStatus::Completed
        | OrderStatus::Cancelled => None,
    };
    let fee = fee::quote(order, seen, &keys, &[], tx.now());
    if !fee.amount.is_positive() {
        return Ok(fee);
    }
    let outages = heartbeat::outages(tx.db(), order.placed_at).await?;
    Ok(fee::quote(order, seen, &keys, &outages, tx.now()))
}

/// When a device acknowledged the offer or the acceptance (ORD-6, PEN-2).
///
/// # Errors
/// When the database fails.
pub async fn seen_at(
    tx: &Tx,
    order_id: OrderId,
    what: &str,
) -> Result<Option<Instant>, CommandError> {
    let key = (order_id, what.to_owned());
    let row = delivery::Entity::find_by_id(key).all(tx.db()).await?.pop();
    Ok(row.map(|row| row.at))
}

const PURPOSE: &str = "cancellation-quote";

fn sign(keys: &Keys, order: &Model, fee: Money, expires_at: Instant) -> String {
    let text =
        format!("{}.{}.{}.{}", order.id, order.version, fee.0, expires_at.timestamp_micros());
    let signature = keys.sign(PURPOSE, &text);
    format!("{text}.{signature}")
}

/// The fee of a quote that is genuine, made for this version of the order, and not expired.
fn quoted(keys: &Keys, order: &Model, token: &str, now: Instant) -> Option<Money> {
    let (text, signature) = token.rsplit_once('.')?;
    if !keys.signed(PURPOSE, text, signature) {
        return None;
    }
    let mut parts = text.split('.');
    let same = parts.next()? == order.id.to_string()
        && parts.next()?.parse::<i64>().ok()? == order.version;
    let fee = parts.next()?.parse().ok()?;
    let expires_at = DateTime::from_timestamp_micros(parts.next()?.parse().ok()?)?;
    (same && now <= expires_at).then_some(Money(fee))
}
