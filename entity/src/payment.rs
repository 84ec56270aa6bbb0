//! Money that comes in through a payment provider, or goes back: one row is one intent (BAL-5,
//! PEN-5).

use sea_orm::entity::prelude::*;

use crate::value::{Instant, Money, PartnerId, PaymentId, PenaltyId, PersonId};

/// One row of `payment`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "payment")]
pub struct Model {
    /// The intent; the provider knows it by this id too.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: PaymentId,
    /// What it is for.
    pub purpose: Purpose,
    /// Whose balance is topped up, or whose penalty it was.
    pub partner_id: PartnerId,
    /// Who pays a penalty.
    pub client_id: Option<PersonId>,
    /// Which penalty.
    pub penalty_id: Option<PenaltyId>,
    /// Qəpik.
    pub amount: Money,
    /// Through whom.
    pub driver: Driver,
    /// Where it stands.
    pub state: PaymentState,
    /// What the provider calls it.
    pub provider_ref: Option<String>,
    /// Where the payer goes to pay.
    pub redirect_url: Option<String>,
    /// The bonus lot it brought (BON-4).
    pub gift_lot_id: Option<Uuid>,
    /// How much shall have gone back altogether.
    pub to_return: Money,
    /// How much of it has.
    pub returned: Money,
    /// What the provider was asked to give back and has not answered for.
    pub asked: Option<Money>,
    /// Some node asks the provider until then; others wait.
    pub busy_until: Option<Instant>,
    /// How often something was to go back: the number of the newest posting about it.
    pub refunds: i32,
    /// When it was begun.
    pub created_at: Instant,
    /// When nobody waits for it any more.
    pub expires_at: Instant,
    /// When its money came.
    pub paid_at: Option<Instant>,
    /// When all that was to go back had gone.
    pub refunded_at: Option<Instant>,
    /// When the provider was asked last.
    pub last_look_at: Option<Instant>,
    /// What the provider took back by itself, qəpik; it is part of what was returned (LIM-11).
    pub charged_back: Money,
    /// For people.
    pub note: String,
    /// Optimistic version.
    pub version: i64,
}

/// No relation is followed by the ORM: rows are read by whoever owns them.
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

/// Through whom money comes and goes.
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
    /// Nobody: support records cash and bank transfers.
    Manual,
    /// Epoint.
    Epoint,
    /// Payriff.
    Payriff,
}

/// Where a payment stands.
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
    /// Waited for.
    Created,
    /// Its money is in the books.
    Paid,
    /// The provider says that it will not come.
    Failed,
    /// It did not come in time; if it does after all, it counts.
    Expired,
    /// Some of it is on its way back.
    Refunding,
    /// All of it went back.
    Refunded,
}
