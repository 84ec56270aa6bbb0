//! Granting bonus, and revoking a grant (BON-1, BON-4, BON-8).

use chrono::TimeDelta;
use entity::kinds::CommandName;
use entity::lot::{self, LotSource, LotState};
use entity::value::{LotId, Money};
use entity::{partner, person};
use serde_json::json;
use uuid::Uuid;

use super::account::BonusAccount;
use super::queue::micros;
use super::read::{LotView, view};
use super::{Owner, Refusal};
use crate::access::limits;
use crate::context::{Context, Tx};
use crate::ledger::post::lots;
use crate::policy;
use platform::codes::given;
use platform::engine::audit::AuditedAct;
use platform::engine::write_set::Unique;
use platform::{Command, CommandError, Refused, all_right};

/// The longest lifetime, in hours: a year.
const TTL_H_MAX: i64 = 8_760;

/// A lot to be granted.
pub struct Grant<'a> {
    /// The owner.
    pub owner: Owner,
    /// The amount, above zero.
    pub amount: Money,
    /// The lifetime, which starts when the lot becomes the head.
    pub life: TimeDelta,
    /// The source of the grant.
    pub source: LotSource,
    /// The top-up, campaign or act: each is granted to an owner once.
    pub source_id: Option<Uuid>,
    /// A note for people.
    pub note: &'a str,
}

/// Grants a lot at the end of the owner's queue.
///
/// # Errors
/// `granted_already` at the flush, or a fault.
pub async fn grant(tx: &mut Tx, grant: Grant<'_>) -> Result<lot::Model, CommandError> {
    let lot = new(tx, &grant);
    lots::granted(tx, &lot);
    put(tx, grant.owner, lot).await
}

/// Grants as bonus what the operator owes a partner; the caller has posted the payable (BON-5).
///
/// # Errors
/// A fault.
pub async fn grant_from_owed(tx: &mut Tx, grant: Grant<'_>) -> Result<lot::Model, CommandError> {
    let lot = new(tx, &grant);
    lots::granted_from_owed(tx, &lot);
    put(tx, grant.owner, lot).await
}

async fn put(tx: &mut Tx, owner: Owner, lot: lot::Model) -> Result<lot::Model, CommandError> {
    tx.unique(Unique {
        name: "lot_once",
        columns: "lot.source_id, lot.owner, lot.source",
        refusal: Refusal::GrantedAlready.refused(),
        choose_again: false,
    });
    let id = lot.id;
    let mut bonus_account = BonusAccount::load(tx, owner, &[]).await?;
    bonus_account.grant(tx, lot);
    let granted = bonus_account.lot(id).cloned();
    bonus_account.save(tx)?;
    Tx::must("lot", id, granted)
}

fn new(tx: &Tx, grant: &Grant<'_>) -> lot::Model {
    let id = LotId::new();
    lot::Model {
        id,
        owner: grant.owner.id(),
        owner_kind: grant.owner.kind(),
        root: id,
        source: grant.source,
        source_id: grant.source_id,
        amount: grant.amount,
        free: grant.amount,
        pinned: Money::ZERO,
        state: LotState::Queued,
        place: 0,
        life_us: micros(grant.life),
        expires_at: None,
        started_at: None,
        warned_at: None,
        created_at: tx.now(),
        note: grant.note.to_owned(),
        version: 1,
    }
}

/// Whether a lifetime is in the permitted range.
#[must_use]
pub fn lives(ttl_h: i64) -> bool {
    (1..=TTL_H_MAX).contains(&ttl_h)
}

/// Grants the gift of a top-up, as one lot: an amount for each full multiple of the policy's step
/// (BON-4).
///
/// # Errors
/// A fault.
pub async fn gift(
    tx: &mut Tx,
    owner: Owner,
    top_up: Uuid,
    paid: Money,
) -> Result<Option<lot::Model>, CommandError> {
    let keys = policy::registry::in_force(tx)?.keys;
    let bonus = &keys.bonus;
    let times = paid.0.checked_div(bonus.topup_per.0).unwrap_or(0);
    let amount = Money(times.saturating_mul(bonus.topup_gift.0));
    if !amount.is_positive() {
        return Ok(None);
    }
    let gift = Grant {
        owner,
        amount,
        life: TimeDelta::hours(bonus.topup_ttl_h),
        source: LotSource::TopUp,
        source_id: Some(top_up),
        note: "Gift of a top-up",
    };
    grant(tx, gift).await.map(Some)
}

/// Revokes a grant in full, which requires that nothing of it was spent or is held (BAL-5).
///
/// # Errors
/// `bonus_spent`, or a fault.
pub async fn revoke(tx: &mut Tx, owner: Owner, root: LotId) -> Result<(), CommandError> {
    let family = super::read::family(tx.db(), root).await?;
    let ids: Vec<LotId> = family.iter().map(|lot| lot.id).collect();
    if super::read::spent(tx.db(), &family).await? {
        return Err(Refusal::Spent.into());
    }
    let mut bonus_account = BonusAccount::load(tx, owner, &ids).await?;
    // A concurrent command may have held a part of it since the check.
    if ids.iter().any(|id| bonus_account.reserves(*id)) {
        return Err(Refusal::Spent.into());
    }
    bonus_account.revoke(tx, root);
    bonus_account.save(tx)
}

/// Grants again what [`revoke`] took, with the lifetime of a gift, because the refund it belonged
/// to failed.
///
/// # Errors
/// A fault.
pub async fn again(tx: &mut Tx, owner: Owner, root: LotId) -> Result<Option<LotId>, CommandError> {
    let family = super::read::family(tx.db(), root).await?;
    let amount = super::read::revoked(tx.db(), &family).await?;
    if !amount.is_positive() {
        return Ok(None);
    }
    let ttl_h = policy::registry::in_force(tx)?.keys.bonus.topup_ttl_h;
    let gift = Grant {
        owner,
        amount,
        life: TimeDelta::hours(ttl_h),
        source: LotSource::Support,
        source_id: None,
        note: "Gift of a top-up that was not given back",
    };
    Ok(Some(grant(tx, gift).await?.id))
}

/// Grants bonus by hand, by support (BON-8).
pub struct GrantBonus {
    /// The owner.
    pub owner: Owner,
    /// The amount, above zero.
    pub amount: Money,
    /// The lifetime in hours; none means the policy's days.
    pub ttl_h: Option<i64>,
    /// Support's reason.
    pub reason: String,
    /// Confirms that a second grant of the same amount is intended.
    pub confirm: bool,
}

impl Command<Context> for GrantBonus {
    type Answer = LotView;
    const NAME: CommandName = CommandName::GrantBonus;

    async fn run(&self, tx: &mut Tx) -> Result<LotView, CommandError> {
        let reason = given(&self.reason)?;
        let days = policy::registry::in_force(tx)?.keys.bonus.other_days;
        let ttl_h = self.ttl_h.unwrap_or(days * 24);
        let wrong = [("/amount", !self.amount.is_positive()), ("/ttl_h", !lives(ttl_h))];
        all_right(Refusal::GrantInvalid, &wrong)?;
        known(tx, self.owner).await?;
        let act = AuditedAct {
            kind: "grant_bonus",
            subject: (self.owner.name(), self.owner.id()),
            amount: self.amount,
            reason,
            before: json!({}),
            after: json!({"amount": self.amount, "ttl_h": ttl_h}),
        };
        limits::act_once(tx, act, self.confirm).await?;
        let lot = Grant {
            owner: self.owner,
            amount: self.amount,
            life: TimeDelta::hours(ttl_h),
            source: LotSource::Support,
            source_id: None,
            note: reason,
        };
        Ok(view(&grant(tx, lot).await?))
    }
}

/// Refuses if the owner does not exist.
///
/// # Errors
/// `no_such_owner`, or a fault.
pub async fn known(tx: &mut Tx, owner: Owner) -> Result<(), CommandError> {
    let there = match owner {
        Owner::Client(id) => tx.find_cached::<person::Entity>(id).await?.is_some(),
        Owner::Partner(id) => tx.find_cached::<partner::Entity>(id).await?.is_some(),
    };
    let nobody = || CommandError::from(Refused::from(Refusal::NoSuchOwner));
    if there { Ok(()) } else { Err(nobody()) }
}
