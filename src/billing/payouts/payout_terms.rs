//! A partner's payout terms: where its payables go, to which account and under which tax number
//! (BON-5, LIM-11).

use chrono::{DateTime, TimeDelta, Utc};
use entity::kinds::{CommandName, EventKind, SupportQueue};
use entity::payout_terms::{Model, PayoutTo};
use entity::value::{Bp, EventId, Instant, Money, PartnerId, SealedColumn};
use entity::{partner, payout_terms};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::account::{self, PayoutAccount};
use crate::access::codes::fresh::{self, Attempt};
use crate::access::limits;
use crate::access::people::staff::owners;
use crate::billing::Refusal;
use crate::context::{Context, Tx};
use crate::{ledger, policy};
use platform::codes::given;
use platform::engine::audit::AuditedAct;
use platform::{Audience, Command, CommandError};

/// The default terms: everything to the balance.
pub const SILENT: PayoutTo = PayoutTo::Balance { bonus_bp: Bp(0) };
/// The purpose label for the keyed hash of a tax number.
const VOEN: &str = "voen";
/// The purpose label for the keyed hash of an account.
const ACCOUNT: &str = "payout account";

/// The terms as they are shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TermsView {
    /// Where payables go.
    pub payout_to: PayoutTo,
    /// The last characters of the account number.
    pub account: Option<String>,
    /// Whether support verified the VÖEN together with this account.
    pub voen_verified: bool,
    /// The end of the rest period, before which nothing is paid to the account.
    pub rests_until: Option<DateTime<Utc>>,
}

/// The view of the terms, or of the default terms.
#[must_use]
pub fn view(row: Option<&Model>, rest_h: i64) -> TermsView {
    TermsView {
        payout_to: row.map_or(SILENT, |row| row.payout_to),
        account: row.and_then(|row| row.account_hint.clone()),
        voen_verified: row.is_some_and(|row| row.voen_verified_at.is_some()),
        rests_until: row.and_then(|row| rests_until(row, rest_h)),
    }
}

/// Whether these terms allow payouts to the account. Its rest period is checked when payables are
/// collected.
#[must_use]
pub fn payable_to_card(row: &Model) -> bool {
    row.payout_to == PayoutTo::Card && row.voen_verified_at.is_some() && row.account.is_some()
}

/// When the rest period of a changed account ends (LIM-11).
#[must_use]
pub fn rests_until(row: &Model, hours: i64) -> Option<Instant> {
    row.account_changed_at.map(|at| at + TimeDelta::hours(hours))
}

/// Sets a partner's payout terms.
pub struct SetTerms {
    /// The partner.
    pub partner_id: PartnerId,
    /// Where payables go.
    pub payout_to: PayoutTo,
    /// The bank account or card; none keeps the current one.
    pub account: Option<NewAccount>,
}

/// A new account, confirmed by the owner with a fresh one-time code (LIM-11).
pub struct NewAccount {
    /// The bank account or card.
    pub account: PayoutAccount,
    /// The code attempt.
    pub attempt: Attempt,
    /// The code.
    pub code: String,
}

impl Command<Context> for SetTerms {
    type Answer = TermsView;
    const NAME: CommandName = CommandName::SetPayoutTerms;

    async fn run(&self, tx: &mut Tx) -> Result<TermsView, CommandError> {
        let rest_h = policy::registry::in_force(tx)?.keys.payout.account_rest_h;
        let old = tx.find::<payout_terms::Entity>(self.partner_id).await?;
        let mut next = old.clone().unwrap_or_else(|| silent(self.partner_id));
        next.payout_to = self.payout_to;
        if let Some(new) = &self.account {
            if !new.account.sensible() {
                return Err(Refusal::AccountInvalid.into());
            }
            fresh::spend(tx, &new.attempt, &new.code).await?;
            next = named(tx, next, &new.account, rest_h).await?;
        }
        match self.payout_to {
            PayoutTo::Card if next.voen.is_none() => return Err(Refusal::VoenRequired.into()),
            PayoutTo::Card if next.account.is_none() => return Err(Refusal::AccountInvalid.into()),
            PayoutTo::Card => {}
            PayoutTo::Balance { bonus_bp } => {
                if !(0..=10_000).contains(&bonus_bp.0) {
                    return Err(Refusal::TermsInvalid.into());
                }
            }
        }
        put(tx, old.as_ref(), &next);
        Ok(view(Some(&next), rest_h))
    }
}

/// The terms with this account. A changed account starts a rest period, needs a new verification of
/// the VÖEN, and is notified to all owners (LIM-11).
async fn named(
    tx: &mut Tx,
    old: Model,
    account: &PayoutAccount,
    rest_h: i64,
) -> Result<Model, CommandError> {
    let keys = tx.keys();
    let text = serde_json::to_string(account)?;
    let hash = keys.lookup(ACCOUNT, &text);
    if old.account_hash.as_ref() == Some(&hash) {
        return Ok(old);
    }
    let next = Model {
        account: Some(keys.seal(SealedColumn::PayoutAccount, old.id, &text)?),
        account_hint: Some(account.hint()),
        account_hash: Some(hash),
        account_changed_at: Some(tx.now()),
        account_changed_by: tx.by().person_id,
        voen_verified_at: None,
        ..old
    };
    let payload = json!({
        "partner_id": next.id, "account": next.account_hint, "by_person": tx.by().person_id,
        "rests_until": rests_until(&next, rest_h),
    });
    let (event, id) = (EventKind::PayoutAccountChanged, EventId::new());
    tx.emit(&Audience::Branch(next.id), event, None, id, &payload)?;
    for owner in owners(tx, next.id).await? {
        tx.emit(&Audience::Client(owner), event, None, id, &payload)?;
    }
    let event = EventKind::SupportPayoutAccountChanged;
    tx.emit(&Audience::Support(SupportQueue::Money), event, None, EventId::new(), &payload)?;
    Ok(next)
}

/// Sets a partner's tax number, and whether support verified it.
pub struct SetVoen {
    /// The partner.
    pub partner_id: PartnerId,
    /// Ten digits.
    pub voen: String,
    /// Whether support verified that it is the partner's.
    pub verified: bool,
    /// The last characters of the account that was verified with it.
    pub account: Option<String>,
    /// How it was verified.
    pub reason: String,
}

impl Command<Context> for SetVoen {
    type Answer = TermsView;
    const NAME: CommandName = CommandName::SetVoen;

    async fn run(&self, tx: &mut Tx) -> Result<TermsView, CommandError> {
        let reason = given(&self.reason)?;
        if !account::voen(&self.voen) {
            return Err(Refusal::VoenInvalid.into());
        }
        let known = tx.find::<partner::Entity>(self.partner_id).await?;
        known.ok_or(ledger::Refusal::NoSuchPartner)?;
        let old = tx.find::<payout_terms::Entity>(self.partner_id).await?;
        let shown = old.as_ref().and_then(|row| row.account_hint.as_ref());
        // The verification covers the owner of this account only (LIM-11).
        match (self.verified, shown) {
            (false, _) => {}
            (true, None) => return Err(Refusal::AccountRequired.into()),
            (true, Some(hint)) if self.account.as_ref() == Some(hint) => {}
            (true, Some(_)) => return Err(Refusal::AccountChanged.into()),
        }
        let keys = tx.keys();
        let next = Model {
            voen: Some(keys.seal(SealedColumn::PayoutVoen, self.partner_id, &self.voen)?),
            voen_hash: Some(keys.lookup(VOEN, &self.voen)),
            voen_verified_at: self.verified.then_some(tx.now()),
            ..old.clone().unwrap_or_else(|| silent(self.partner_id))
        };
        let cells = |row: &Model| {
            json!({
                "voen": row.voen.as_ref().map(|voen| voen.at(SealedColumn::PayoutVoen, row.id)),
                "verified_at": row.voen_verified_at,
                "account": row.account_hint,
            })
        };
        let act = AuditedAct {
            kind: "verify_voen",
            subject: ("partner", self.partner_id.0),
            amount: Money::ZERO,
            reason,
            before: old.as_ref().map_or_else(|| json!({}), cells),
            after: cells(&next),
        };
        limits::act(tx, act).await?;
        put(tx, old.as_ref(), &next);
        let rest_h = policy::registry::in_force(tx)?.keys.payout.account_rest_h;
        Ok(view(Some(&next), rest_h))
    }
}

fn silent(id: PartnerId) -> Model {
    Model {
        id,
        payout_to: SILENT,
        account: None,
        account_hint: None,
        voen: None,
        voen_hash: None,
        voen_verified_at: None,
        account_hash: None,
        account_changed_at: None,
        account_changed_by: None,
        version: 1,
    }
}

fn put(tx: &mut Tx, old: Option<&Model>, next: &Model) {
    match old {
        Some(old) => tx.update(old, next),
        // Of two concurrent first inserts, the second command runs again.
        None => tx.insert(next.clone()),
    }
}
