//! Callbacks from payment providers: a callback only names the payment to check; the engine then
//! queries the provider and books the answer (BAL-5).

use chrono::TimeDelta;
use entity::payment::{Driver, PaymentState};
use entity::value::{Instant, PaymentId};
use entity::{inbound, payment};
use sea_orm::{ColumnTrait as _, DbErr, EntityTrait as _, PaginatorTrait as _, QueryFilter as _};

use super::payment_view;
use super::settle::{Fail, Keep, Message, Settle, SettleOutcome, went_back};
use super::stray::RecordStray;
use crate::billing::Refusal;
use crate::billing::gateway::{
    Hint, PaymentLookup, PaymentRef, PaymentStatus, Payments, Untrusted,
};
use crate::context::Engine;
use platform::crypto::digest;
use platform::db::pool::Pool;
use platform::{By, CommandError};

/// Maximum number of messages without effect stored per hour, for one payment or for all unknown
/// payments together; further ones are only logged.
const NOISE_MAX: u64 = 1_000;

/// Messages about unknown payments per hour after which the provider is no longer asked to identify
/// them.
const IDENTIFIED_MAX: u64 = 60;

/// Handles the raw bytes of a callback.
///
/// # Errors
/// `callback_forged`, `callback_unreadable`, `no_such_payment`, `no_payment_provider`; where the
/// provider could not be asked `provider_unreachable`, so that it calls again.
pub async fn take(
    engine: &Engine,
    driver: Driver,
    raw: &[u8],
) -> Result<SettleOutcome, CommandError> {
    let gateway = engine.context().gateways.of(driver).ok_or(Refusal::NoProvider)?;
    let digest = digest(&[format!("{driver:?}\n").as_bytes(), raw].concat());
    let message = Message { digest, driver };
    let hint = match gateway.callback(raw) {
        Ok(hint) => hint,
        Err(Untrusted::Forged) => {
            keep(engine, message, None, SettleOutcome::Forged).await?;
            return Err(Refusal::CallbackForged.into());
        }
        Err(Untrusted::Unreadable) => {
            keep(engine, message, None, SettleOutcome::Unreadable).await?;
            return Err(Refusal::CallbackUnreadable.into());
        }
    };
    if let Some(outcome) = seen_before(engine, &message).await? {
        return Ok(outcome);
    }
    let found = match known(engine, driver, &hint).await? {
        Some(id) => Some(id),
        None => identified(engine, &*gateway, &hint).await?,
    };
    let Some(payment_id) = found else {
        keep(engine, message, None, SettleOutcome::NoSuchPayment).await?;
        return Err(Refusal::NoSuchPayment.into());
    };
    poll_status(engine, &*gateway, payment_id, message).await
}

/// Returns the outcome of a message that was already processed. One that came too early is
/// processed again.
async fn seen_before(
    engine: &Engine,
    message: &Message,
) -> Result<Option<SettleOutcome>, CommandError> {
    let db = &engine.shared().db.write;
    let row = inbound::Entity::find_by_id(message.digest.clone()).all(db).await?.pop();
    let done = [SettleOutcome::Credited, SettleOutcome::Known, SettleOutcome::AmountWrong];
    let before = row.is_some_and(|row| done.iter().any(|o| o.name() == row.outcome));
    Ok(before.then_some(SettleOutcome::Known))
}

async fn known(
    engine: &Engine,
    driver: Driver,
    hint: &Hint,
) -> Result<Option<PaymentId>, CommandError> {
    let mut rows = payment::Entity::find().filter(payment::Column::Driver.eq(driver));
    rows = match (&hint.payment_id, &hint.reference) {
        (Some(id), _) => rows.filter(payment::Column::Id.eq(*id)),
        (None, Some(reference)) => rows.filter(payment::Column::ProviderRef.eq(reference)),
        (None, None) => return Ok(None),
    };
    Ok(rows.all(&engine.shared().db.write).await?.pop().map(|row| row.id))
}

/// Asks the provider to identify a payment that is not found by the callback's name: either its
/// provider reference is not recorded yet, or the payment was lost in a restore, in which case
/// support is notified (LIM-11). Because anybody can send callbacks, these queries are limited per
/// hour.
async fn identified(
    engine: &Engine,
    gateway: &dyn Payments,
    hint: &Hint,
) -> Result<Option<PaymentId>, CommandError> {
    if noise(engine, None).await? >= IDENTIFIED_MAX {
        return Ok(None);
    }
    let says = match gateway.identify(hint).await {
        Ok(says) => says,
        Err(trouble) => {
            tracing::warn!(%trouble, "a provider that called could not be asked whose it is");
            return Err(Refusal::ProviderAway.into());
        }
    };
    let driver = gateway.driver();
    if let Some(id) = says.payment_id {
        let own = Hint { payment_id: Some(id), order: None, reference: None };
        if let Some(id) = known(engine, driver, &own).await? {
            return Ok(Some(id));
        }
    }
    if says.standing == PaymentLookup::Paid {
        let found = RecordStray { driver, name: hint.name().to_owned(), says };
        engine.execute(By::CLOCK, None, found).await?;
    }
    Ok(None)
}

async fn poll_status(
    engine: &Engine,
    gateway: &dyn Payments,
    payment_id: PaymentId,
    message: Message,
) -> Result<SettleOutcome, CommandError> {
    let row = payment_view::now(&engine.shared().db.write, payment_id).await?;
    let decided = match row.state {
        PaymentState::Paid | PaymentState::Refunding | PaymentState::Refunded => true,
        PaymentState::Created | PaymentState::Failed | PaymentState::Expired => false,
    };
    if decided {
        keep(engine, message, Some(payment_id), SettleOutcome::Known).await?;
        return Ok(SettleOutcome::Known);
    }
    let message = Some(message);
    match gateway.status(&PaymentRef::of(&row)).await {
        Ok(PaymentStatus::Paid { amount, reference }) => {
            let settle = Settle { payment_id, amount, reference, message };
            Ok(engine.execute(By::CLOCK, None, settle).await?.answer)
        }
        Ok(PaymentStatus::Failed(why)) => {
            let fail = Fail { payment_id, why, went_back: false, message };
            Ok(engine.execute(By::CLOCK, None, fail).await?.answer)
        }
        Ok(
            seen @ (PaymentStatus::Returned
            | PaymentStatus::PartlyReturned
            | PaymentStatus::Touched),
        ) => {
            let fail = Fail { payment_id, why: went_back(&seen), went_back: true, message };
            Ok(engine.execute(By::CLOCK, None, fail).await?.answer)
        }
        Ok(seen @ (PaymentStatus::Pending | PaymentStatus::Absent | PaymentStatus::Unknown(_))) => {
            let unclear = matches!(seen, PaymentStatus::Unknown(_));
            let outcome = if unclear { SettleOutcome::Unclear } else { SettleOutcome::Pending };
            if let Some(message) = message {
                keep(engine, message, Some(payment_id), outcome).await?;
            }
            Ok(outcome)
        }
        Err(trouble) => {
            tracing::warn!(payment = %payment_id, %trouble, "a provider that called could not be asked");
            Err(Refusal::ProviderAway.into())
        }
    }
}

async fn keep(
    engine: &Engine,
    message: Message,
    payment_id: Option<PaymentId>,
    outcome: SettleOutcome,
) -> Result<(), CommandError> {
    if outcome != SettleOutcome::Known {
        tracing::warn!(driver = ?message.driver, outcome = outcome.name(), "a callback moved nothing");
    }
    if noise(engine, payment_id).await? >= NOISE_MAX {
        return Ok(());
    }
    let command = Keep { message, payment_id, outcome };
    engine.execute(By::CLOCK, None, command).await?;
    Ok(())
}

/// Number of messages in the last hour about this payment, or about unknown payments.
async fn noise(engine: &Engine, payment_id: Option<PaymentId>) -> Result<u64, CommandError> {
    let since = engine.shared().clock.now() - TimeDelta::hours(1);
    let rows = inbound::Entity::find().filter(inbound::Column::At.gt(since));
    let rows = match payment_id {
        Some(id) => rows.filter(inbound::Column::PaymentId.eq(id)),
        None => rows.filter(inbound::Column::PaymentId.is_null()),
    };
    Ok(rows.count(&engine.shared().db.read).await?)
}

/// Deletes old messages; what they changed stays in the books.
///
/// # Errors
/// When the database fails.
pub async fn forget(db: &Pool, before: Instant) -> Result<(), DbErr> {
    let old = inbound::Entity::delete_many().filter(inbound::Column::At.lt(before));
    old.exec(db).await.map(|_| ())
}
