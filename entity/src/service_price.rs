//! Price and duration of a service by class of car (ACC-7).

use sea_orm::entity::prelude::*;

use crate::value::{CarClass, Money, ServiceId};

/// One row of `service_price`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "service_price")]
pub struct Model {
    /// The service.
    #[sea_orm(primary_key, auto_increment = false)]
    pub service_id: ServiceId,
    /// The class.
    #[sea_orm(primary_key, auto_increment = false)]
    pub class: CarClass,
    /// Qəpik.
    pub price: Money,
    /// Duration, a multiple of five (BK-1).
    pub minutes: i32,
}

/// Empty: the module that owns the table reads its rows, not the ORM through relations.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
