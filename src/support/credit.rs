//! Crediting a partner's balance by support: money received outside the app, under a receipt, or
//! goodwill, which is no top-up and not refundable (LIM-11).

use entity::kinds::CommandName;
use entity::value::{Money, PartnerId};
use entity::wallet;
use serde_json::json;

use crate::access::limits;
use crate::billing::payments::top_up;
use crate::context::{Context, Tx};
use crate::ledger::Refusal;
use crate::ledger::read::BalanceView;
use crate::policy;
use platform::codes::given;
use platform::engine::audit::AuditedAct;
use platform::{Command, CommandError, all_right};

/// Maximum length of a reason, in characters.
const REASON_MAX: usize = 500;

/// Credits a partner's balance.
pub struct CreditPartner {
    /// The partner.
    pub partner_id: PartnerId,
    /// The amount, above zero.
    pub amount: Money,
    /// Support's reason.
    pub reason: String,
    /// The receipt of received money; none means goodwill.
    pub receipt: Option<String>,
    /// Whether it is a top-up paid in cash, which earns the gift of a top-up (BON-4).
    pub gift: bool,
    /// Confirms that a second credit of the same amount is intended.
    pub confirm: bool,
}

impl Command<Context> for CreditPartner {
    type Answer = BalanceView;
    const NAME: CommandName = CommandName::CreditPartner;

    async fn run(&self, tx: &mut Tx) -> Result<BalanceView, CommandError> {
        let reason = self.reason.trim();
        let said = (1..=REASON_MAX).contains(&reason.chars().count());
        let why = "Send an amount above zero and a reason of 1 to 500 characters.";
        let wrong = [("/amount", !self.amount.is_positive()), ("/reason", !said)];
        all_right(Refusal::AmountInvalid.refused().because(why), &wrong)?;
        let wallet = tx.find::<wallet::Entity>(self.partner_id.0).await?;
        let wallet = wallet.ok_or(Refusal::NoSuchPartner)?;
        let receipt = self.receipt.as_deref().map(given).transpose();
        let receipt = receipt.map_err(|refusal| refusal.refused().at("/receipt"))?;
        if self.gift && receipt.is_none() {
            return Err(Refusal::ReceiptRequired.into());
        }
        let id = match receipt {
            // Booked like any other top-up: it is listed, and may be refunded (BAL-5).
            Some(receipt) => {
                let note = format!("{reason} ({receipt})");
                top_up::recorded(tx, self.partner_id, self.amount, &note, self.gift).await?.id.0
            }
            None => top_up::goodwill(tx, self.partner_id, self.amount, reason)?,
        };
        let act = AuditedAct {
            kind: "credit_partner",
            subject: ("partner", self.partner_id.0),
            amount: self.amount,
            reason,
            before: json!({"posted": wallet.posted}),
            after: json!({"credit": id, "receipt": receipt, "gift": self.gift}),
        };
        limits::act_once(tx, act, self.confirm).await?;
        // The balance expected without concurrent changes; the row itself is only incremented by
        // the amount.
        let keys = policy::registry::in_force(tx)?.keys;
        let floor = wallet.floor.unwrap_or(keys.balance.floor);
        let posted = Money(wallet.posted.0 + self.amount.0);
        let available = Money(posted.0 - wallet.held.0);
        let recovered = available >= keys.balance.unrestrict_at;
        Ok(BalanceView {
            posted,
            held: wallet.held,
            available,
            floor,
            restricted: wallet.locked || available < floor || (wallet.restricted && !recovered),
            low: available < keys.balance.low,
        })
    }
}
