//! Signing in: a code proves a phone number, and the device gets a session (ACC-1).

use std::sync::Arc;

use chrono::TimeDelta;
use entity::kinds::CommandName;
use entity::value::fold::fold_digits;
use entity::value::{Instant, PersonId, Phone, SealedColumn, SessionId};
use entity::{otp, session};
use sea_orm::Value;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::session::make_room;
use super::token::RefreshToken;
use crate::access::codes::otp as codes;
use crate::access::codes::otp_budget::Requester;
use crate::access::people::person::{known_or_new, phone_hash};
use crate::access::{ANYONE, Refusal, Tokens};
use crate::context::{Context, Engine, Tx};
use platform::crypto::Keys;
use platform::engine::write_set::RelativeUpdate;
use platform::{Command, CommandError};

/// The longest name of a device that is stored, characters.
const DEVICE_CHARS_MAX: usize = 100;

/// Signs in with the code that was sent to a phone.
///
/// The try is counted and committed before the code is compared, so concurrent attempts cannot
/// compare more often than a code has tries.
///
/// # Errors
/// `code_wrong`, `code_expired`, `too_many_tries`.
pub async fn sign_in(
    engine: &Engine,
    phone: Phone,
    code: String,
    device: &str,
    from: &Requester,
) -> Result<Tokens, CommandError> {
    let keys = &engine.shared().keys;
    let settings = &engine.context().access;
    let phone_hash = phone_hash(keys, &phone);
    let requesters = requesters(keys, from);
    let code_id = engine.execute(ANYONE, None, Try { phone_hash, requesters }).await?.answer;

    let session_id = SessionId::new();
    let refresh = RefreshToken::first(keys, session_id)?;
    let device = device.chars().take(DEVICE_CHARS_MAX).collect();
    let refresh_hash = refresh.hash(keys);
    let device_hash = from.device.as_ref().map(|id| keys.lookup("device", id));
    let command = SignIn { code_id, phone, code, device, device_hash, session_id, refresh_hash };
    let signed = engine.execute(ANYONE, None, command).await?.answer;
    Tokens::grant(keys, settings, signed.person_id, refresh, signed.at)
}

/// The requesters whose codes may be entered: this device, or its address.
fn requesters(keys: &Keys, from: &Requester) -> Vec<String> {
    let address = Requester { device: None, ..from.clone() };
    vec![from.hash(keys), address.hash(keys)]
}

/// Counts one try of the newest code sent to a number for this requester: codes of other
/// requesters, and their tries, are separate (LIM-10).
pub(in crate::access) struct Try {
    pub(in crate::access) phone_hash: String,
    pub(in crate::access) requesters: Vec<String>,
}

impl Command<Context> for Try {
    type Answer = Uuid;

    const NAME: CommandName = CommandName::TryCode;

    async fn run(&self, tx: &mut Tx) -> Result<Uuid, CommandError> {
        let settings = Arc::clone(&tx.context().access);
        let code = codes::newest(tx.db(), &self.phone_hash, &self.requesters, 1);
        let code = code.await?.pop();
        let code = code.filter(|c| c.used_at.is_none()).ok_or(Refusal::CodeWrong)?;
        if tx.now() > code.expires_at {
            return Err(Refusal::CodeExpired.into());
        }
        tx.adjust(RelativeUpdate {
            table: entity::otp::TABLE,
            key: vec![("id", Value::from(code.id))],
            add: vec![("tries", 1)],
            set: Vec::new(),
            also: Vec::new(),
            condition: Some(("tries < ?", vec![Value::from(i64::from(settings.otp_tries))])),
            refusal: Some(Refusal::TooManyTries.refused()),
        });
        Ok(code.id)
    }
}

/// Compares the code of a counted try, and opens the session.
struct SignIn {
    code_id: Uuid,
    phone: Phone,
    code: String,
    device: String,
    device_hash: Option<String>,
    session_id: SessionId,
    refresh_hash: String,
}

#[derive(Serialize, Deserialize)]
struct Signed {
    person_id: PersonId,
    at: Instant,
}

impl Command<Context> for SignIn {
    type Answer = Signed;

    const NAME: CommandName = CommandName::SignIn;

    async fn run(&self, tx: &mut Tx) -> Result<Signed, CommandError> {
        let keys = tx.keys();
        let settings = Arc::clone(&tx.context().access);
        let now = tx.now();
        let sent = tx.find::<otp::Entity>(self.code_id).await?;
        let sent = sent.filter(|c| c.used_at.is_none()).ok_or(Refusal::CodeWrong)?;
        let answered = codes::code_hash(&keys, &sent.phone_hash, &fold_digits(&self.code));
        if !keys.same(&sent.code_hash, &answered) {
            return Err(Refusal::CodeWrong.into());
        }
        if now > sent.expires_at {
            return Err(Refusal::CodeExpired.into());
        }
        tx.adjust(codes::used(sent.id, now, Some(Refusal::CodeWrong.refused())));

        let person_id = known_or_new(tx, &self.phone).await?.id;
        make_room(tx, person_id).await?;
        tx.insert(session::Model {
            id: self.session_id,
            person_id,
            device: keys.seal(SealedColumn::SessionDevice, self.session_id, &self.device)?,
            refresh_hash: self.refresh_hash.clone(),
            previous_hash: None,
            rotated_at: now,
            created_at: now,
            expires_at: now + TimeDelta::days(i64::from(settings.refresh_ttl_days)),
            ended_at: None,
            device_hash: self.device_hash.clone(),
            version: 1,
        });
        Ok(Signed { person_id, at: now })
    }
}
