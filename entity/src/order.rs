//! Orders, quick and booked: their state and the snapshot they were placed under (ORD-7).

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::SimpleExpr;

pub use crate::order_parts::{BayAllocation, OrderTerms, OrderedService, Proposal, Proposed};
use crate::partly::Partly;
pub use crate::value::Actor;
use crate::value::{BayId, CarClass, CarId, Instant, Money, OrderId, PartnerId, PersonId, Sealed};

/// One row of `order`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "order")]
#[expect(clippy::struct_excessive_bools, reason = "facts that are independent of each other")]
pub struct Model {
    /// The order.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: OrderId,
    /// A short code people can read aloud.
    pub code: String,
    /// Quick or booked.
    pub kind: OrderKind,
    /// Its current state.
    pub status: OrderStatus,
    /// Why it was cancelled.
    pub reason: Option<EndReason>,
    /// Optimistic version; positions do not raise it (ORD-3).
    pub version: i64,
    /// Who placed it.
    pub client_id: PersonId,
    /// The client's name, sealed.
    pub client_name: Option<Sealed>,
    /// The branch.
    pub partner_id: PartnerId,
    /// The car.
    pub car_id: CarId,
    /// The class it was priced by.
    pub car_class: CarClass,
    /// The plate, sealed.
    pub plate: Sealed,
    /// The terms the order was placed under; later edits of the branch do not change them.
    #[sea_orm(column_type = "JsonBinary")]
    pub snapshot: OrderTerms,
    /// Its current price: agreed with the client, or entered by staff since.
    pub agreed: Money,
    /// The total the client last agreed to; the final amount is measured against it (ORD-11).
    pub client_agreed: Money,
    /// The total after a class correction, which the client agrees to by staying (ORD-10, ORD-11).
    pub class_total: Option<Money>,
    /// The lower final amount that the client or support confirmed (ORD-11).
    pub amount_confirmed: Option<Money>,
    /// The amount paid at the end.
    pub final_amount: Option<Money>,
    /// The commission on its current price, never on less than the client agreed to (COM-3,
    /// ORD-11).
    pub commission: Money,
    /// The part of the held or captured commission that is the partner's bonus.
    pub commission_bonus: Money,
    /// The bonus the client has reserved for it, or paid with at the end (BON-5).
    pub bonus: Money,
    /// How much of the commission counts against other clients of the branch while the offer is
    /// unanswered (BAL-3): all of it, or nothing if the client's earlier offers blocked the branch
    /// (LIM-2).
    pub pending_commission: Money,
    /// The policy version it was placed under.
    pub policy_version: i32,
    /// When it was placed.
    pub placed_at: Instant,
    /// Until when the partner may answer, as displayed.
    pub offer_deadline: Option<Instant>,
    /// When the partner accepted.
    pub accepted_at: Option<Instant>,
    /// Until when the client may arrive (QO-4).
    pub arrival_deadline: Option<Instant>,
    /// When the scheduler marked the client as late (QO-5).
    pub overdue_at: Option<Instant>,
    /// Until when the partner decides about a late client.
    pub decision_deadline: Option<Instant>,
    /// How often the arrival deadline was extended.
    pub extensions: i16,
    /// When the client departed (В путь).
    pub departed_at: Option<Instant>,
    /// When the client arrived (ARR-1).
    pub arrived_at: Option<Instant>,
    /// What proved the arrival.
    pub arrival_by: Option<ArrivalBy>,
    /// From when the client may leave free of charge (ARR-2).
    pub admit_alert_at: Option<Instant>,
    /// When support was alerted that the car has not been admitted (ARR-2).
    pub alerted_at: Option<Instant>,
    /// When the scheduler ends the order if the car is still not admitted (ARR-2).
    pub admit_deadline: Option<Instant>,
    /// Until when the order is frozen for support to decide (ARR-2).
    pub frozen_until: Option<Instant>,
    /// The newest arrival estimate; it moves no deadline (ARR-3).
    pub eta_at: Option<Instant>,
    /// When its first position turned out to be unreachable from its origin (LIM-3).
    pub position_doubted_at: Option<Instant>,
    /// When the car was admitted.
    pub admitted_at: Option<Instant>,
    /// The status before the admission (ORD-10).
    pub admitted_from: Option<OrderStatus>,
    /// The planned end: the admission plus the durations.
    pub planned_end: Option<Instant>,
    /// When it was completed.
    pub completed_at: Option<Instant>,
    /// When it was cancelled.
    pub cancelled_at: Option<Instant>,
    /// The fee that became due when it ended (PEN-3).
    pub penalty: Option<Money>,
    /// Whether support should review it (auto-completed, or far from the estimate).
    pub flagged: bool,
    /// Whether the offer reached no device (ORD-6).
    pub undelivered: bool,
    /// A booking's start (BK-1).
    pub starts_at: Option<Instant>,
    /// A booking's end, without the bay's buffer after it.
    pub ends_at: Option<Instant>,
    /// The bay it occupies, or occupied last.
    pub bay_id: Option<BayId>,
    /// The first instant the bay is occupied (BK-2, BK-10).
    pub taken_from: Option<Instant>,
    /// The first instant after the occupancy, which includes the buffer after the visit.
    pub taken_until: Option<Instant>,
    /// The partner accepted it although no bay was free: it occupies none (BK-10).
    pub overbooked: bool,
    /// When the start was last agreed.
    pub scheduled_at: Option<Instant>,
    /// From when the client of a booking may depart (BK-5).
    pub depart_from: Option<Instant>,
    /// Until when the client of a booking must have departed or arrived (BK-5).
    pub depart_deadline: Option<Instant>,
    /// How often the start was rescheduled (BK-8).
    pub reschedules: i16,
    /// It was rescheduled when cancelling was no longer free: the fee stays due (BK-8).
    pub moved_late: bool,
    /// The open proposal of one side, not yet answered by the other (ADD-1, BK-8).
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub proposal: Option<Proposal>,
    /// Whether the car's class was corrected at admission (ORD-10).
    pub class_corrected: bool,
    /// When the client contested the final amount (ORD-11).
    pub amount_contested_at: Option<Instant>,
    /// When its newest step was taken.
    pub updated_at: Instant,
    /// Why only a part of the row could be read: one of its columns cannot be decoded. Never
    /// stored.
    #[sea_orm(ignore)]
    pub unreadable: Option<String>,
}

impl Partly for Entity {
    fn stand_in(column: Column) -> Option<SimpleExpr> {
        match column.as_str() {
            "snapshot" => serde_json::to_value(OrderTerms::blank()).ok().map(Expr::value),
            "proposal" => Some(Expr::value(None::<serde_json::Value>)),
            "kind" => Some(Expr::cust(KIND)),
            "status" => Some(Expr::cust(STATUS)),
            "car_class" => Some(Expr::value(CarClass::Sedan.to_value())),
            "reason" | "arrival_by" | "admitted_from" => Some(Expr::value(None::<String>)),
            _ => None,
        }
    }

    fn mark(row: &mut Model, why: String) {
        row.unreadable = Some(why);
    }
}

/// The kind of an order: only a booking has a start.
const KIND: &str = "CASE WHEN starts_at IS NULL THEN 'quick' ELSE 'booking' END";
/// The status of an order, derived from what happened to it.
const STATUS: &str = "CASE WHEN cancelled_at IS NOT NULL THEN 'cancelled' \
     WHEN completed_at IS NOT NULL THEN 'completed' WHEN admitted_at IS NOT NULL THEN 'active' \
     WHEN departed_at IS NOT NULL THEN 'on_the_way' WHEN accepted_at IS NOT NULL THEN 'confirmed' \
     ELSE 'requested' END";

/// Empty: the module that owns the table reads its rows, not the ORM through relations.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Quick or booked.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    serde::Serialize,
    serde::Deserialize,
    utoipa::ToSchema,
    EnumIter,
    DeriveActiveEnum,
    strum::EnumString,
    strum::Display,
)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum OrderKind {
    /// Ordered now (QO).
    Quick,
    /// Booked for a slot (BK).
    Booking,
}

/// The public status (ORD).
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    serde::Serialize,
    serde::Deserialize,
    utoipa::ToSchema,
    EnumIter,
    DeriveActiveEnum,
    strum::EnumString,
    strum::Display,
)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum OrderStatus {
    /// Waiting for the partner.
    Requested,
    /// Accepted by the partner.
    Confirmed,
    /// The client is driving to the branch.
    OnTheWay,
    /// The car is being served.
    Active,
    /// Served. Terminal.
    Completed,
    /// Ended in any other way. Terminal.
    Cancelled,
}

/// Why an order was cancelled (ORD).
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    serde::Serialize,
    serde::Deserialize,
    utoipa::ToSchema,
    EnumIter,
    DeriveActiveEnum,
    strum::EnumString,
    strum::Display,
)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum EndReason {
    /// The partner declined.
    Declined,
    /// The partner did not answer.
    OfferExpired,
    /// The client cancelled.
    ClientCancelled,
    /// The partner cancelled.
    PartnerCancelled,
    /// The client did not arrive.
    NoShow,
    /// The scheduler ended a booking whose client did not depart or arrive in time.
    Burned,
    /// The client arrived and was not admitted.
    NotAdmitted,
    /// The partner was blocked.
    PartnerBlocked,
    /// Support cancelled it.
    SupportCancelled,
}

/// What proved an arrival (ARR-1).
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    serde::Serialize,
    serde::Deserialize,
    utoipa::ToSchema,
    EnumIter,
    DeriveActiveEnum,
)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum ArrivalBy {
    /// Positions near the branch.
    Position,
    /// The code shown at the branch.
    Code,
}
