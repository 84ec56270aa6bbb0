//! Orders, quick and booked: the state of each, and what it was placed under (ORD-7).

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::SimpleExpr;

pub use crate::order_parts::{Line, Place, Proposal, Proposed, Snapshot};
use crate::partly::Partly;
use crate::value::{BayId, CarClass, CarId, Instant, Money, OrderId, PartnerId, PersonId, Sealed};

/// One row of `order`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "order")]
#[expect(clippy::struct_excessive_bools, reason = "facts that are independent of each other")]
pub struct Model {
    /// The order.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: OrderId,
    /// What people read aloud.
    pub code: String,
    /// Quick or booked.
    pub kind: Kind,
    /// Where it stands.
    pub status: Status,
    /// Why it was cancelled.
    pub reason: Option<Reason>,
    /// Optimistic version; positions do not raise it (ORD-3).
    pub version: i64,
    /// Who placed it.
    pub client_id: PersonId,
    /// What the client is called, sealed.
    pub client_name: Option<Sealed>,
    /// Where.
    pub partner_id: PartnerId,
    /// For which car.
    pub car_id: CarId,
    /// The class it was priced by.
    pub car_class: CarClass,
    /// The plate, sealed.
    pub plate: Sealed,
    /// What the order was placed under; later edits never reach it.
    #[sea_orm(column_type = "JsonBinary")]
    pub snapshot: Snapshot,
    /// What it costs as it stands: agreed with the client, or entered by staff since.
    pub agreed: Money,
    /// The total the client last agreed to: the measure of the final amount (ORD-11).
    pub client_agreed: Money,
    /// The total of a corrected class: what the client agrees to by staying (ORD-10, ORD-11).
    pub class_total: Option<Money>,
    /// The lower amount that the client, or support, confirmed (ORD-11).
    pub amount_confirmed: Option<Money>,
    /// What was paid in the end.
    pub final_amount: Option<Money>,
    /// Commission on what it costs as it stands, but never on less than the client agreed to
    /// (COM-3, ORD-11).
    pub commission: Money,
    /// How much of what is held, or was captured, of the commission is the partner's bonus.
    pub commission_bonus: Money,
    /// Bonus the client has set aside for it, or paid with in the end (BON-5).
    pub bonus: Money,
    /// How much of the commission counts against other clients of the branch while the offer is
    /// unanswered (BAL-3): the whole, or nothing of a client whose offers have blocked it before
    /// (LIM-2).
    pub pending_commission: Money,
    /// The policy it was placed under.
    pub policy_version: i32,
    /// When it was placed.
    pub placed_at: Instant,
    /// Until when the partner may answer, as shown.
    pub offer_deadline: Option<Instant>,
    /// The partner's yes.
    pub accepted_at: Option<Instant>,
    /// Until when the client is awaited (QO-4).
    pub arrival_deadline: Option<Instant>,
    /// When the clock found the client late (QO-5).
    pub overdue_at: Option<Instant>,
    /// Until when the partner decides about a late client.
    pub decision_deadline: Option<Instant>,
    /// How often the deadline was extended.
    pub extensions: i16,
    /// В путь.
    pub departed_at: Option<Instant>,
    /// Arrival (ARR-1).
    pub arrived_at: Option<Instant>,
    /// What showed the arrival.
    pub arrival_by: Option<ArrivalBy>,
    /// From then the client may leave free (ARR-2).
    pub admit_alert_at: Option<Instant>,
    /// When support was told that nobody takes the car in (ARR-2).
    pub alerted_at: Option<Instant>,
    /// Then the clock ends it (ARR-2).
    pub admit_deadline: Option<Instant>,
    /// Frozen for support until then (ARR-2).
    pub frozen_until: Option<Instant>,
    /// The newest estimate; moves no deadline (ARR-3).
    pub eta_at: Option<Instant>,
    /// When its first position proved out of reach of its origin (LIM-3).
    pub position_doubted_at: Option<Instant>,
    /// The car was taken in.
    pub admitted_at: Option<Instant>,
    /// The status before (ORD-10).
    pub admitted_from: Option<Status>,
    /// The admission plus the durations.
    pub planned_end: Option<Instant>,
    /// Done.
    pub completed_at: Option<Instant>,
    /// Ended otherwise.
    pub cancelled_at: Option<Instant>,
    /// The fee that fell due with its end (PEN-3).
    pub penalty: Option<Money>,
    /// Support should look (auto-completed, or far off the estimate).
    pub flagged: bool,
    /// The offer reached no device (ORD-6).
    pub undelivered: bool,
    /// A booking's start (BK-1).
    pub starts_at: Option<Instant>,
    /// A booking's end, without the rest after it.
    pub ends_at: Option<Instant>,
    /// The bay it holds, or held last.
    pub bay_id: Option<BayId>,
    /// The bay is held from then (BK-2, BK-10).
    pub taken_from: Option<Instant>,
    /// The bay is held until then, exclusive; the rest after the visit included.
    pub taken_until: Option<Instant>,
    /// The partner took it although no bay was free: it holds none (BK-10).
    pub overbooked: bool,
    /// When the start was agreed last.
    pub scheduled_at: Option<Instant>,
    /// From when the client of a booking may set out (BK-5).
    pub depart_from: Option<Instant>,
    /// Until when the client of a booking must have set out or arrived (BK-5).
    pub depart_deadline: Option<Instant>,
    /// How often the start was moved (BK-8).
    pub reschedules: i16,
    /// It was moved when cancelling was no longer free: the fee stays due (BK-8).
    pub moved_late: bool,
    /// What one side proposes and the other has not answered (ADD-1, BK-8).
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub proposal: Option<Proposal>,
    /// The car's class was corrected when it was taken in (ORD-10).
    pub class_corrected: bool,
    /// When the client contested the final amount (ORD-11).
    pub amount_contested_at: Option<Instant>,
    /// The newest step.
    pub updated_at: Instant,
    /// The row was read in part, and why: one of its columns cannot be decoded. Never stored.
    #[sea_orm(ignore)]
    pub unreadable: Option<String>,
}

impl Partly for Entity {
    fn stand_in(column: Column) -> Option<SimpleExpr> {
        match column.as_str() {
            "snapshot" => serde_json::to_value(Snapshot::blank()).ok().map(Expr::value),
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

/// Only a booking has a start.
const KIND: &str = "CASE WHEN starts_at IS NULL THEN 'quick' ELSE 'booking' END";
/// Where an order stands by what happened to it.
const STATUS: &str = "CASE WHEN cancelled_at IS NOT NULL THEN 'cancelled' \
     WHEN completed_at IS NOT NULL THEN 'completed' WHEN admitted_at IS NOT NULL THEN 'active' \
     WHEN departed_at IS NOT NULL THEN 'on_the_way' WHEN accepted_at IS NOT NULL THEN 'confirmed' \
     ELSE 'requested' END";

/// No relation is followed by the ORM: rows are read by whoever owns them.
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
pub enum Kind {
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
pub enum Status {
    /// Waiting for the partner.
    Requested,
    /// The partner said yes.
    Confirmed,
    /// The client drives.
    OnTheWay,
    /// The car is being served.
    Active,
    /// Served. Terminal.
    Completed,
    /// Ended otherwise. Terminal.
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
pub enum Reason {
    /// The partner said no.
    Declined,
    /// The partner did not answer.
    OfferExpired,
    /// The client let it go.
    ClientCancelled,
    /// The partner let it go.
    PartnerCancelled,
    /// The client did not come.
    NoShow,
    /// The clock ended a booking.
    Burned,
    /// The client came and was not taken in.
    NotAdmitted,
    /// The partner was shut out.
    PartnerBlocked,
    /// Support ended it.
    SupportCancelled,
}

/// Who acts on an order.
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
pub enum Actor {
    /// The car's owner.
    Client,
    /// The partner's people.
    Staff,
    /// The operator's people.
    Support,
    /// The engine's timers.
    Clock,
}

/// What showed an arrival (ARR-1).
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
