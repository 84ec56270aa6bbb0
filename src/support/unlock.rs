//! Unlocking a balance that a charge-back locked, by support (LIM-11).

use entity::kinds::{CommandName, EventKind};
use entity::value::{EventId, Money, PartnerId};
use entity::wallet;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use crate::access::limits;
use crate::context::{Context, Tx};
use crate::ledger::{Refusal, post};
use platform::codes::given;
use platform::engine::audit::AuditedAct;
use platform::{Audience, Command, CommandError};

/// Unlocks a partner's balance.
pub struct UnlockBalance {
    /// The partner.
    pub partner_id: PartnerId,
    /// Support's reason.
    pub reason: String,
}

/// The balance after unlocking.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
pub struct UnlockedView {
    /// The partner.
    pub partner_id: PartnerId,
    /// The sum of the balance's postings.
    pub posted: Money,
}

impl Command<Context> for UnlockBalance {
    type Answer = UnlockedView;
    const NAME: CommandName = CommandName::UnlockBalance;

    async fn run(&self, tx: &mut Tx) -> Result<UnlockedView, CommandError> {
        let reason = given(&self.reason)?;
        let partner_id = self.partner_id;
        let wallet = tx.find::<wallet::Entity>(partner_id.0).await?;
        let wallet = wallet.ok_or(Refusal::NoSuchPartner)?;
        if !wallet.locked {
            return Err(Refusal::NotLocked.into());
        }
        post::unlock(tx, partner_id)?;
        let act = AuditedAct {
            kind: "unlock_balance",
            subject: ("partner", partner_id.0),
            amount: Money::ZERO,
            reason,
            before: json!({"locked": true, "posted": wallet.posted}),
            after: json!({"locked": false}),
        };
        limits::act(tx, act).await?;
        let payload = json!({"kind": "unlocked", "amount": Money::ZERO});
        let audience = Audience::Branch(partner_id);
        tx.emit(&audience, EventKind::BalanceChanged, None, EventId::new(), &payload)?;
        Ok(UnlockedView { partner_id, posted: wallet.posted })
    }
}
