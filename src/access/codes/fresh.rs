//! Re-authentication: a fresh one-time code for acts that a session alone does not permit (LIM-11).
//!
//! The code is requested as for signing in and can be used once, for either purpose.

use entity::value::fold::fold_digits;
use entity::{otp, person, session};
use sea_orm::EntityTrait as _;
use uuid::Uuid;

use super::otp as codes;
use crate::access::sessions::sign_in::Try;
use crate::access::{ANYONE, Refusal};
use crate::context::{Engine, Tx};
use platform::{By, CommandError, Fault, Refused};

/// A counted try of a person's newest code, or the refusal why there is none.
pub type Attempt = Result<Uuid, Box<Refused>>;

/// Counts one try of the newest code of a person, before the code is compared. A refusal is
/// returned for the command to give, because a repeated command must get its stored answer first.
///
/// # Errors
/// Faults only.
pub async fn attempt(engine: &Engine, by: By) -> Result<Attempt, CommandError> {
    let db = &engine.shared().db.write;
    let (Some(person_id), Some(session_id)) = (by.person_id, by.session_id) else {
        return Err(Fault::Other("a fresh code is somebody's".to_owned()).into());
    };
    let rows = person::Entity::find_by_id(person_id).all(db).await?;
    let row = Tx::must("person", person_id, rows.into_iter().next())?;
    let session = session::Entity::find_by_id(session_id).all(db).await?.pop();
    // As at sign-in: the codes that this device, or its address, requested (LIM-10).
    let keys = &engine.shared().keys;
    let address = by.address.map(|address| keys.lookup("address", &address.to_string()));
    let device = session.and_then(|session| session.device_hash);
    let requesters = device.into_iter().chain(address).collect();
    match engine.execute(ANYONE, None, Try { phone_hash: row.phone_hash, requesters }).await {
        Ok(done) => Ok(Ok(done.answer)),
        Err(CommandError::Refused(refused)) => Ok(Err(refused)),
        Err(stop) => Err(stop),
    }
}

/// Compares the code of a counted try, and marks it as used.
///
/// # Errors
/// `code_wrong`, `code_expired`, `too_many_tries`.
pub async fn spend(tx: &mut Tx, attempt: &Attempt, code: &str) -> Result<(), CommandError> {
    let id = match attempt {
        Ok(id) => *id,
        Err(refused) => return Err(CommandError::Refused(refused.clone())),
    };
    let keys = tx.keys();
    let sent = tx.find::<otp::Entity>(id).await?;
    let sent = sent.filter(|c| c.used_at.is_none()).ok_or(Refusal::CodeWrong)?;
    let answered = codes::code_hash(&keys, &sent.phone_hash, &fold_digits(code));
    if !keys.same(&sent.code_hash, &answered) {
        return Err(Refusal::CodeWrong.into());
    }
    if tx.now() > sent.expires_at {
        return Err(Refusal::CodeExpired.into());
    }
    tx.adjust(codes::used(sent.id, tx.now(), Some(Refusal::CodeWrong.refused())));
    Ok(())
}
