//! Tokens: the access token is a signed claim, the refresh token a secret that is used once
//! (ACC-1).

use chrono::TimeDelta;
use entity::value::{Instant, PersonId, SessionId};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::access::{AccessSettings, Refusal};
use platform::crypto::Keys;
use platform::{CommandError, Fault};

/// The tokens of a signed-in device.
#[derive(Serialize, ToSchema)]
pub struct Tokens {
    /// Sent with every request.
    pub access_token: String,
    /// Always `Bearer`.
    pub token_type: &'static str,
    /// Seconds the access token is valid.
    pub expires_in: u32,
    /// Exchanged for the next pair.
    pub refresh_token: String,
    /// The device's session.
    pub session_id: SessionId,
    /// Who is signed in.
    pub person_id: PersonId,
}

impl Tokens {
    /// The pair of tokens of a session at this instant.
    ///
    /// # Errors
    /// A fault when signing fails.
    pub fn grant(
        keys: &Keys,
        settings: &AccessSettings,
        person_id: PersonId,
        refresh: RefreshToken,
        now: Instant,
    ) -> Result<Self, CommandError> {
        let session_id = refresh.session_id;
        let exp = (now + TimeDelta::seconds(i64::from(settings.access_ttl_s))).timestamp();
        let claims = Claims { sub: person_id, sid: session_id, iat: now.timestamp(), exp };
        Ok(Self {
            access_token: claims.sign(keys)?,
            token_type: "Bearer",
            expires_in: settings.access_ttl_s,
            refresh_token: refresh.text,
            session_id,
            person_id,
        })
    }
}

/// The claims of an access token.
///
/// # Source
/// RFC 7519; signed with HS256.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// The person.
    pub sub: PersonId,
    /// The device's session.
    pub sid: SessionId,
    /// When it was issued, seconds.
    pub iat: i64,
    /// When it expires, seconds.
    pub exp: i64,
}

impl Claims {
    /// The signed token.
    ///
    /// # Errors
    /// A fault when signing fails.
    pub fn sign(&self, keys: &Keys) -> Result<String, Fault> {
        let key = EncodingKey::from_secret(keys.signing_bytes());
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), self, &key)
            .map_err(|error| Fault::Other(format!("signing a token failed: {error}")))
    }

    /// Verifies and reads a token; the instant is the engine's, whose clock may be faster than real
    /// time.
    ///
    /// # Errors
    /// `unauthenticated` when it was not signed here, `token_expired` when it is too old.
    pub fn read(keys: &Keys, token: &str, now: Instant) -> Result<Self, Refusal> {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.validate_exp = false;
        let key = DecodingKey::from_secret(keys.signing_bytes());
        let claims = jsonwebtoken::decode::<Self>(token, &key, &validation)
            .map_err(|_| Refusal::Unauthenticated)?
            .claims;
        if now.timestamp() < claims.exp { Ok(claims) } else { Err(Refusal::TokenExpired) }
    }
}

/// A refresh token: `<session>.<secret>.<proof that it was issued here>`.
///
/// The next one is derived from it by a keyed hash. So a token used again because the answer was
/// lost gives the same next one, which cannot be predicted without the keys.
pub struct RefreshToken {
    /// The session.
    pub session_id: SessionId,
    text: String,
}

impl RefreshToken {
    /// The first one of a session.
    ///
    /// # Errors
    /// A fault when the machine has no randomness.
    pub fn first(keys: &Keys, session_id: SessionId) -> Result<Self, Fault> {
        Ok(Self::with(keys, session_id, &keys.token()?))
    }

    /// The token it is exchanged for.
    #[must_use]
    pub fn next(&self, keys: &Keys) -> Self {
        Self::with(keys, self.session_id, &keys.lookup("refresh next", &self.text))
    }

    /// Reads one; `None` when it was not issued here.
    #[must_use]
    pub fn read(keys: &Keys, text: &str) -> Option<Self> {
        let (body, proof) = text.rsplit_once('.')?;
        let (session_id, _) = body.split_once('.')?;
        let session_id = session_id.parse().ok()?;
        let proven = keys.same(proof, &keys.lookup("refresh proof", body));
        proven.then(|| Self { session_id, text: text.to_owned() })
    }

    /// Its keyed hash, as it is stored.
    #[must_use]
    pub fn hash(&self, keys: &Keys) -> String {
        keys.lookup("refresh", &self.text)
    }

    fn with(keys: &Keys, session_id: SessionId, secret: &str) -> Self {
        let body = format!("{}.{secret}", session_id.0.simple());
        let proof = keys.lookup("refresh proof", &body);
        Self { session_id, text: format!("{body}.{proof}") }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use platform::crypto::fresh_key;

    fn keys() -> Keys {
        let sealing = BTreeMap::from([("a".to_owned(), fresh_key().unwrap())]);
        Keys::new(&sealing, "a", &fresh_key().unwrap(), &fresh_key().unwrap()).unwrap()
    }

    #[test]
    fn an_access_token_is_good_here_and_until_its_instant_by_our_clock() {
        let keys = keys();
        let now = chrono::DateTime::from_timestamp(1_000, 999_999_000).unwrap();
        let claims = Claims { sub: PersonId::new(), sid: SessionId::new(), iat: 1_000, exp: 1_900 };
        let token = claims.sign(&keys).unwrap();

        assert_eq!(Claims::read(&keys, &token, now), Ok(claims));
        let last = chrono::DateTime::from_timestamp(1_899, 0).unwrap();
        assert_eq!(Claims::read(&keys, &token, last), Ok(claims));
        let late = chrono::DateTime::from_timestamp(1_900, 0).unwrap();
        assert_eq!(Claims::read(&keys, &token, late), Err(Refusal::TokenExpired));
    }

    #[test]
    fn nobody_elses_token_is_good_here() {
        let (ours, theirs) = (keys(), keys());
        let now = chrono::DateTime::UNIX_EPOCH;
        let claims = Claims { sub: PersonId::new(), sid: SessionId::new(), iat: 0, exp: 900 };
        let forged = claims.sign(&theirs).unwrap();
        assert_eq!(Claims::read(&ours, &forged, now), Err(Refusal::Unauthenticated));

        // {"alg":"none"}, with a valid body and no signature.
        let body = claims.sign(&ours).unwrap();
        let body = body.split('.').nth(1).unwrap();
        let unsigned = format!("eyJhbGciOiJub25lIn0.{body}.");
        assert_eq!(Claims::read(&ours, &unsigned, now), Err(Refusal::Unauthenticated));
        assert_eq!(Claims::read(&ours, "", now), Err(Refusal::Unauthenticated));
    }

    #[test]
    fn a_refresh_token_has_one_next_and_cannot_be_made_up() {
        let keys = keys();
        let session_id = SessionId::new();
        let first = RefreshToken::first(&keys, session_id).unwrap();
        let again = RefreshToken::read(&keys, &first.text).unwrap();
        assert_eq!(again.session_id, session_id);
        assert_eq!(first.hash(&keys), again.hash(&keys));
        assert_eq!(first.next(&keys).text, again.next(&keys).text);
        assert_ne!(first.text, first.next(&keys).text);

        let made_up = format!("{}.secret.proof", session_id.0.simple());
        for text in [made_up.as_str(), "", ".", "..", "a.b.c"] {
            assert!(RefreshToken::read(&keys, text).is_none(), "{text}");
        }
    }
}
