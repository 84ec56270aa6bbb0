//! A response: its status, the headers a client acts on, and its body.

use super::error::{ApiError, Problem};
use serde::de::DeserializeOwned;

/// Characters shown of a response outside the contract.
const SHOWN_CHARS_MAX: usize = 300;

/// A complete response.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// `Retry-After`, seconds.
    pub retry_after_s: Option<u64>,
    /// Whether it is the stored answer of an earlier request under the same idempotency key.
    pub is_replayed: bool,
    pub(super) body: Vec<u8>,
}

impl Response {
    /// Whether the status is a success.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Whether the node asks for a repetition later.
    pub fn asks_to_wait(&self) -> bool {
        self.status == 503 || (self.status == 429 && self.retry_after_s.is_some())
    }

    /// The body read as `T`.
    ///
    /// # Errors
    /// The refusal; a body that is not a `T`.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, ApiError> {
        if !self.is_success() {
            return Err(self.error());
        }
        serde_json::from_slice(&self.body).map_err(|fault| self.odd(&fault.to_string()))
    }

    /// Nothing for a success.
    ///
    /// # Errors
    /// The refusal.
    pub fn done(&self) -> Result<(), ApiError> {
        if self.is_success() { Ok(()) } else { Err(self.error()) }
    }

    /// The body as text, for what is not JSON.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The error for a response without success.
    fn error(&self) -> ApiError {
        if self.status >= 500 {
            return self.odd("a fault");
        }
        match serde_json::from_slice::<Problem>(&self.body) {
            Ok(mut problem) => {
                problem.status = self.status;
                ApiError::Refused(Box::new(problem))
            }
            Err(fault) => self.odd(&fault.to_string()),
        }
    }

    fn odd(&self, why: &str) -> ApiError {
        let shown: String = self.text().chars().take(SHOWN_CHARS_MAX).collect();
        ApiError::Odd(format!("{} {why}: {shown}", self.status))
    }
}

#[cfg(test)]
mod tests {
    use super::Response;

    #[test]
    fn a_refusal_is_typed_and_a_fault_is_not() {
        let says = |status, body: &str| Response {
            status,
            body: body.as_bytes().to_vec(),
            ..Response::default()
        };
        let refused = says(409, r#"{"code": "slot_taken", "detail": "Gone", "extra": 1}"#);
        let error = refused.done().unwrap_err();
        let problem = error.problem().unwrap();
        assert_eq!((problem.status, problem.code.as_str()), (409, "slot_taken"));
        assert!(says(500, r#"{"code": "fault"}"#).done().unwrap_err().problem().is_none());
        assert!(says(404, "<html>").done().unwrap_err().problem().is_none());
        assert_eq!(says(200, "[1, 2]").read::<Vec<u8>>().unwrap(), [1, 2]);
        assert!(says(200, "[1, 2]").read::<String>().is_err());
    }
}
