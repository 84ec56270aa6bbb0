//! Payments: money that comes in through a payment provider or is refunded; one row per intent
//! (BAL-5, PEN-5).

use sea_orm::entity::prelude::*;

use crate::value::{Instant, Money, PartnerId, PaymentId, PenaltyId, PersonId};

/// One row of `payment`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "payment")]
pub struct Model {
    /// The intent; the provider gets this id too.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: PaymentId,
    /// What it is for.
    pub purpose: Purpose,
    /// The partner whose balance is topped up, or whom the penalty was for.
    pub partner_id: PartnerId,
    /// The client who pays a penalty.
    pub client_id: Option<PersonId>,
    /// The penalty.
    pub penalty_id: Option<PenaltyId>,
    /// Qəpik.
    pub amount: Money,
    /// The payment provider.
    pub driver: Driver,
    /// Its current state.
    pub state: PaymentState,
    /// The provider's id for it.
    pub provider_ref: Option<String>,
    /// The page on which the payer pays.
    pub redirect_url: Option<String>,
    /// The bonus lot granted with it (BON-4).
    pub gift_lot_id: Option<Uuid>,
    /// The total that is to be refunded.
    pub to_return: Money,
    /// The part of it that was refunded.
    pub returned: Money,
    /// The refund that was requested and the provider has not confirmed yet.
    pub asked: Option<Money>,
    /// Until when one node has the lease to query the provider; other nodes wait.
    pub busy_until: Option<Instant>,
    /// How many refunds were ordered: the number of the newest posting of one.
    pub refunds: i32,
    /// When the intent was created.
    pub created_at: Instant,
    /// When the intent expires.
    pub expires_at: Instant,
    /// When its money was received.
    pub paid_at: Option<Instant>,
    /// When all that was to be refunded had been.
    pub refunded_at: Option<Instant>,
    /// When the provider's status was last polled.
    pub last_look_at: Option<Instant>,
    /// The amount the provider charged back, qəpik; included in what was refunded (LIM-11).
    pub charged_back: Money,
    /// A free text for human readers.
    pub note: String,
    /// Optimistic version.
    pub version: i64,
}

/// Empty: the module that owns the table reads its rows, not the ORM through relations.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// What a payment is for.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    serde::Serialize,
    serde::Deserialize,
    utoipa::ToSchema,
    EnumIter,
    DeriveActiveEnum,
)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// A partner's balance.
    TopUp,
    /// A client's penalty.
    Penalty,
}

/// The payment provider money goes through.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    serde::Serialize,
    serde::Deserialize,
    utoipa::ToSchema,
    EnumIter,
    DeriveActiveEnum,
)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum Driver {
    /// None: support records cash and bank transfers.
    Manual,
    /// Epoint.
    Epoint,
    /// Payriff.
    Payriff,
}

/// The state of a payment.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    serde::Serialize,
    serde::Deserialize,
    utoipa::ToSchema,
    EnumIter,
    DeriveActiveEnum,
)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum PaymentState {
    /// Waiting for the money.
    Created,
    /// The money is booked.
    Paid,
    /// The provider reported that it failed.
    Failed,
    /// Not paid in time; if the money comes later, it is still credited.
    Expired,
    /// A refund is under way.
    Refunding,
    /// Refunded in full.
    Refunded,
}
