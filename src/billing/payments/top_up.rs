//! Top-ups of a partner's balance, and the refund of unspent ones (BAL-5).

use chrono::TimeDelta;
use entity::kinds::{CommandName, EventKind, TimerKind};
use entity::payment::{self, Driver, PaymentState, Purpose};
use entity::value::{EventId, LotId, Money, PartnerId, PaymentId, PenaltyId, PersonId, PostingId};
use sea_orm::{
    ColumnTrait as _, EntityTrait as _, PaginatorTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _,
};
use serde_json::json;
use uuid::Uuid;

use super::payment_view::{self, PaymentView, view};
use super::{payment as rules, refund};
use crate::billing::Refusal;
use crate::bonus::{Owner, grant};
use crate::context::{Context, Tx};
use crate::ledger;
use crate::ledger::payments;
use crate::policy::{self, Policy};
use platform::engine::idempotency;
use platform::scheduler::heartbeat;
use platform::{Audience, Command, CommandError, Refused};

/// A payment intent: the payer, the purpose and the amount.
pub(in crate::billing) struct NewPayment {
    pub(in crate::billing) purpose: Purpose,
    pub(in crate::billing) partner_id: PartnerId,
    pub(in crate::billing) client_id: Option<PersonId>,
    pub(in crate::billing) penalty_id: Option<PenaltyId>,
    pub(in crate::billing) amount: Money,
}

/// Inserts a payment intent and arms its status poll.
///
/// # Errors
/// `no_payment_provider` where none takes new payments.
pub(in crate::billing) fn intend(
    tx: &mut Tx,
    intent: &NewPayment,
    keys: &Policy,
) -> Result<payment::Model, CommandError> {
    let driver = tx.context().gateways.current();
    if driver == Driver::Manual {
        return Err(Refusal::NoProvider.into());
    }
    let row = fresh(tx, intent, driver, keys.topup.give_up_h);
    tx.insert(row.clone());
    let due = tx.now() + TimeDelta::minutes(keys.topup.look_min);
    tx.arm(TimerKind::PollPayment, row.id.0, due);
    Ok(row)
}

/// As [`intend`], but returns the open intent of the same payer, subject and amount if one was
/// created recently, unless `confirmed`. So a repeated click at a slow provider pays once (BAL-5).
///
/// # Errors
/// `no_payment_provider` where none takes new payments.
pub(in crate::billing) async fn intend_once(
    tx: &mut Tx,
    intent: &NewPayment,
    keys: &Policy,
    confirmed: bool,
) -> Result<PaymentId, CommandError> {
    let mut alike = payment::Entity::find()
        .filter(payment::Column::PartnerId.eq(intent.partner_id))
        .filter(payment::Column::Purpose.eq(intent.purpose))
        .filter(payment::Column::Amount.eq(intent.amount));
    if let Some(id) = intent.penalty_id {
        alike = alike.filter(payment::Column::PenaltyId.eq(id));
    }
    let n = alike.clone().count(tx.db()).await?;
    let since = tx.now() - TimeDelta::minutes(keys.topup.same_amount_min);
    let open = alike
        .filter(payment::Column::State.eq(PaymentState::Created))
        .filter(payment::Column::Driver.eq(tx.context().gateways.current()))
        .filter(payment::Column::CreatedAt.gt(since))
        .order_by_desc(payment::Column::Id)
        .limit(1);
    if let Some(open) = open.all(tx.db()).await?.pop().filter(|_| !confirmed) {
        return Ok(open.id);
    }
    // Of two concurrent requests that read the same state, one commits; the other runs again and
    // finds that intent.
    let about = intent.penalty_id.map_or(intent.partner_id.0, |id| id.0);
    idempotency::take_place(tx, about, "payment intent", format!("{}:{n}", intent.amount.0));
    Ok(intend(tx, intent, keys)?.id)
}

fn fresh(tx: &Tx, intent: &NewPayment, driver: Driver, give_up_h: i64) -> payment::Model {
    payment::Model {
        id: PaymentId::new(),
        purpose: intent.purpose,
        partner_id: intent.partner_id,
        client_id: intent.client_id,
        penalty_id: intent.penalty_id,
        amount: intent.amount,
        driver,
        state: PaymentState::Created,
        provider_ref: None,
        redirect_url: None,
        gift_lot_id: None,
        to_return: Money::ZERO,
        returned: Money::ZERO,
        asked: None,
        busy_until: None,
        refunds: 0,
        created_at: tx.now(),
        expires_at: tx.now() + TimeDelta::hours(give_up_h),
        paid_at: None,
        refunded_at: None,
        last_look_at: None,
        charged_back: Money::ZERO,
        note: String::new(),
        version: 1,
    }
}

/// Grants the gift of a booked top-up, where the policy has one (BON-4).
///
/// # Errors
/// Faults only.
pub(in crate::billing) async fn with_gift(
    tx: &mut Tx,
    row: payment::Model,
) -> Result<payment::Model, CommandError> {
    let owner = Owner::Partner(row.partner_id);
    let gift = grant::gift(tx, owner, row.id.0, row.amount).await?;
    Ok(payment::Model { gift_lot_id: gift.map(|lot| lot.id.0), ..row })
}

/// Books money that support received by hand. Only a top-up paid in cash comes with a `gift`.
///
/// # Errors
/// A fault when the event cannot be serialised.
pub async fn recorded(
    tx: &mut Tx,
    partner_id: PartnerId,
    amount: Money,
    note: &str,
    gift: bool,
) -> Result<payment::Model, CommandError> {
    let (purpose, client_id, penalty_id) = (Purpose::TopUp, None, None);
    let intent = NewPayment { purpose, partner_id, client_id, penalty_id, amount };
    let row = payment::Model {
        state: PaymentState::Paid,
        paid_at: Some(tx.now()),
        note: note.to_owned(),
        ..fresh(tx, &intent, Driver::Manual, 0)
    };
    payments::came(tx, &row, note)?;
    payment_view::balance(tx, &row, "credit", amount)?;
    let row = if gift { with_gift(tx, row).await? } else { row };
    tx.insert(row.clone());
    Ok(row)
}

/// Credits goodwill, which is the operator's own money: not a top-up, and not refundable (LIM-11).
/// Returns the id of the posting's subject.
///
/// # Errors
/// A fault when the event cannot be serialised.
pub fn goodwill(
    tx: &mut Tx,
    partner_id: PartnerId,
    amount: Money,
    note: &str,
) -> Result<Uuid, CommandError> {
    let act = PostingId::new().0;
    ledger::post::goodwill(tx, partner_id, amount, act, note)?;
    let payload = json!({"kind": "goodwill", "amount": amount});
    let audience = Audience::Branch(partner_id);
    tx.emit(&audience, EventKind::BalanceChanged, None, EventId::new(), &payload)?;
    Ok(act)
}

/// Opens a top-up; the provider is asked after this command commits.
pub struct CreateTopUp {
    /// The partner.
    pub partner_id: PartnerId,
    /// The amount, within the policy's bounds.
    pub amount: Money,
    /// Confirms that another top-up beside the open one is intended.
    pub confirm: bool,
}

impl Command<Context> for CreateTopUp {
    type Answer = PaymentId;
    const NAME: CommandName = CommandName::CreateTopUp;

    async fn run(&self, tx: &mut Tx) -> Result<PaymentId, CommandError> {
        if !self.amount.is_positive() {
            return Err(ledger::Refusal::AmountInvalid.into());
        }
        let keys = policy::registry::in_force(tx)?.keys;
        let (min, max) = (keys.topup.min, keys.topup.max);
        if self.amount < min || self.amount > max {
            let refused = Refusal::TopUpBounds.refused();
            return Err(refused.with("min", min).with("max", max).into());
        }
        let intent = NewPayment {
            purpose: Purpose::TopUp,
            partner_id: self.partner_id,
            client_id: None,
            penalty_id: None,
            amount: self.amount,
        };
        intend_once(tx, &intent, &keys, self.confirm).await
    }
}

/// Refunds an unspent top-up through its provider.
pub struct RefundTopUp {
    /// The partner.
    pub partner_id: PartnerId,
    /// The payment.
    pub payment_id: PaymentId,
}

impl Command<Context> for RefundTopUp {
    type Answer = PaymentView;
    const NAME: CommandName = CommandName::RefundTopUp;

    async fn run(&self, tx: &mut Tx) -> Result<PaymentView, CommandError> {
        let row = payment_view::load(tx, self.payment_id).await?;
        if row.partner_id != self.partner_id || row.purpose != Purpose::TopUp {
            return Err(Refusal::NoSuchPayment.into());
        }
        let policy = policy::registry::in_force(tx)?;
        let (hours, least) = (policy.keys.topup.refund_h, policy.keys.outage.least_s);
        let until = rules::refund_until(&row, hours);
        let (due, least) = (until.unwrap_or(tx.now()), TimeDelta::seconds(least));
        let judged = heartbeat::judged(tx.db(), due, tx.now(), least).await?;
        rules::refundable(&row, hours, judged)
            .map_err(|refusal| Refused::from(refusal).with("until", until))?;
        let amount = rules::here(&row);
        let seen = unspent(tx, &row, amount).await?;
        let next = rules::sent_back(&row, amount)?;
        payments::send_unspent_back(tx, &next, amount, seen, "")?;
        if let Some(lot) = row.gift_lot_id {
            // The gift is revoked with the top-up, which requires that nothing of it was used
            // (BAL-5).
            grant::revoke(tx, Owner::Partner(self.partner_id), LotId(lot)).await?;
        }
        tx.update(&row, &next);
        refund::begin(tx, &next)?;
        payment_view::balance(tx, &next, "top_up_refund", Money(-amount.0))?;
        payment_view::emit(tx, &next, hours)?;
        Ok(view(&next, hours))
    }
}

/// The posted balance, if nothing was spent since the top-up: no commission was taken, no hold is
/// open, and the balance covers the amount. The commit checks that the balance is unchanged.
async fn unspent(tx: &mut Tx, row: &payment::Model, amount: Money) -> Result<Money, CommandError> {
    let since = row.paid_at.unwrap_or(row.created_at);
    let (wallet, spent) = ledger::read::spent_since(tx, row.partner_id, since).await?;
    if spent || wallet.held != Money::ZERO || wallet.posted < amount {
        return Err(Refusal::Spent.into());
    }
    Ok(wallet.posted)
}
