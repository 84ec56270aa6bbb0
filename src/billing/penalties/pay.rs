//! Recording money that support received for a penalty; it is split at once (PEN-5).

use entity::kinds::CommandName;
use entity::value::{Money, PenaltyId};

use super::read::{self, PenaltyView, view};
use super::waive::record;
use super::{emit, penalty};
use crate::access::limits;
use crate::context::{Context, Tx};
use crate::ledger;
use crate::ledger::post::penalty::{PenaltyAct, share};
use crate::ledger::split::split;
use platform::codes::given;
use platform::{Command, CommandError, Refused};

/// Records a payment.
pub struct Pay {
    /// The penalty.
    pub penalty_id: PenaltyId,
    /// The amount: above zero, at most what is unpaid.
    pub amount: Money,
    /// The source of the money.
    pub reason: String,
    /// Confirms that a second payment of the same amount is intended.
    pub confirm: bool,
}

impl Command<Context> for Pay {
    type Answer = PenaltyView;
    const NAME: CommandName = CommandName::PayPenalty;

    async fn run(&self, tx: &mut Tx) -> Result<PenaltyView, CommandError> {
        let note = given(&self.reason)?;
        if !self.amount.is_positive() {
            return Err(ledger::Refusal::AmountInvalid.into());
        }
        let (row, keys) = read::load(tx, self.penalty_id).await?;
        let left = penalty::left(&row);
        let next = penalty::paid(&row, self.amount, tx.now())
            .map_err(|refusal| Refused::from(refusal).with("left", left))?;
        let act = record("record_penalty_payment", (&row, &next), self.amount, note);
        limits::act_once(tx, act, self.confirm).await?;
        let rate = keys.fee.split_partner_bp;
        let more = split(next.paid, rate).since(split(row.paid, rate));
        let (penalty_id, order_id) = (row.id, row.order_id);
        let (partner_id, n) = (row.partner_id, next.payments);
        share(tx, &PenaltyAct { penalty_id, order_id, partner_id, n, note }, more)?;
        tx.update(&row, &next);
        let shown = view(&next, &keys);
        emit::client(tx, &shown, None)?;
        emit::branch(tx, &next, "penalty_share", more.partner)?;
        Ok(shown)
    }
}
