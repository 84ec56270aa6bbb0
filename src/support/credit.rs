//! Support records money received outside the app and credits it to a partner's balance.

use entity::value::{EventId, Money, PartnerId};
use entity::wallet;
use serde_json::json;
use uuid::Uuid;

use crate::ledger::read::BalanceView;
use crate::ledger::{self, Refusal};
use crate::platform::{Audience, Command, Stop, Tx};
use crate::policy;

/// Characters of a reason.
const REASON_MAX: usize = 500;

/// Credits a partner's balance.
pub struct CreditPartner {
    /// Whose.
    pub partner_id: PartnerId,
    /// Above zero.
    pub amount: Money,
    /// Where the money came from.
    pub reason: String,
}

impl Command for CreditPartner {
    type Answer = BalanceView;
    const NAME: &'static str = "credit_partner";

    async fn run(&self, tx: &mut Tx) -> Result<BalanceView, Stop> {
        let reason = self.reason.trim();
        let said = (1..=REASON_MAX).contains(&reason.chars().count());
        if !self.amount.is_positive() || !said {
            return Err(Refusal::AmountInvalid
                .refused()
                .because("Send an amount above zero and a reason of 1 to 500 characters.")
                .into());
        }
        let wallet = tx.find::<wallet::Entity>(self.partner_id.0).await?;
        let wallet = wallet.ok_or(Refusal::NoSuchPartner)?;
        ledger::post::credit(tx, self.partner_id, self.amount, Uuid::new_v4(), reason);
        let payload = json!({"kind": "credit", "amount": self.amount});
        let audience = Audience::Branch(self.partner_id);
        tx.tell(&audience, "balance.changed", None, EventId::new(), &payload)?;
        // As it will be if nothing else moves meanwhile; the balance itself is changed by the
        // amount alone.
        let floor = policy::book::in_force(tx)?.keys.balance.floor;
        let posted = Money(wallet.posted.0 + self.amount.0);
        Ok(BalanceView {
            posted,
            held: wallet.held,
            available: Money(posted.0 - wallet.held.0),
            floor: wallet.floor.unwrap_or(floor),
        })
    }
}
