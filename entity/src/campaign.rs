//! Campaigns: what bonus is granted to whom, and under which budget (BON-8).

use sea_orm::entity::prelude::*;

use crate::bonus_account::OwnerKind;
use crate::row::Table;
use crate::value::{CampaignId, Instant, Money, PersonId};

/// The table; its rows have no version.
pub const TABLE: Table = Table::hot("campaign");

/// One row of `campaign`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "campaign")]
pub struct Model {
    /// The campaign.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: CampaignId,
    /// Its name, as people read it.
    pub name: String,
    /// Which kind of owner it is for.
    pub audience: OwnerKind,
    /// The amount one owner gets, once.
    pub amount: Money,
    /// The lifetime of a granted lot, hours.
    pub ttl_h: i64,
    /// The most that all its grants may add up to.
    pub budget: Money,
    /// The sum granted so far; never above the budget.
    pub granted: Money,
    /// The code an owner enters to get it; without one only support grants it.
    pub code: Option<String>,
    /// The first instant of the campaign.
    pub starts_at: Instant,
    /// The end of the campaign.
    pub ends_at: Instant,
    /// The support agent who created it.
    pub by_person: PersonId,
    /// The reason.
    pub reason: String,
    /// When the row was created.
    pub created_at: Instant,
}

/// Empty: the module that owns the table reads its rows, not the ORM through relations.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
