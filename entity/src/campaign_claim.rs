//! Devices on which a campaign's code was entered: each gets its bonus once (LIM-6).

use sea_orm::entity::prelude::*;

use crate::value::{CampaignId, Instant, PersonId};

/// One row of `campaign_claim`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "campaign_claim")]
pub struct Model {
    /// The campaign.
    #[sea_orm(primary_key, auto_increment = false)]
    pub campaign_id: CampaignId,
    /// Keyed hash of the device's id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub device_hash: String,
    /// The person who entered the code.
    pub person_id: PersonId,
    /// When.
    pub at: Instant,
}

/// Empty: the module that owns the table reads its rows, not the ORM through relations.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
