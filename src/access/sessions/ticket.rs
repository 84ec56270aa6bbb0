//! Tickets: short-lived, single-use credentials that a browser's WebSocket sends in place of a
//! header (ACC-1).
//!
//! A ticket is a signed text, so any node can read it; the database ensures its single use
//! ([`idempotency::take_once`]).

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use entity::kinds::CommandName;
use entity::value::{Instant, SessionId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::access::{ANYONE, Principal, Refusal, Sessions};
use crate::context::{Context, Engine, Tx};
use platform::crypto::Keys;
use platform::engine::idempotency;
use platform::{Command, CommandError};

const PURPOSE: &str = "ticket";

/// A ticket as it is issued.
#[derive(Serialize, ToSchema)]
pub struct Ticket {
    /// The value of `?ticket=`.
    pub ticket: String,
    /// Seconds it is valid.
    pub expires_in_s: u32,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Claims {
    id: Uuid,
    session_id: SessionId,
    good_until: Instant,
    /// When the access token it was requested with expires.
    access_until: Instant,
    audience: Option<String>,
}

impl Claims {
    fn sign(&self, keys: &Keys) -> Result<String, CommandError> {
        let body = URL_SAFE_NO_PAD.encode(serde_json::to_vec(self)?);
        let signature = keys.sign(PURPOSE, &body);
        Ok(format!("{body}.{signature}"))
    }

    fn read(keys: &Keys, ticket: &str, audience: &str, now: Instant) -> Option<Self> {
        let (body, signature) = ticket.split_once('.')?;
        if !keys.signed(PURPOSE, body, signature) {
            return None;
        }
        let claims: Self = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(body).ok()?).ok()?;
        let fits = claims.audience.as_deref().is_none_or(|bound| bound == audience);
        (fits && now <= claims.good_until).then_some(claims)
    }
}

impl Sessions {
    /// A ticket for this principal; one that names an audience is valid for no other.
    ///
    /// # Errors
    /// A fault when it cannot be written.
    pub fn ticket(
        &self,
        engine: &Engine,
        principal: &Principal,
        audience: Option<String>,
    ) -> Result<Ticket, CommandError> {
        let expires_in_s = self.settings.ticket_ttl_s;
        let now = engine.shared().clock.now();
        let claims = Claims {
            id: Uuid::new_v4(),
            session_id: principal.session_id,
            good_until: now + TimeDelta::seconds(i64::from(expires_in_s)),
            access_until: principal.expires_at,
            audience,
        };
        Ok(Ticket { ticket: claims.sign(&self.keys)?, expires_in_s })
    }

    /// The principal of this ticket, for the audience as the request spells it (`client`,
    /// `branch:…`, `support`).
    ///
    /// # Errors
    /// `ticket_invalid`, `session_ended`.
    pub async fn redeem(
        &self,
        engine: &Engine,
        ticket: &str,
        audience: &str,
    ) -> Result<Arc<Principal>, CommandError> {
        let now = engine.shared().clock.now();
        let claims =
            Claims::read(&self.keys, ticket, audience, now).ok_or(Refusal::TicketInvalid)?;
        engine.execute(ANYONE, None, Redeem { id: claims.id }).await?;
        self.principal(engine, claims.session_id, claims.access_until).await
    }
}

struct Redeem {
    id: Uuid,
}

impl Command<Context> for Redeem {
    type Answer = ();

    const NAME: CommandName = CommandName::RedeemTicket;

    async fn run(&self, tx: &mut Tx) -> Result<(), CommandError> {
        idempotency::take_once(tx, self.id, PURPOSE, Refusal::TicketInvalid.refused()).await
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use platform::crypto::fresh_key;

    #[test]
    fn a_ticket_is_good_for_its_time_and_audience() {
        let sealing = BTreeMap::from([("a".to_owned(), fresh_key().unwrap())]);
        let keys = Keys::new(&sealing, "a", &fresh_key().unwrap(), &fresh_key().unwrap()).unwrap();
        let now: Instant = chrono::DateTime::UNIX_EPOCH;
        let claims = |audience: Option<&str>| Claims {
            id: Uuid::new_v4(),
            session_id: SessionId::new(),
            good_until: now + TimeDelta::seconds(30),
            access_until: now + TimeDelta::seconds(900),
            audience: audience.map(ToOwned::to_owned),
        };
        let any = claims(None);
        let text = any.sign(&keys).unwrap();
        assert_eq!(Claims::read(&keys, &text, "client", now), Some(any));
        let late = now + TimeDelta::seconds(31);
        assert_eq!(Claims::read(&keys, &text, "client", late), None);
        assert_eq!(Claims::read(&keys, &format!("x{text}"), "client", now), None);

        let bound = claims(Some("support"));
        let text = bound.sign(&keys).unwrap();
        assert_eq!(Claims::read(&keys, &text, "client", now), None);
        assert_eq!(Claims::read(&keys, &text, "support", now), Some(bound));
    }
}
