//! The view of an order for its reader. Answers, events and snapshots carry the same view.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use entity::order::{
    ArrivalBy, BayAllocation, EndReason, Model, OrderKind, OrderStatus, OrderedService, Proposal,
    Proposed,
};
use entity::value::{Actor, BayId, Instant, Money, OrderId, ProposalId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::capacity;
use super::end::fee;
use super::machine;
pub use super::parties::{CarOf, ClientOf, PartnerOf};
use super::parties::{car_of, client_name, partner_of};
use crate::context::{Context, Engine, Tx};
use crate::policy::{Policy, Registry};
use platform::CommandError;

/// The reader of a view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    /// The car's owner.
    Client,
    /// The branch's staff.
    Staff,
    /// Support.
    Support,
}

impl Reader {
    /// The reader in this role.
    #[must_use]
    pub fn of(actor: Actor) -> Self {
        match actor {
            Actor::Client => Self::Client,
            Actor::Staff => Self::Staff,
            Actor::Support | Actor::Clock => Self::Support,
        }
    }

    /// The role of this reader.
    #[must_use]
    pub fn actor(self) -> Actor {
        match self {
            Self::Client => Actor::Client,
            Self::Staff => Actor::Staff,
            Self::Support => Actor::Support,
        }
    }
}

/// Whether an intent is possible at the instant of the view.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Action {
    /// Whether a command sent now is accepted, as far as the order itself decides.
    pub allowed: bool,
    /// The code with which it is refused.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub code: Option<String>,
    /// From when it is possible.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub from: Option<DateTime<Utc>>,
    /// Until when it is possible, unless the order changes before.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub until: Option<DateTime<Utc>>,
    /// What it costs the client now, at most; the cancellation quote is exact.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cost: Option<Money>,
    /// Until when it costs that.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cost_until: Option<DateTime<Utc>>,
}

/// The intents that the reader's side knows for an order of this kind, by name.
pub type Actions = BTreeMap<String, Action>;

/// What a reader may do with an order at an instant: `actions::of`, handed over when the process is
/// put together. So a view names no command, although the commands' own rules decide.
#[derive(Clone, Copy)]
pub struct ActionRules(pub fn(&Model, Reader, &Policy, Instant) -> Actions);

/// Makes the views of orders at one instant: each under the policy it was placed under.
pub struct Viewer {
    registry: Arc<Registry>,
    in_force: Arc<Policy>,
    rules: ActionRules,
    now: Instant,
}

impl Viewer {
    /// For a command: at its instant.
    ///
    /// # Errors
    /// A fault when no policy is in force.
    pub fn of(tx: &Tx) -> Result<Self, CommandError> {
        Self::new(tx.context(), tx.now())
    }

    /// For a read: at this moment.
    ///
    /// # Errors
    /// A fault when no policy is in force.
    pub fn now(engine: &Engine) -> Result<Self, CommandError> {
        let now = engine.shared().clock.now();
        Self::new(engine.context(), now)
    }

    fn new(context: &Context, now: Instant) -> Result<Self, CommandError> {
        let (registry, rules) = (Arc::clone(&context.policy), context.actions);
        let in_force = registry.at(now)?.keys;
        Ok(Self { registry, in_force, rules, now })
    }

    /// The view of an order for this reader. A version that another node has just published is
    /// fetched; until then, and for an order that cannot be read, today's applies.
    #[must_use]
    pub fn view(&self, order: &Model, reader: Reader) -> OrderView {
        let policy = match order.unreadable {
            None => self.registry.version(order.policy_version).ok(),
            Some(_) => None,
        };
        let policy = policy.as_ref().unwrap_or(&self.in_force);
        let ActionRules(actions) = self.rules;
        view(order, reader, actions(order, reader, policy, self.now))
    }
}

/// A pending proposal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ProposalOf {
    /// The proposal.
    pub id: ProposalId,
    /// The side that proposed.
    pub by: Actor,
    /// When it was made.
    pub at: DateTime<Utc>,
    /// The deadline for the answer.
    pub expires_at: DateTime<Utc>,
    /// Its content.
    #[serde(flatten)]
    pub what: ProposedOf,
}

/// The content of a proposal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ProposedOf {
    /// More services (ADD-1).
    AddOn {
        /// The added services, priced for the car.
        services: Vec<OrderedService>,
        /// The total with them.
        total: Money,
    },
    /// Another start (BK-8).
    Reschedule {
        /// The start.
        starts_at: DateTime<Utc>,
        /// The end.
        ends_at: DateTime<Utc>,
        /// The bay held for it meanwhile; partner and support only.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        place: Option<BayAllocation>,
        /// Whether the client proposed it when cancelling was no longer free.
        late: bool,
    },
}

/// A visit that is to begin in a bay before the car there is done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ClashView {
    /// The next order.
    pub order_id: OrderId,
    /// The order's short code, read aloud by people.
    pub code: String,
    /// Its status.
    pub status: OrderStatus,
    /// The bay.
    pub bay_id: BayId,
    /// The start of its hold of the bay.
    pub from: DateTime<Utc>,
}

/// A complete order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[expect(
    missing_docs,
    clippy::struct_excessive_bools,
    reason = "the fields are those of the entity, described there and in docs/protocol.md"
)]
pub struct OrderView {
    pub id: OrderId,
    pub code: String,
    pub kind: OrderKind,
    pub status: OrderStatus,
    pub reason: Option<EndReason>,
    pub version: i64,
    pub partner: PartnerOf,
    pub client: ClientOf,
    pub car: CarOf,
    pub services: Vec<OrderedService>,
    /// The current total: agreed with the client, or entered by staff since.
    pub total: Money,
    /// The total the client last agreed to: at placing, by an accepted add-on, or by staying after
    /// a corrected class. The final amount is compared with it (ORD-11).
    pub agreed_total: Money,
    pub final_amount: Option<Money>,
    /// The lower amount that the client, or support, confirmed (ORD-11).
    pub amount_confirmed: Option<Money>,
    pub route_secs: i64,
    pub arrival_buffer_secs: i64,
    pub placed_at: DateTime<Utc>,
    pub offer_deadline: Option<DateTime<Utc>>,
    pub accepted_at: Option<DateTime<Utc>>,
    pub arrival_deadline: Option<DateTime<Utc>>,
    pub decision_deadline: Option<DateTime<Utc>>,
    pub overdue: bool,
    pub extensions: i16,
    pub departed_at: Option<DateTime<Utc>>,
    pub arrived_at: Option<DateTime<Utc>>,
    pub arrival_by: Option<ArrivalBy>,
    /// For a client who has arrived and waits: from then, exclusive, cancelling is free and counts
    /// as the partner's (ARR-2). Null before an arrival and after the admission.
    pub may_leave_free_at: Option<DateTime<Utc>>,
    /// For a client who has arrived and waits: then, exclusive, the scheduler ends the order as
    /// `not_admitted`, free for the client and by the partner's fault, unless the car was admitted
    /// (ARR-2).
    pub admit_deadline: Option<DateTime<Utc>>,
    pub eta_at: Option<DateTime<Utc>>,
    pub admitted_at: Option<DateTime<Utc>>,
    pub planned_end: Option<DateTime<Utc>>,
    pub completed_at: Option<DateTime<Utc>>,
    pub cancelled_at: Option<DateTime<Utc>>,
    pub frozen_until: Option<DateTime<Utc>>,
    /// Needs attention: completed by the scheduler, or far off the agreed total; for partner and
    /// support also: its first position was out of reach of its origin (LIM-3).
    pub flagged: bool,
    /// When its first position was found out of reach of its origin; partner and support only
    /// (LIM-3).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub position_doubted_at: Option<DateTime<Utc>>,
    pub undelivered: bool,
    /// A booking's start.
    pub starts_at: Option<DateTime<Utc>>,
    /// A booking's end.
    pub ends_at: Option<DateTime<Utc>>,
    /// When "В путь" becomes available for a booking (BK-5).
    pub depart_from: Option<DateTime<Utc>>,
    /// The deadline for a booking's client to depart or arrive (BK-5).
    pub depart_deadline: Option<DateTime<Utc>>,
    /// The end of free cancelling of a booking (PEN-1).
    pub free_cancel_until: Option<DateTime<Utc>>,
    /// The bay it holds; partner and support only.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub place: Option<BayAllocation>,
    /// Accepted although no bay was free (BK-10).
    pub overbooked: bool,
    /// Visits that are to begin in its bay before it is done: for the partner, in the answer of the
    /// command that caused it (BK-10).
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub clashes: Vec<ClashView>,
    /// How often the start was moved.
    pub reschedules: i16,
    /// The pending proposal of either side.
    pub proposal: Option<ProposalOf>,
    /// The class of the car was corrected at the admission (ORD-10).
    pub class_corrected: bool,
    /// When the client contested the final amount (ORD-11).
    pub amount_contested_at: Option<DateTime<Utc>>,
    /// Warnings for the client: `overlaps_another_order` (BK-11).
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub warnings: Vec<String>,
    /// Bonus the client has reserved for it, or finally paid with (BON-5).
    pub bonus: Money,
    /// The fee due at its end; the debt itself is under penalties.
    pub penalty: Option<Money>,
    /// Partner and support only.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub commission: Option<Money>,
    /// What this reader may do now, by intent: whether it is allowed, from and until when, at what
    /// cost, or the code of the refusal.
    #[serde(default)]
    #[schema(required = true)]
    pub actions: BTreeMap<String, Action>,
    /// A part of it cannot be read: fields shown may be blank, and only support may act.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub unreadable: bool,
}

fn view(order: &Model, reader: Reader, actions: Actions) -> OrderView {
    let snapshot = &order.snapshot;
    let doubted = match reader {
        Reader::Client => None,
        Reader::Staff | Reader::Support => order.position_doubted_at,
    };
    let waits = matches!(order.status, OrderStatus::Confirmed | OrderStatus::OnTheWay);
    OrderView {
        id: order.id,
        code: order.code.clone(),
        kind: order.kind,
        status: order.status,
        reason: order.reason,
        version: order.version,
        partner: partner_of(order),
        client: ClientOf { id: order.client_id, name: client_name(order) },
        car: car_of(order),
        services: snapshot.lines.clone(),
        total: order.agreed,
        agreed_total: order.client_agreed,
        final_amount: order.final_amount,
        amount_confirmed: order.amount_confirmed,
        route_secs: snapshot.route_secs,
        arrival_buffer_secs: snapshot.buffer_secs,
        placed_at: order.placed_at,
        offer_deadline: order.offer_deadline,
        accepted_at: order.accepted_at,
        arrival_deadline: order.arrival_deadline,
        decision_deadline: order.decision_deadline,
        overdue: order.overdue_at.is_some() && !machine::terminal(order.status),
        extensions: order.extensions,
        departed_at: order.departed_at,
        arrived_at: order.arrived_at,
        arrival_by: order.arrival_by,
        may_leave_free_at: order.admit_alert_at.filter(|_| waits),
        admit_deadline: order.admit_deadline,
        eta_at: order.eta_at,
        admitted_at: order.admitted_at,
        planned_end: order.planned_end,
        completed_at: order.completed_at,
        cancelled_at: order.cancelled_at,
        frozen_until: order.frozen_until,
        flagged: order.flagged || doubted.is_some(),
        position_doubted_at: doubted,
        undelivered: order.undelivered,
        starts_at: order.starts_at,
        ends_at: order.ends_at,
        depart_from: order.depart_from,
        depart_deadline: order.depart_deadline,
        free_cancel_until: fee::shown_until(order),
        place: match reader {
            Reader::Client => None,
            Reader::Staff | Reader::Support => capacity::place(order),
        },
        overbooked: order.overbooked,
        clashes: Vec::new(),
        reschedules: order.reschedules,
        proposal: order.proposal.as_ref().map(|proposal| proposal_of(proposal, reader)),
        class_corrected: order.class_corrected,
        amount_contested_at: order.amount_contested_at,
        warnings: Vec::new(),
        bonus: order.bonus,
        penalty: order.penalty,
        commission: match reader {
            Reader::Client => None,
            Reader::Staff | Reader::Support => Some(order.commission),
        },
        actions,
        unreadable: order.unreadable.is_some(),
    }
}

fn proposal_of(proposal: &Proposal, reader: Reader) -> ProposalOf {
    let what = match &proposal.what {
        Proposed::AddOn { services, total } => {
            ProposedOf::AddOn { services: services.clone(), total: *total }
        }
        Proposed::Reschedule { starts_at, ends_at, place, late } => ProposedOf::Reschedule {
            starts_at: *starts_at,
            ends_at: *ends_at,
            place: match reader {
                Reader::Client => None,
                Reader::Staff | Reader::Support => Some(*place),
            },
            late: *late,
        },
    };
    let Proposal { id, by, at, expires_at, .. } = *proposal;
    ProposalOf { id, by, at, expires_at, what }
}
