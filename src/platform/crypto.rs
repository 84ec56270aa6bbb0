//! Keys: sealing personal data, keyed hashes to find it by, signatures (ACC-5).

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use entity::value::Sealed;
use entity::value::sealed::SEALED_PREFIX;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hmac;
use ring::rand::{SecureRandom as _, SystemRandom};

use super::refusal::Fault;

/// Length of every key, bytes.
pub const KEY_BYTES: usize = 32;

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
    /// From base64 of 32 bytes each: sealing keys by id, the id new data is sealed under, and the
    /// two keyed-hash keys.
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

    /// The bytes signatures of access tokens are made with.
    #[must_use]
    pub fn signing_bytes(&self) -> &[u8] {
        &self.signing_bytes
    }

    /// Seals a text under the current key.
    ///
    /// # Errors
    /// A fault when the machine has no randomness.
    pub fn seal(&self, text: &str) -> Result<Sealed, Fault> {
        let broken = || Fault::Other("sealing failed".to_owned());
        let key = self.sealing.get(&self.current).ok_or_else(broken)?;
        let mut nonce = [0_u8; NONCE_LEN];
        self.random.fill(&mut nonce).map_err(|_| broken())?;
        let mut body = text.as_bytes().to_vec();
        key.seal_in_place_append_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(self.current.as_bytes()),
            &mut body,
        )
        .map_err(|_| broken())?;
        let bytes: Vec<u8> = nonce.into_iter().chain(body).collect();
        Ok(Sealed(format!("{SEALED_PREFIX}{}:{}", self.current, STANDARD.encode(bytes))))
    }

    /// Opens a sealed text; `None` when it was not sealed by these keys.
    #[must_use]
    pub fn open(&self, sealed: &str) -> Option<String> {
        let (id, body) = sealed.strip_prefix(SEALED_PREFIX)?.split_once(':')?;
        let key = self.sealing.get(id)?;
        let bytes = STANDARD.decode(body).ok()?;
        let (nonce, body) = bytes.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut body = body.to_vec();
        let text = key.open_in_place(nonce, Aad::from(id.as_bytes()), &mut body).ok()?;
        String::from_utf8(text.to_vec()).ok()
    }

    /// Opens every sealed text inside a JSON document.
    #[must_use]
    pub fn open_json(&self, json: &str) -> String {
        let mut out = String::with_capacity(json.len());
        let mut rest = json;
        let mark = format!("\"{SEALED_PREFIX}");
        while let Some((before, from)) = rest.split_once(mark.as_str()) {
            out.push_str(before);
            let Some((body, after)) = from.split_once('"') else {
                out.push_str(&mark);
                rest = from;
                continue;
            };
            if let Some(text) = self.open(&format!("{SEALED_PREFIX}{body}")) {
                out.push_str(&serde_json::Value::String(text).to_string());
            } else {
                // Somebody's own words that only look sealed.
                out.push_str(&mark);
                out.push_str(body);
                out.push('"');
            }
            rest = after;
        }
        out.push_str(rest);
        out
    }

    /// Keyed hash of personal data: the same text, the same hash, and nothing to be guessed from it
    /// without the key.
    #[must_use]
    pub fn lookup(&self, purpose: &str, text: &str) -> String {
        keyed(&self.lookup, purpose, text)
    }

    /// Signature of a text.
    #[must_use]
    pub fn sign(&self, purpose: &str, text: &str) -> String {
        keyed(&self.signing, purpose, text)
    }

    /// Is it the signature of this text? Takes the same time whatever the answer.
    #[must_use]
    pub fn signed(&self, purpose: &str, text: &str, signature: &str) -> bool {
        URL_SAFE_NO_PAD.decode(signature).is_ok_and(|signature| {
            hmac::verify(&self.signing, format!("{purpose}\n{text}").as_bytes(), &signature).is_ok()
        })
    }

    /// Are two keyed hashes the same? Takes the same time whatever the answer.
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
        let width = usize::try_from(n).unwrap_or(6);
        Ok(format!("{:0width$}", u64::from_le_bytes(bytes) % 10_u64.pow(n)))
    }
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

/// SHA-256 of bytes, for comparing bodies.
#[must_use]
pub fn digest(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(ring::digest::digest(&ring::digest::SHA256, bytes))
}
