//! One-time codes: requested for a phone number, stored as a keyed hash, sent after the commit
//! (ACC-1).

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use entity::kinds::CommandName;
use entity::value::{Instant, Phone};
use entity::{otp, person, session};
use sea_orm::{
    ColumnTrait as _, DbErr, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
    QueryTrait as _, Value,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::otp_budget::{self, Requester};
use crate::access::people::person::phone_hash;
use crate::access::{ANYONE, Refusal};
use crate::context::{Context, Engine, Tx};
use platform::crypto::{Keys, digest};
use platform::db::pool::Pool;
use platform::engine::write_set::{RelativeUpdate, Unique};
use platform::{Command, CommandError, Refused};

/// Digits of a code.
const CODE_DIGITS: u32 = 6;
const HOUR: TimeDelta = TimeDelta::hours(1);
const DAY: TimeDelta = TimeDelta::days(1);

/// The answer to a request for a code: the same whether or not the number is known.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
pub struct CodeSent {
    /// Seconds until another may be requested.
    pub resend_after_s: u32,
    /// Seconds it is valid.
    pub expires_in_s: u32,
}

/// Makes a code for this number and sends it after the commit. It is valid only for the requester
/// (LIM-10): another device that requests a code for the same number neither replaces it nor uses
/// its tries.
///
/// # Errors
/// `resend_too_soon` and `too_many_codes`, both with `retry_after_s`.
pub async fn request_code(
    engine: &Engine,
    phone: Phone,
    from: Requester,
) -> Result<CodeSent, CommandError> {
    let (shared, context) = (engine.shared(), engine.context());
    let (keys, settings) = (&shared.keys, &context.access);
    let code = keys.digits(CODE_DIGITS)?;
    let command = RequestCode { phone: phone.clone(), from: from.clone(), code: code.clone() };
    engine.execute(ANYONE, None, command).await?;
    context.codes.0.send(&phone, &code);
    let (db, now) = (&shared.db.read, shared.clock.now());
    let alarms = &context.code_alarms;
    otp_budget::watch(db, alarms, keys, settings, (&phone, &from), now).await?;
    Ok(CodeSent { resend_after_s: settings.otp_resend_s, expires_in_s: settings.otp_ttl_s })
}

/// Keyed hash of a code; it differs for another number.
#[must_use]
pub fn code_hash(keys: &Keys, phone_hash: &str, code: &str) -> String {
    keys.lookup("otp", &format!("{phone_hash}:{code}"))
}

/// The newest codes of a number that one of these requesters asked for, newest first.
///
/// # Errors
/// When the database fails.
pub async fn newest(
    db: &Pool,
    phone_hash: &str,
    requesters: &[String],
    n: u32,
) -> Result<Vec<otp::Model>, DbErr> {
    otp::Entity::find()
        .filter(otp::Column::PhoneHash.eq(phone_hash))
        .filter(otp::Column::Requester.is_in(requesters))
        .order_by_desc(otp::Column::CreatedAt)
        .order_by_desc(otp::Column::Turn)
        .limit(u64::from(n))
        .all(db)
        .await
}

/// Deletes codes older than the limits need; an hourly sweep suffices.
///
/// # Errors
/// When the database fails.
pub async fn forget(db: &Pool, now: Instant) -> Result<u64, DbErr> {
    let gone = otp::Entity::delete_many()
        .filter(otp::Column::CreatedAt.lt(now - DAY - DAY))
        .exec(db)
        .await?;
    otp_budget::forget(db, now).await?;
    Ok(gone.rows_affected)
}

struct RequestCode {
    phone: Phone,
    from: Requester,
    code: String,
}

impl Command<Context> for RequestCode {
    type Answer = ();

    const NAME: CommandName = CommandName::RequestCode;

    async fn run(&self, tx: &mut Tx) -> Result<(), CommandError> {
        let keys = tx.keys();
        let settings = Arc::clone(&tx.context().access);
        let now = tx.now();
        let phone_hash = phone_hash(&keys, &self.phone);
        let address = keys.lookup("address", &self.from.address);
        let requester = self.from.hash(&keys);

        let own = std::slice::from_ref(&requester);
        let sent = newest(tx.db(), &phone_hash, own, settings.otp_per_phone_day.max(1)).await?;
        let resend = TimeDelta::seconds(i64::from(settings.otp_resend_s));
        refuse_until(sent.first().map(|s| s.created_at + resend), now, Refusal::ResendTooSoon)?;
        let most = usize::try_from(settings.otp_per_phone_day).unwrap_or(usize::MAX).max(1);
        let full = sent.get(most - 1).map(|s| s.created_at + DAY);
        refuse_until(full, now, Refusal::TooManyCodes)?;
        for (most, span) in
            [(settings.otp_per_address_hour, HOUR), (settings.otp_per_address_day, DAY)]
        {
            let full = nth_newest(tx.db(), &address, most.max(1), now - span).await?;
            refuse_until(full.map(|at| at + span), now, Refusal::TooManyCodes)?;
        }

        let known = knows(tx, &phone_hash, &self.from, &requester).await?;
        otp_budget::spend(tx, &keys, &settings, &self.phone, &self.from, known);

        let id = id_after(&format!("{phone_hash}\n{requester}"), sent.first());
        tx.unique(Unique {
            name: "otp_pkey",
            columns: "otp.id",
            refusal: Refusal::ResendTooSoon.refused().with("retry_after_s", settings.otp_resend_s),
            choose_again: false,
        });
        if let Some(replaced) = sent.first().filter(|s| s.used_at.is_none()) {
            tx.adjust(used(replaced.id, now, None));
        }
        tx.insert(otp::Model {
            id,
            code_hash: code_hash(&keys, &phone_hash, &self.code),
            phone_hash,
            address,
            requester,
            turn: sent.first().map_or(1, |before| before.turn.saturating_add(1)),
            created_at: now,
            expires_at: now + TimeDelta::seconds(i64::from(settings.otp_ttl_s)),
            tries: 0,
            used_at: None,
        });
        Ok(())
    }
}

/// Marks a code as used: a second command is refused, or runs again.
pub(in crate::access) fn used(id: Uuid, now: Instant, refusal: Option<Refused>) -> RelativeUpdate {
    RelativeUpdate {
        table: entity::otp::TABLE,
        key: vec![("id", Value::from(id))],
        add: Vec::new(),
        set: vec![("used_at", Value::from(now))],
        also: Vec::new(),
        condition: Some(("\"used_at\" IS NULL", Vec::new())),
        refusal,
    }
}

/// Did this device sign in the number's person before?
async fn knows(
    tx: &Tx,
    phone_hash: &str,
    from: &Requester,
    requester: &str,
) -> Result<bool, CommandError> {
    if from.device.is_none() {
        return Ok(false);
    }
    let who = person::Entity::find()
        .select_only()
        .column(person::Column::Id)
        .filter(person::Column::PhoneHash.eq(phone_hash))
        .into_query();
    let sessions = session::Entity::find()
        .filter(session::Column::DeviceHash.eq(requester))
        .filter(session::Column::PersonId.in_subquery(who))
        .limit(1);
    Ok(!sessions.all(tx.db()).await?.is_empty())
}

/// When the n-th newest code requested from an address was made, if that was after `since`. It
/// gives the wait to the second; under concurrency the limit is enforced by the address's budget.
async fn nth_newest(
    db: &Pool,
    address: &str,
    n: u32,
    since: Instant,
) -> Result<Option<Instant>, DbErr> {
    let rows: Vec<Instant> = otp::Entity::find()
        .select_only()
        .column(otp::Column::CreatedAt)
        .filter(otp::Column::Address.eq(address))
        .filter(otp::Column::CreatedAt.gt(since))
        .order_by_desc(otp::Column::CreatedAt)
        .offset(u64::from(n.saturating_sub(1)))
        .limit(1)
        .into_tuple()
        .all(db)
        .await?;
    Ok(rows.into_iter().next())
}

fn refuse_until(
    until: Option<Instant>,
    now: Instant,
    refusal: Refusal,
) -> Result<(), CommandError> {
    match until.map(|until| until - now).filter(|left| *left > TimeDelta::zero()) {
        None => Ok(()),
        Some(left) => Err(refusal.refused().with("retry_after_s", whole_secs(left)).into()),
    }
}

/// Seconds, rounded up, so that a client that waits that long is not too early.
fn whole_secs(left: TimeDelta) -> i64 {
    left.num_seconds() + i64::from(left.subsec_nanos() > 0)
}

/// The id of the code that follows another: two concurrent requests derive the same id, and one of
/// them commits.
fn id_after(phone_hash: &str, before: Option<&otp::Model>) -> Uuid {
    let before = before.map(|b| b.id.to_string()).unwrap_or_default();
    let hash = digest(format!("{phone_hash}\n{before}").as_bytes());
    let bytes = URL_SAFE_NO_PAD.decode(hash).unwrap_or_default();
    let first = bytes.first_chunk::<16>().copied().unwrap_or_default();
    uuid::Builder::from_custom_bytes(first).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_refused_until_its_very_instant() {
        let at: Instant = chrono::DateTime::UNIX_EPOCH;
        let soon = at + TimeDelta::milliseconds(1_500);
        let Err(CommandError::Refused(refused)) =
            refuse_until(Some(soon), at, Refusal::ResendTooSoon)
        else {
            panic!("it must wait");
        };
        assert_eq!(refused.with.get("retry_after_s"), Some(&serde_json::json!(2)));
        assert!(refuse_until(Some(soon), soon, Refusal::ResendTooSoon).is_ok());
        assert!(refuse_until(None, at, Refusal::ResendTooSoon).is_ok());
    }

    #[test]
    fn two_first_codes_of_one_number_are_one() {
        assert_eq!(id_after("a", None), id_after("a", None));
        assert_ne!(id_after("a", None), id_after("b", None));
    }
}
