//! The view of an order for its reader. Answers, events and snapshots carry the same view.

use chrono::{DateTime, Utc};
use entity::order::{
    Actor, ArrivalBy, BayAllocation, EndReason, Model, OrderKind, OrderStatus, OrderedService,
    Proposal, Proposed,
};
use entity::value::{Money, OrderId, ProposalId};
use serde::{Deserialize, Serialize};
use strum::IntoEnumIterator as _;
use utoipa::ToSchema;

use super::machine::{self, Intent};
use super::overrun::ClashView;
pub use super::parties::{CarOf, ClientOf, PartnerOf};
use super::parties::{car_of, client_name, partner_of};
use super::{amount, capacity, fee};

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
    fn actor(self) -> Actor {
        match self {
            Self::Client => Actor::Client,
            Self::Staff => Actor::Staff,
            Self::Support => Actor::Support,
        }
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
    /// The intents permitted to this reader now, by the state machine.
    pub may: Vec<String>,
    /// A part of it cannot be read: fields shown may be blank, and only support may act.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub unreadable: bool,
}

/// The view of an order for this reader.
#[must_use]
pub fn view(order: &Model, reader: Reader) -> OrderView {
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
        may: may(order, reader.actor()),
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

fn may(order: &Model, actor: Actor) -> Vec<String> {
    Intent::iter()
        .filter(|intent| machine::allow(order.kind, Some(order.status), *intent, actor).is_ok())
        .filter(|intent| order.unreadable.is_none() || *intent == Intent::ForceCancel)
        .filter(|intent| sensible(order, *intent, actor))
        .map(|intent| intent.to_string())
        .collect()
}

/// Excludes intents that the table permits but the order's own state rules out.
fn sensible(order: &Model, intent: Intent, actor: Actor) -> bool {
    let frozen = order.frozen_until.is_some();
    let arrived = order.arrived_at.is_some();
    match intent {
        Intent::Arrive | Intent::Extend | Intent::NoShow => !arrived && !frozen,
        Intent::NotHere => arrived && !frozen,
        Intent::NotAdmitted => order.alerted_at.is_some() && !frozen,
        Intent::Cancel | Intent::Depart => !frozen,
        Intent::Contest => !arrived,
        Intent::Leave => order.class_corrected,
        Intent::ContestAmount => {
            // Orders completed by the scheduler are flagged too, even at the agreed amount
            // (ORD-11).
            let off = order.final_amount.is_some_and(|amount| amount != order.client_agreed);
            order.flagged && off && order.amount_contested_at.is_none()
        }
        Intent::ConfirmAmount => amount::confirmable(order),
        Intent::ProposeAddOn => !frozen && order.proposal.is_none(),
        Intent::ProposeReschedule => !arrived && !frozen && order.proposal.is_none(),
        Intent::AcceptAddOn => proposed(order, true) && !own(order, actor),
        Intent::AcceptReschedule => proposed(order, false) && !own(order, actor),
        Intent::DeclineAddOn => proposed(order, true),
        Intent::DeclineReschedule => proposed(order, false),
        Intent::Place
        | Intent::AutoConfirm
        | Intent::Burn
        | Intent::LapseProposal
        | Intent::CloseForBlock
        | Intent::Accept
        | Intent::Decline
        | Intent::Lapse
        | Intent::Overdue
        | Intent::Admit
        | Intent::Alert
        | Intent::ReleaseFrozen
        | Intent::Overrun
        | Intent::ChangeServices
        | Intent::PayWithBonus
        | Intent::Complete
        | Intent::AutoComplete
        | Intent::ForceCancel
        | Intent::ForceComplete
        | Intent::Amend
        | Intent::Shift => true,
    }
}

/// Is an add-on pending, or a move?
fn proposed(order: &Model, add_on: bool) -> bool {
    order.proposal.as_ref().is_some_and(|proposal| match proposal.what {
        Proposed::AddOn { .. } => add_on,
        Proposed::Reschedule { .. } => !add_on,
    })
}

/// Was the proposal made by this side?
fn own(order: &Model, actor: Actor) -> bool {
    order.proposal.as_ref().is_some_and(|proposal| proposal.by == actor)
}
