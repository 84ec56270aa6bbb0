//! Support records money received outside the app and credits it to a partner's balance.

use entity::value::{Money, PartnerId};
use entity::wallet;

use crate::billing::top_up;
use crate::ledger::Refusal;
use crate::ledger::read::BalanceView;
use crate::platform::{Command, Stop, Tx};
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
    /// Is it a top-up the partner paid in cash, which brings the gift of one (BON-4)?
    pub gift: bool,
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
        // A top-up like any other: it is listed, and may go back (BAL-5).
        top_up::recorded(tx, self.partner_id, self.amount, reason, self.gift).await?;
        // As it will be if nothing else moves meanwhile; the balance itself is changed by the
        // amount alone.
        let keys = policy::book::in_force(tx)?.keys;
        let floor = wallet.floor.unwrap_or(keys.balance.floor);
        let posted = Money(wallet.posted.0 + self.amount.0);
        let available = Money(posted.0 - wallet.held.0);
        let recovered = available >= keys.balance.unrestrict_at;
        Ok(BalanceView {
            posted,
            held: wallet.held,
            available,
            floor,
            restricted: available < floor || (wallet.restricted && !recovered),
            low: available < keys.balance.low,
        })
    }
}
