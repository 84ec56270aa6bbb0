//! Cancelling by either side; the client can get a quote of the fee first (PEN-2, PEN-4).

use chrono::{DateTime, TimeDelta, Utc};
use entity::delivery;
use entity::kinds::{CommandName, EventKind, StrikeKind};
use entity::order::{EndReason, Model, OrderStatus};
use entity::value::{Actor, Instant, Money, OrderId, Span};
use sea_orm::EntityTrait as _;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::fee::{self, Fee};
use crate::context::{Context, Tx};
use crate::orders::decision::{End, Reasoned, Step};
use crate::orders::machine::{self, Intent};
use crate::orders::read::{self, OrderScope};
use crate::orders::view::OrderView;
use crate::orders::{Refusal, write};
use crate::policy::{self, Policy};
use platform::codes::given;
use platform::crypto::Keys;
use platform::scheduler::heartbeat;
use platform::{Command, CommandError};

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

impl Command<Context> for QuoteCancel {
    type Answer = Quote;
    const NAME: CommandName = CommandName::QuoteCancel;

    async fn run(&self, tx: &mut Tx) -> Result<Quote, CommandError> {
        let order = read::ask(tx, self.scope, self.order_id, Intent::Cancel).await?;
        let fee = cost(tx, &order).await?;
        let keys = policy::registry::in_force(tx)?.keys;
        let expires_at = tx.now() + TimeDelta::seconds(keys.fee.quote_ttl_s);
        Ok(Quote {
            fee: fee.amount,
            reason: fee.why.to_owned(),
            free_until: fee.free_until,
            token: sign(&tx.keys(), &order, fee.amount, expires_at),
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

impl Command<Context> for CancelByClient {
    type Answer = OrderView;
    const NAME: CommandName = CommandName::Cancel;

    async fn run(&self, tx: &mut Tx) -> Result<OrderView, CommandError> {
        let order = read::ask(tx, self.scope, self.order_id, Intent::Cancel).await?;
        let keys = policy::registry::at_version(tx, order.policy_version)?;
        let (seen_at, outages) = fee_facts(tx, &order, &keys).await?;
        let quoted = match &self.quote {
            None => Quoted::Nothing,
            Some(token) => {
                quoted(&tx.keys(), &order, token, tx.now()).map_or(Quoted::Invalid, Quoted::Fee)
            }
        };
        let facts = CancelFacts { seen_at, outages: &outages, quoted };
        let step = Self::decide(&order, &facts, &keys, tx.now());
        let step = step.map_err(|refusal| read::refuse(tx, refusal, &order, self.scope))?;
        let order = write::step(tx, &order, step).await?;
        read::shown(tx, &order, self.scope)
    }
}

/// What a client's cancelling depends on beside the order.
#[derive(Clone, Copy, Debug, Default)]
pub struct CancelFacts<'a> {
    /// When a device of the client acknowledged the acceptance (PEN-2).
    pub seen_at: Option<Instant>,
    /// Our outages since the placing, oldest first (OUT-1).
    pub outages: &'a [Span],
    /// The quote the client presents.
    pub quoted: Quoted,
}

/// A presented quote (PEN-4).
#[derive(Clone, Copy, Debug, Default)]
pub enum Quoted {
    /// None.
    #[default]
    Nothing,
    /// A forged or expired one, or one of another version of the order.
    Invalid,
    /// A valid one of this fee.
    Fee(Money),
}

impl CancelByClient {
    /// The fee is that of this instant, capped by a valid quote. A client who was not admitted in
    /// time leaves free, by the partner's fault (ARR-2).
    ///
    /// # Errors
    /// The refusal of the table, `order_frozen` or `quote_invalid`.
    pub fn decide(
        order: &Model,
        facts: &CancelFacts<'_>,
        policy: &Policy,
        now: Instant,
    ) -> Result<Step, Refusal> {
        let to = machine::next(order, Intent::Cancel, Actor::Client)?;
        if order.frozen_until.is_some() {
            return Err(Refusal::Frozen);
        }
        let fee = fee::quote(order, facts.seen_at, policy, facts.outages, now);
        // A quote caps the fee; it never applies once cancelling has become free (ARR-2).
        let (penalty, quoted) = match facts.quoted {
            Quoted::Nothing => (fee.amount, false),
            Quoted::Invalid => return Err(Refusal::QuoteInvalid),
            Quoted::Fee(quoted) => (quoted.min(fee.amount), true),
        };
        let left = fee.why == fee::NOT_ADMITTED_IN_TIME;
        let (intent, event, reason) = if left {
            (Intent::NotAdmitted, EventKind::OrderNotAdmitted, EndReason::NotAdmitted)
        } else {
            (Intent::Cancel, EventKind::OrderCancelled, EndReason::ClientCancelled)
        };
        let mut marks = Vec::new();
        if left {
            marks.push((order.partner_id.0, StrikeKind::PartnerNotAdmitted));
        } else if penalty.is_positive() {
            marks.push((order.client_id.0, StrikeKind::ClientLateCancel));
        }
        let end = End { penalty, ..End::of(to, reason, now) };
        Ok(Step {
            note: json!({"fee": penalty, "why": fee.why, "quoted": quoted}),
            marks,
            ..Step::end(intent, event, order, end)
        })
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

impl Command<Context> for CancelByStaff {
    type Answer = OrderView;
    const NAME: CommandName = CommandName::CancelByStaff;

    async fn run(&self, tx: &mut Tx) -> Result<OrderView, CommandError> {
        let order = read::ask(tx, self.scope, self.order_id, Intent::Cancel).await?;
        let facts = Reasoned { reason: given(&self.reason)? };
        let keys = policy::registry::at_version(tx, order.policy_version)?;
        let step = Self::decide(&order, &facts, &keys, tx.now());
        let step = step.map_err(|refusal| read::refuse(tx, refusal, &order, self.scope))?;
        let order = write::step(tx, &order, step).await?;
        read::shown(tx, &order, self.scope)
    }
}

impl CancelByStaff {
    /// An accepted order, unless support is to decide about it.
    pub(in crate::orders) fn decide(
        order: &Model,
        facts: &Reasoned<'_>,
        _: &Policy,
        now: Instant,
    ) -> Result<Step, Refusal> {
        let to = machine::next(order, Intent::Cancel, Actor::Staff)?;
        if order.frozen_until.is_some() {
            return Err(Refusal::Frozen);
        }
        let end = End::of(to, EndReason::PartnerCancelled, now);
        Ok(Step {
            note: json!({"reason": facts.reason}),
            marks: vec![(order.partner_id.0, StrikeKind::PartnerCancelled)],
            ..Step::end(Intent::Cancel, EventKind::OrderCancelled, order, end)
        })
    }
}

/// The fee for cancelling now.
///
/// # Errors
/// When the database fails.
pub(in crate::orders) async fn cost(tx: &mut Tx, order: &Model) -> Result<Fee, CommandError> {
    let keys = policy::registry::at_version(tx, order.policy_version)?;
    let (seen_at, outages) = fee_facts(tx, order, &keys).await?;
    Ok(fee::quote(order, seen_at, &keys, &outages, tx.now()))
}

/// When the acceptance was seen, and our outages: they are read only where there would be a fee
/// (OUT-1).
async fn fee_facts(
    tx: &Tx,
    order: &Model,
    policy: &Policy,
) -> Result<(Option<Instant>, Vec<Span>), CommandError> {
    let seen = match order.status {
        OrderStatus::Confirmed | OrderStatus::OnTheWay => {
            seen_at(tx, order.id, "acceptance").await?
        }
        OrderStatus::Requested
        | OrderStatus::Active
        | OrderStatus::Completed
        | OrderStatus::Cancelled => None,
    };
    if !fee::quote(order, seen, policy, &[], tx.now()).amount.is_positive() {
        return Ok((seen, Vec::new()));
    }
    Ok((seen, heartbeat::outages(tx.db(), order.placed_at).await?))
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
