//! Campaigns: support grants bonus to many owners, by code or individually, within a budget
//! (BON-8).

use chrono::{DateTime, TimeDelta, Utc};
use entity::bonus_account::OwnerKind;
use entity::campaign::{self, Model};
use entity::kinds::CommandName;
use entity::lot::LotSource;
use entity::value::{CampaignId, Instant, Money};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _, Value,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::code_text::{random, typed};
use super::grant::{Grant, grant, known, lives};
use super::read::{LotView, view as lot_view};
use super::{Owner, Refusal};
use crate::access::limits;
use crate::context::{Context, Tx};
use platform::codes::given;
use platform::engine::audit::AuditedAct;
use platform::engine::write_set::{RelativeUpdate, Unique};
use platform::page::{Page, PageQuery};
use platform::{Command, CommandError, Fault, all_right};

/// The latest end of a campaign, in days from now: ten years.
const DAYS_MAX: i64 = 3_650;
/// Maximum length of a name, in characters.
const NAME_MAX: usize = 100;

/// A campaign as support sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CampaignView {
    /// The campaign.
    pub id: CampaignId,
    /// The name shown to people.
    pub name: String,
    /// The kind of owner it is for.
    pub audience: OwnerKind,
    /// The amount that one owner gets, once.
    pub amount: Money,
    /// The lifetime of a lot, in hours.
    pub ttl_h: i64,
    /// The maximum of all grants together.
    pub budget: Money,
    /// The sum granted so far.
    pub granted: Money,
    /// The code that an owner enters.
    pub code: Option<String>,
    /// When it starts.
    pub starts_at: DateTime<Utc>,
    /// When it ends.
    pub ends_at: DateTime<Utc>,
}

fn view(row: &Model) -> CampaignView {
    CampaignView {
        id: row.id,
        name: row.name.clone(),
        audience: row.audience,
        amount: row.amount,
        ttl_h: row.ttl_h,
        budget: row.budget,
        granted: row.granted,
        code: row.code.clone(),
        starts_at: row.starts_at,
        ends_at: row.ends_at,
    }
}

/// How a campaign gets its code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CodeOf {
    /// No code: only support grants it.
    None,
    /// This code; it may be known to anybody, because the budget limits the cost.
    Public(String),
    /// A random code that cannot be guessed (LIM-6).
    Random,
}

/// A campaign to be created.
#[derive(Clone, Debug)]
pub struct NewCampaign {
    /// The name shown to people.
    pub name: String,
    /// The kind of owner it is for.
    pub audience: OwnerKind,
    /// The amount that one owner gets, once.
    pub amount: Money,
    /// The lifetime of a lot, in hours.
    pub ttl_h: i64,
    /// The maximum of all grants together.
    pub budget: Money,
    /// The code that an owner enters.
    pub code: CodeOf,
    /// When it starts; none means now.
    pub starts_at: Option<Instant>,
    /// When it ends.
    pub ends_at: Instant,
    /// Support's reason.
    pub reason: String,
}

/// Creates a campaign.
pub struct MakeCampaign(pub NewCampaign);

impl Command<Context> for MakeCampaign {
    type Answer = CampaignView;
    const NAME: CommandName = CommandName::MakeCampaign;

    async fn run(&self, tx: &mut Tx) -> Result<CampaignView, CommandError> {
        let new = &self.0;
        let reason = given(&new.reason)?;
        let code = match &new.code {
            CodeOf::None => None,
            CodeOf::Public(code) => Some(typed(code)),
            CodeOf::Random => Some(random()),
        };
        let starts_at = new.starts_at.unwrap_or(tx.now());
        all_right(Refusal::CampaignInvalid, &wrong(new, code.as_deref(), starts_at, tx.now()))?;
        let nobody = || Fault::Other("a campaign is somebody's act".to_owned());
        let row = Model {
            id: CampaignId::new(),
            name: new.name.trim().to_owned(),
            audience: new.audience,
            amount: new.amount,
            ttl_h: new.ttl_h,
            budget: new.budget,
            granted: Money::ZERO,
            code,
            starts_at,
            ends_at: new.ends_at,
            by_person: tx.by().person_id.ok_or_else(nobody)?,
            reason: reason.to_owned(),
            created_at: tx.now(),
        };
        let act = AuditedAct {
            kind: "make_campaign",
            subject: ("campaign", row.id.0),
            amount: row.budget,
            reason,
            before: json!({}),
            after: json!(view(&row)),
        };
        limits::act(tx, act).await?;
        tx.insert(row.clone());
        tx.unique(Unique {
            name: "campaign_code",
            columns: "campaign.code",
            refusal: Refusal::CodeTaken.refused(),
            choose_again: false,
        });
        Ok(view(&row))
    }
}

/// The fields of a campaign, and whether each is wrong.
fn wrong(
    new: &NewCampaign,
    code: Option<&str>,
    starts_at: Instant,
    now: Instant,
) -> [(&'static str, bool); 6] {
    let named = (1..=NAME_MAX).contains(&new.name.trim().chars().count());
    let coded = code.is_none_or(|code| {
        (4..=32).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_alphanumeric())
    });
    let ends = starts_at < new.ends_at
        && now < new.ends_at
        && new.ends_at <= now + TimeDelta::days(DAYS_MAX);
    [
        ("/name", !named),
        ("/code", !coded),
        ("/amount", !new.amount.is_positive()),
        ("/budget", new.amount > new.budget),
        ("/ttl_h", !lives(new.ttl_h)),
        ("/ends_at", !ends),
    ]
}

/// Grants a campaign's bonus to one owner, by support.
pub struct GrantCampaign {
    /// The campaign.
    pub campaign_id: CampaignId,
    /// The owner.
    pub owner: uuid::Uuid,
}

impl Command<Context> for GrantCampaign {
    type Answer = LotView;
    const NAME: CommandName = CommandName::GrantCampaign;

    async fn run(&self, tx: &mut Tx) -> Result<LotView, CommandError> {
        let row = tx.find::<campaign::Entity>(self.campaign_id).await?;
        let row = row.ok_or(Refusal::NoSuchCampaign)?;
        let owner = Owner::of(row.audience, self.owner);
        known(tx, owner).await?;
        let lot = give(tx, &row, owner).await?;
        // Zero, because the campaign's whole budget was counted at its creation.
        let act = AuditedAct {
            kind: "grant_campaign",
            subject: ("campaign", row.id.0),
            amount: Money::ZERO,
            reason: &row.reason,
            before: json!({}),
            after: json!({"owner": self.owner, "amount": row.amount}),
        };
        limits::act(tx, act).await?;
        Ok(lot)
    }
}

/// Grants a campaign's bonus to one owner, within its budget and its time.
pub(super) async fn give(tx: &mut Tx, row: &Model, owner: Owner) -> Result<LotView, CommandError> {
    if tx.now() < row.starts_at || tx.now() > row.ends_at {
        let over = Refusal::CampaignOver.refused();
        return Err(over.with("starts_at", row.starts_at).with("ends_at", row.ends_at).into());
    }
    // The guard on the sum in the database keeps the budget from being exceeded.
    tx.adjust(RelativeUpdate {
        table: entity::campaign::TABLE,
        key: vec![("id", Value::from(row.id.0))],
        add: vec![("granted", row.amount.0)],
        set: Vec::new(),
        also: Vec::new(),
        condition: Some(("\"granted\" + ? <= \"budget\"", vec![row.amount.0.into()])),
        refusal: Some(Refusal::CampaignSpent.refused()),
    });
    let lot = Grant {
        owner,
        amount: row.amount,
        life: TimeDelta::hours(row.ttl_h),
        source: LotSource::Campaign,
        source_id: Some(row.id.0),
        note: &row.name,
    };
    Ok(lot_view(&grant(tx, lot).await?))
}

/// A page of campaigns, newest first.
///
/// # Errors
/// When the database fails.
pub async fn page<C: ConnectionTrait>(
    db: &C,
    query: &PageQuery,
) -> Result<Page<CampaignView>, CommandError> {
    let mut rows =
        campaign::Entity::find().order_by_desc(campaign::Column::Id).limit(query.reach());
    if let Some(cursor) = query.cursor {
        rows = rows.filter(campaign::Column::Id.lt(CampaignId(cursor)));
    }
    Ok(Page::read(db, rows, query, |row| row.id.0, |row| view(&row)).await?)
}
