//! Campaigns by which bonus is granted (BON-8).

use sea_orm::entity::prelude::*;

use crate::purse::OwnerKind;
use crate::value::{CampaignId, Instant, Money, PersonId};

/// One row of `campaign`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "campaign")]
pub struct Model {
    /// The campaign.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: CampaignId,
    /// What people read.
    pub name: String,
    /// For whom.
    pub audience: OwnerKind,
    /// What one owner gets, once.
    pub amount: Money,
    /// How long it lives, hours.
    pub ttl_h: i64,
    /// What all of it may cost.
    pub budget: Money,
    /// What it has cost so far; never above the budget.
    pub granted: Money,
    /// What an owner types in to get it; support alone grants it where there is none.
    pub code: Option<String>,
    /// From then.
    pub starts_at: Instant,
    /// Until then.
    pub ends_at: Instant,
    /// Who of support made it.
    pub by_person: PersonId,
    /// Why.
    pub reason: String,
    /// Since when.
    pub created_at: Instant,
}

/// No relation is followed by the ORM: rows are read by whoever owns them.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
