//! Sessions: a device's tokens are renewed, listed and revoked (ACC-1).

use std::sync::Arc;

use chrono::TimeDelta;
use entity::kinds::CommandName;
use entity::session;
use entity::value::{Instant, PersonId, SealedColumn, SealedField, SessionId};
use sea_orm::{
    ColumnTrait as _, DbErr, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::token::RefreshToken;
use crate::access::{ANYONE, Principal, Refusal, Tokens};
use crate::context::{Context, Engine, Tx};
use platform::db::pool::Pool;
use platform::db::readable;
use platform::{Command, CommandError};

/// Devices that may be signed in as one person; a new one replaces the one that was not seen for
/// longest.
pub const SESSIONS_MAX: usize = 50;

/// The bus topic for the end of a session.
#[must_use]
pub fn topic(id: SessionId) -> String {
    format!("session:{id}")
}

/// A signed-in device.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SessionView {
    /// The session.
    pub id: SessionId,
    /// The device's own name.
    pub device: SealedField,
    /// When the device signed in.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Instant,
    /// When it last got new tokens.
    #[schema(value_type = String, format = DateTime)]
    pub last_seen_at: Instant,
    /// Is it the session of this request?
    pub current: bool,
}

/// A person's signed-in devices, newest first.
///
/// # Errors
/// A fault when the database fails.
pub async fn list(
    engine: &Engine,
    principal: &Principal,
) -> Result<Vec<SessionView>, CommandError> {
    let shared = engine.shared();
    let mut rows = alive(&shared.db.read, principal.person_id, shared.clock.now()).await?;
    rows.sort_by_key(|row| std::cmp::Reverse(row.created_at));
    let view = |row: session::Model| SessionView {
        current: row.id == principal.session_id,
        id: row.id,
        device: row.device.at(SealedColumn::SessionDevice, row.id),
        created_at: row.created_at,
        last_seen_at: row.rotated_at,
    };
    Ok(rows.into_iter().map(view).collect())
}

/// Exchanges a refresh token for the next pair.
///
/// Within the grace period the token used last gets the same next one again, so a lost answer is
/// recovered. Reuse of any older token means that it or a newer one was copied: the session ends
/// for both holders.
///
/// # Errors
/// `refresh_invalid`; `refresh_reused`, and the session has ended.
pub async fn refresh(engine: &Engine, token: &str) -> Result<Tokens, CommandError> {
    let keys = &engine.shared().keys;
    let settings = &engine.context().access;
    let token = RefreshToken::read(keys, token).ok_or(Refusal::RefreshInvalid)?;
    let next = token.next(keys);
    let command = Refresh {
        session_id: token.session_id,
        presented: token.hash(keys),
        next: next.hash(keys),
    };
    match engine.execute(ANYONE, None, command).await?.answer {
        Refreshed::Good { person_id, at } => Tokens::grant(keys, settings, person_id, next, at),
        Refreshed::Reused => {
            let session_id = token.session_id;
            tracing::warn!(%session_id, "a spent refresh token came back: the session has ended");
            Err(Refusal::RefreshReused.into())
        }
    }
}

struct Refresh {
    session_id: SessionId,
    presented: String,
    next: String,
}

/// A refusal writes nothing, so a reuse that ends the session is an answer.
#[derive(Serialize, Deserialize)]
enum Refreshed {
    Good { person_id: PersonId, at: Instant },
    Reused,
}

impl Command<Context> for Refresh {
    type Answer = Refreshed;

    const NAME: CommandName = CommandName::RefreshSession;

    async fn run(&self, tx: &mut Tx) -> Result<Refreshed, CommandError> {
        let keys = tx.keys();
        let settings = Arc::clone(&tx.context().access);
        let now = tx.now();
        let old = tx.find::<session::Entity>(self.session_id).await?;
        let old = old
            .filter(|s| s.ended_at.is_none() && now <= s.expires_at)
            .ok_or(Refusal::RefreshInvalid)?;
        let grace = TimeDelta::seconds(i64::from(settings.refresh_grace_s));
        match spent(&old, now, grace, |kept| keys.same(kept, &self.presented)) {
            Spent::Now => {
                let new = session::Model {
                    previous_hash: Some(old.refresh_hash.clone()),
                    refresh_hash: self.next.clone(),
                    rotated_at: now,
                    expires_at: now + TimeDelta::days(i64::from(settings.refresh_ttl_days)),
                    ..old.clone()
                };
                tx.update(&old, &new);
            }
            Spent::JustBefore => {}
            Spent::LongAgo => {
                end(tx, &old);
                return Ok(Refreshed::Reused);
            }
        }
        Ok(Refreshed::Good { person_id: old.person_id, at: now })
    }
}

/// When a presented token was used.
#[derive(Debug, PartialEq, Eq)]
enum Spent {
    Now,
    JustBefore,
    LongAgo,
}

fn spent(
    session: &session::Model,
    now: Instant,
    grace: TimeDelta,
    is_presented: impl Fn(&str) -> bool,
) -> Spent {
    if is_presented(&session.refresh_hash) {
        return Spent::Now;
    }
    let previous = session.previous_hash.as_deref().is_some_and(is_presented);
    if previous && now <= session.rotated_at + grace { Spent::JustBefore } else { Spent::LongAgo }
}

/// Ends the session of a device of this person.
pub struct EndSession {
    /// The person it must belong to.
    pub person_id: PersonId,
    /// Which session.
    pub session_id: SessionId,
}

impl Command<Context> for EndSession {
    type Answer = ();

    const NAME: CommandName = CommandName::EndSession;

    async fn run(&self, tx: &mut Tx) -> Result<(), CommandError> {
        let row = tx.find::<session::Entity>(self.session_id).await?;
        let row = row
            .filter(|s| s.person_id == self.person_id && s.ended_at.is_none())
            .ok_or(Refusal::NoSuchSession)?;
        end(tx, &row);
        Ok(())
    }
}

/// Ends all sessions of a person.
pub struct EndAll {
    /// The person.
    pub person_id: PersonId,
}

impl Command<Context> for EndAll {
    type Answer = ();

    const NAME: CommandName = CommandName::EndAllSessions;

    async fn run(&self, tx: &mut Tx) -> Result<(), CommandError> {
        for row in alive(tx.db(), self.person_id, tx.now()).await? {
            end(tx, &row);
        }
        Ok(())
    }
}

/// Ends the sessions not seen for longest where a new one would exceed the limit.
///
/// # Errors
/// A fault when the database fails.
pub(in crate::access) async fn make_room(
    tx: &mut Tx,
    person_id: PersonId,
) -> Result<(), CommandError> {
    let rows = alive(tx.db(), person_id, tx.now()).await?;
    let over = (rows.len() + 1).saturating_sub(SESSIONS_MAX);
    for row in rows.iter().take(over) {
        end(tx, row);
    }
    Ok(())
}

/// The open sessions of a person, those not seen for longest first.
async fn alive(db: &Pool, person_id: PersonId, now: Instant) -> Result<Vec<session::Model>, DbErr> {
    let rows = session::Entity::find()
        .filter(session::Column::PersonId.eq(person_id))
        .filter(session::Column::EndedAt.is_null())
        .filter(session::Column::ExpiresAt.gte(now))
        .order_by_asc(session::Column::RotatedAt)
        .limit(2 * u64::try_from(SESSIONS_MAX).unwrap_or(50));
    Ok(readable::all(db, rows).await?.rows)
}

fn end(tx: &mut Tx, row: &session::Model) {
    let ended = session::Model { ended_at: Some(tx.now()), ..row.clone() };
    tx.update(row, &ended);
    tx.wake(topic(row.id));
}

#[cfg(test)]
mod tests {
    use entity::value::Sealed;

    use super::*;

    fn session(previous: Option<&str>) -> session::Model {
        let at = chrono::DateTime::UNIX_EPOCH;
        session::Model {
            id: SessionId::new(),
            person_id: PersonId::new(),
            device: Sealed(String::new()),
            refresh_hash: "newest".to_owned(),
            previous_hash: previous.map(ToOwned::to_owned),
            rotated_at: at,
            created_at: at,
            expires_at: at + TimeDelta::days(1),
            ended_at: None,
            device_hash: None,
            version: 1,
        }
    }

    #[test]
    fn a_lost_answer_is_given_again_and_a_late_copy_is_not() {
        let grace = TimeDelta::seconds(20);
        let session = session(Some("before"));
        let at = |secs| session.rotated_at + TimeDelta::seconds(secs);
        let asks = |token: &str, secs| spent(&session, at(secs), grace, |kept| kept == token);
        assert_eq!(asks("newest", 0), Spent::Now);
        assert_eq!(asks("newest", 10_000), Spent::Now);
        assert_eq!(asks("before", 20), Spent::JustBefore);
        assert_eq!(asks("before", 21), Spent::LongAgo);
        assert_eq!(asks("long before", 1), Spent::LongAgo);
    }
}
