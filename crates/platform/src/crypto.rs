//! Keys: sealing of personal data, keyed hashes for lookups, signatures (ACC-5).

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use entity::value::sealed::{SEALED_KEY, SEALED_PREFIX};
use entity::value::{Sealed, SealedColumn, SealedField};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hmac;
use ring::rand::{SecureRandom as _, SystemRandom};
use uuid::Uuid;

use crate::refusal::Fault;

/// Length of every key, bytes.
pub const KEY_BYTES: usize = 32;
/// Prefix of a text bound to its column and row; an unbound text begins with its key's id.
const BOUND: &str = "v2:";

/// The keys of a deployment.
pub struct Keys {
    current: String,
    sealing: BTreeMap<String, LessSafeKey>,
    lookup: hmac::Key,
    signing: hmac::Key,
    signing_bytes: Vec<u8>,
    random: SystemRandom,
}

impl Keys {
    /// From base64 of 32 bytes each: the sealing keys by id, the id of the key that seals new data,
    /// and the two keyed-hash keys.
    ///
    /// # Errors
    /// When a key is not 32 bytes of base64, or the current one is missing.
    pub fn new(
        sealing: &BTreeMap<String, String>,
        current: &str,
        lookup: &str,
        signing: &str,
    ) -> Result<Self, Fault> {
        let mut keys = BTreeMap::new();
        for (id, text) in sealing {
            let key = UnboundKey::new(&AES_256_GCM, &key_bytes(text)?)
                .map_err(|_| Fault::Other(format!("sealing key {id} is unusable")))?;
            keys.insert(id.clone(), LessSafeKey::new(key));
        }
        if !keys.contains_key(current) {
            return Err(Fault::Other(format!("there is no sealing key {current}")));
        }
        let signing_bytes = key_bytes(signing)?;
        Ok(Self {
            current: current.to_owned(),
            sealing: keys,
            lookup: hmac::Key::new(hmac::HMAC_SHA256, &key_bytes(lookup)?),
            signing: hmac::Key::new(hmac::HMAC_SHA256, &signing_bytes),
            signing_bytes,
            random: SystemRandom::new(),
        })
    }

    /// The bytes that access tokens are signed with.
    #[must_use]
    pub fn signing_bytes(&self) -> &[u8] {
        &self.signing_bytes
    }

    /// Seals a text under the current key; it can be opened only for the same column of the same
    /// row.
    ///
    /// # Errors
    /// A fault when the machine has no randomness.
    pub fn seal(
        &self,
        column: SealedColumn,
        row: impl Into<Uuid>,
        text: &str,
    ) -> Result<Sealed, Fault> {
        let broken = || Fault::Other("sealing failed".to_owned());
        let key = self.sealing.get(&self.current).ok_or_else(broken)?;
        let mut nonce = [0_u8; NONCE_LEN];
        self.random.fill(&mut nonce).map_err(|_| broken())?;
        let mut body = text.as_bytes().to_vec();
        key.seal_in_place_append_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(bound_to(&self.current, column, row.into())),
            &mut body,
        )
        .map_err(|_| broken())?;
        let bytes: Vec<u8> = nonce.into_iter().chain(body).collect();
        let body = STANDARD.encode(bytes);
        Ok(Sealed(format!("{SEALED_PREFIX}{BOUND}{}:{body}", self.current)))
    }

    /// Opens a text that was sealed for this column of this row. Any other text is unreadable: an
    /// alarm names the column and row, and nothing of the text is shown.
    #[must_use]
    pub fn open(
        &self,
        column: SealedColumn,
        row: impl Into<Uuid>,
        sealed: &Sealed,
    ) -> Option<String> {
        let row = row.into();
        let opened = sealed.0.strip_prefix(SEALED_PREFIX).and_then(|s| s.strip_prefix(BOUND));
        let opened = opened.and_then(|sealed| {
            let (id, _) = sealed.split_once(':')?;
            self.decipher(sealed, &bound_to(id, column, row))
        });
        if opened.is_none() {
            tracing::error!(alarm = "sealed_unreadable", %column, %row, "a sealed text is not here");
            metrics::counter!("yumo_sealed_unreadable").increment(1);
        }
        opened
    }

    /// Opens a text sealed before texts were bound to column and row: in stored documents of that
    /// time, and when it is sealed again.
    #[must_use]
    pub fn open_unbound(&self, sealed: &Sealed) -> Option<String> {
        let sealed = sealed.0.strip_prefix(SEALED_PREFIX)?;
        let (id, _) = sealed.split_once(':')?;
        self.decipher(sealed, id)
    }

    /// Decrypts `<key id>:<base64>` with the associated data it was bound to.
    fn decipher(&self, sealed: &str, bound: &str) -> Option<String> {
        let (id, body) = sealed.split_once(':')?;
        let key = self.sealing.get(id)?;
        let bytes = STANDARD.decode(body).ok()?;
        let (nonce, body) = bytes.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut body = body.to_vec();
        let text = key.open_in_place(nonce, Aad::from(bound.as_bytes()), &mut body).ok()?;
        String::from_utf8(text.to_vec()).ok()
    }

    /// Opens a field of an answer for the column and row it names.
    #[must_use]
    pub fn open_field(&self, field: &SealedField) -> Option<String> {
        match field.place {
            Some((column, row)) => self.open(column, row, &field.text),
            None => self.open_unbound(&field.text),
        }
    }

    /// Opens the sealed fields of a JSON document, and nothing else: a field is an object under one
    /// key, and a text that a person wrote never counts as one, whatever it contains. A field that
    /// cannot be opened is shown as an empty text.
    #[must_use]
    pub fn open_json(&self, json: &str) -> String {
        let mut out = String::with_capacity(json.len());
        let mut rest = json;
        // In JSON a quote inside a string is always escaped, so this unescaped pattern occurs only
        // where an object begins. The sealed value needs no escapes.
        let mark = format!("{{\"{SEALED_KEY}\":\"");
        while let Some((before, from)) = rest.split_once(mark.as_str()) {
            out.push_str(before);
            let Some((written, after)) = from.split_once("\"}") else {
                out.push_str(&mark);
                rest = from;
                continue;
            };
            let field = SealedField::read(written);
            let text = field.and_then(|field| self.open_field(&field)).unwrap_or_default();
            out.push_str(&serde_json::Value::String(text).to_string());
            rest = after;
        }
        out.push_str(rest);
        out
    }

    /// As [`Self::open_json`], for JSON that may have been written before texts were bound to
    /// column and row: the texts at these paths are opened too.
    #[must_use]
    pub fn open_older_json(&self, json: &str, paths: &[&str]) -> String {
        if !json.contains(&format!("\"{SEALED_PREFIX}")) {
            return self.open_json(json);
        }
        let Ok(mut event) = serde_json::from_str::<serde_json::Value>(json) else {
            return self.open_json(json);
        };
        for path in paths {
            let Some(value) = event.pointer_mut(path) else { continue };
            let opened = value.as_str().filter(|text| text.starts_with(SEALED_PREFIX));
            let opened = opened.and_then(|text| self.open_unbound(&Sealed(text.to_owned())));
            if let Some(text) = opened {
                *value = serde_json::Value::String(text);
            }
        }
        self.open_json(&event.to_string())
    }

    /// Keyed hash of personal data: equal texts have equal hashes, and without the key nothing can
    /// be guessed from a hash.
    #[must_use]
    pub fn lookup(&self, purpose: &str, text: &str) -> String {
        keyed(&self.lookup, purpose, text)
    }

    /// Decimal digits derived from a text under the key; unpredictable without it.
    #[must_use]
    pub fn number(&self, purpose: &str, text: &str, digits: u32) -> String {
        let tag = hmac::sign(&self.lookup, format!("{purpose}\n{text}").as_bytes());
        let first = tag.as_ref().first_chunk::<8>().copied().unwrap_or_default();
        decimal(u64::from_le_bytes(first), digits)
    }

    /// Signature of a text.
    #[must_use]
    pub fn sign(&self, purpose: &str, text: &str) -> String {
        keyed(&self.signing, purpose, text)
    }

    /// Is it the signature of this text? Compares in constant time.
    #[must_use]
    pub fn signed(&self, purpose: &str, text: &str, signature: &str) -> bool {
        URL_SAFE_NO_PAD.decode(signature).is_ok_and(|signature| {
            hmac::verify(&self.signing, format!("{purpose}\n{text}").as_bytes(), &signature).is_ok()
        })
    }

    /// Are two keyed hashes the same? Compares in constant time.
    #[must_use]
    pub fn same(&self, a: &str, b: &str) -> bool {
        let tag = hmac::sign(&self.lookup, a.as_bytes());
        hmac::verify(&self.lookup, b.as_bytes(), tag.as_ref()).is_ok()
    }

    /// Fresh random text, 256 bits.
    ///
    /// # Errors
    /// A fault when the machine has no randomness.
    pub fn token(&self) -> Result<String, Fault> {
        let mut bytes = [0_u8; KEY_BYTES];
        let broken = |_| Fault::Other("no randomness".to_owned());
        self.random.fill(&mut bytes).map_err(broken)?;
        Ok(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// Fresh random digits.
    ///
    /// # Errors
    /// A fault when the machine has no randomness.
    pub fn digits(&self, n: u32) -> Result<String, Fault> {
        let mut bytes = [0_u8; 8];
        let broken = |_| Fault::Other("no randomness".to_owned());
        self.random.fill(&mut bytes).map_err(broken)?;
        Ok(decimal(u64::from_le_bytes(bytes), n))
    }
}

/// The associated data of a text bound to its column and row.
fn bound_to(key_id: &str, column: SealedColumn, row: Uuid) -> String {
    format!("{key_id}\n{column}\n{row}")
}

/// The last `digits` decimal digits of a number.
fn decimal(number: u64, digits: u32) -> String {
    let width = usize::try_from(digits).unwrap_or(6);
    format!("{:0width$}", number % 10_u64.pow(digits))
}

fn keyed(key: &hmac::Key, purpose: &str, text: &str) -> String {
    URL_SAFE_NO_PAD.encode(hmac::sign(key, format!("{purpose}\n{text}").as_bytes()))
}

fn key_bytes(text: &str) -> Result<Vec<u8>, Fault> {
    let bytes = STANDARD.decode(text.trim()).ok().filter(|b| b.len() == KEY_BYTES);
    bytes.ok_or_else(|| Fault::Other(format!("a key is {KEY_BYTES} bytes in base64")))
}

/// A fresh key, as base64.
///
/// # Errors
/// A fault when the machine has no randomness.
pub fn fresh_key() -> Result<String, Fault> {
    let mut bytes = [0_u8; KEY_BYTES];
    SystemRandom::new().fill(&mut bytes).map_err(|_| Fault::Other("no randomness".to_owned()))?;
    Ok(STANDARD.encode(bytes))
}

/// SHA-256 of bytes, to compare request bodies.
#[must_use]
pub fn digest(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(ring::digest::digest(&ring::digest::SHA256, bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> Keys {
        let key = || STANDARD.encode([7_u8; KEY_BYTES]);
        Keys::new(&BTreeMap::from([("k1".to_owned(), key())]), "k1", &key(), &key()).unwrap()
    }

    /// A text as it was sealed before texts were bound to column and row.
    fn unbound(keys: &Keys, text: &str) -> Sealed {
        let mut body = text.as_bytes().to_vec();
        let nonce = Nonce::assume_unique_for_key([1; NONCE_LEN]);
        let key = keys.sealing.get("k1").unwrap();
        key.seal_in_place_append_tag(nonce, Aad::from(b"k1"), &mut body).unwrap();
        let bytes: Vec<u8> = [1_u8; NONCE_LEN].into_iter().chain(body).collect();
        Sealed(format!("sealed:k1:{}", STANDARD.encode(bytes)))
    }

    /// ACC-5: a text can be read only in the column and row it was written to.
    #[test]
    fn acc_5_a_sealed_text_is_read_only_in_its_place() {
        let (keys, one, two) = (keys(), Uuid::from_u128(1), Uuid::from_u128(2));
        let sealed = keys.seal(SealedColumn::CarPlate, one, "10-AA-123").unwrap();
        let opened = |column, row| keys.open(column, row, &sealed);
        assert_eq!(opened(SealedColumn::CarPlate, one).as_deref(), Some("10-AA-123"));
        assert_eq!(opened(SealedColumn::CarPlate, two), None);
        assert_eq!(opened(SealedColumn::PersonName, one), None);
        assert_eq!(keys.open_unbound(&sealed), None);
        let old = unbound(&keys, "Anar");
        assert_eq!(keys.open_unbound(&old).as_deref(), Some("Anar"));
        assert_eq!(keys.open(SealedColumn::PersonName, one, &old), None);
    }

    /// ACC-5: only fields are opened; a text with the same characters stays a text.
    #[test]
    fn acc_5_somebodys_own_words_are_never_opened() {
        let (keys, row) = (keys(), Uuid::from_u128(1));
        let sealed = keys.seal(SealedColumn::PersonName, row, "An\"ar\\").unwrap();
        let field = sealed.at(SealedColumn::PersonName, row);
        let shown = serde_json::json!({"name": field, "note": sealed.0, "n": 1}).to_string();
        let opened = keys.open_json(&shown);
        let opened: serde_json::Value = serde_json::from_str(&opened).unwrap();
        let wanted = serde_json::json!({"name": "An\"ar\\", "note": sealed.0, "n": 1});
        assert_eq!(opened, wanted);
        let written = serde_json::to_string(&field).unwrap();
        let own = serde_json::json!({"note": written, "x{": "$sealed"}).to_string();
        assert_eq!(keys.open_json(&own), own);
        let moved = serde_json::to_string(&sealed.at(SealedColumn::PersonName, Uuid::nil()));
        assert_eq!(keys.open_json(&moved.unwrap()), "\"\"");
        let again: SealedField = serde_json::from_str(&written).unwrap();
        assert_eq!(again, field);
    }

    /// ACC-5: what was stored before texts were bound is still readable, in its own fields.
    #[test]
    fn acc_5_what_was_kept_unbound_is_still_read() {
        let keys = keys();
        let old = unbound(&keys, "Anar").0;
        let event = serde_json::json!({"order": {"client": {"name": old}, "note": old}});
        let opened: serde_json::Value = serde_json::from_str(
            &keys.open_older_json(&event.to_string(), &["/order/client/name"]),
        )
        .unwrap();
        assert_eq!(opened["order"]["client"]["name"], "Anar");
        assert_eq!(opened["order"]["note"], old);
        let kept: SealedField = serde_json::from_value(serde_json::json!(old)).unwrap();
        assert_eq!(keys.open_field(&kept).as_deref(), Some("Anar"));
    }
}
