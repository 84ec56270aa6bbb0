//! How a partner wants what it is owed, and under which tax number (BON-5).

use entity::payout_terms::{Model, PayoutTo};
use entity::value::{Bp, PartnerId, SealedColumn};
use entity::{partner, payout_terms};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Refusal;
use super::account::{self, Account};
use crate::ledger;
use crate::platform::codes::given;
use crate::platform::crypto::Keys;
use crate::platform::{Command, Stop, Tx};

/// What a partner without a word of its own gets: everything to the balance.
pub const SILENT: PayoutTo = PayoutTo::Balance { bonus_bp: Bp(0) };
/// For the keyed hash of a tax number.
const VOEN: &str = "voen";

/// The terms as they are shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TermsView {
    /// Where it goes.
    pub payout_to: PayoutTo,
    /// How the account's number ends.
    pub account: Option<String>,
    /// Did support verify the VÖEN?
    pub voen_verified: bool,
}

/// The terms as they are shown, or those of a partner that said nothing.
#[must_use]
pub fn view(row: Option<&Model>) -> TermsView {
    TermsView {
        payout_to: row.map_or(SILENT, |row| row.payout_to),
        account: row.and_then(|row| row.account_hint.clone()),
        voen_verified: row.is_some_and(|row| row.voen_verified_at.is_some()),
    }
}

/// May money go out under these terms?
#[must_use]
pub fn payable_to_card(row: &Model) -> bool {
    row.payout_to == PayoutTo::Card && row.voen_verified_at.is_some() && row.account.is_some()
}

/// Says where it shall go.
pub struct SetTerms {
    /// Whose.
    pub partner_id: PartnerId,
    /// Where.
    pub payout_to: PayoutTo,
    /// The bank account or card; the one that is known where none is named.
    pub account: Option<Account>,
}

impl Command for SetTerms {
    type Answer = TermsView;
    const NAME: &'static str = "set_payout_terms";

    async fn run(&self, tx: &mut Tx) -> Result<TermsView, Stop> {
        let old = tx.find::<payout_terms::Entity>(self.partner_id).await?;
        let mut next = old.clone().unwrap_or_else(|| silent(self.partner_id));
        next.payout_to = self.payout_to;
        if let Some(account) = &self.account {
            if !account.sensible() {
                return Err(Refusal::AccountInvalid.into());
            }
            let text = serde_json::to_string(account)?;
            next.account = Some(tx.shared::<Keys>()?.seal(
                SealedColumn::PayoutAccount,
                self.partner_id,
                &text,
            )?);
            next.account_hint = Some(account.hint());
        }
        match self.payout_to {
            PayoutTo::Card if next.voen_verified_at.is_none() => {
                return Err(Refusal::VoenRequired.into());
            }
            PayoutTo::Card if next.account.is_none() => return Err(Refusal::AccountInvalid.into()),
            PayoutTo::Card => {}
            PayoutTo::Balance { bonus_bp } => {
                if !(0..=10_000).contains(&bonus_bp.0) {
                    return Err(Refusal::TermsInvalid.into());
                }
            }
        }
        put(tx, old.as_ref(), &next);
        Ok(view(Some(&next)))
    }
}

/// Support says whose tax number it is, and whether that was seen.
pub struct SetVoen {
    /// The partner.
    pub partner_id: PartnerId,
    /// Ten digits.
    pub voen: String,
    /// Was it seen to be the partner's?
    pub verified: bool,
    /// How.
    pub reason: String,
}

impl Command for SetVoen {
    type Answer = TermsView;
    const NAME: &'static str = "set_voen";

    async fn run(&self, tx: &mut Tx) -> Result<TermsView, Stop> {
        given(&self.reason)?;
        if !account::voen(&self.voen) {
            return Err(Refusal::VoenInvalid.into());
        }
        let known = tx.find::<partner::Entity>(self.partner_id).await?;
        known.ok_or(ledger::Refusal::NoSuchPartner)?;
        let old = tx.find::<payout_terms::Entity>(self.partner_id).await?;
        let keys = tx.shared::<Keys>()?;
        let next = Model {
            voen: Some(keys.seal(SealedColumn::PayoutVoen, self.partner_id, &self.voen)?),
            voen_hash: Some(keys.lookup(VOEN, &self.voen)),
            voen_verified_at: self.verified.then_some(tx.now()),
            ..old.clone().unwrap_or_else(|| silent(self.partner_id))
        };
        put(tx, old.as_ref(), &next);
        Ok(view(Some(&next)))
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
        version: 1,
    }
}

fn put(tx: &mut Tx, old: Option<&Model>, next: &Model) {
    match old {
        Some(old) => tx.update(old, next),
        // Of two first words at once the second is said again.
        None => tx.insert(next.clone()),
    }
}
