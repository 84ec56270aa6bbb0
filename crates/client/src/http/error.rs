//! Errors of a request: refusal, connection error, response outside the contract, stop.

use crate::model::{Money, Order, Slot};
use serde::Deserialize;

/// The fields used of a problem document (RFC 9457).
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Problem {
    /// The HTTP status.
    pub status: u16,
    /// The stable code.
    pub code: String,
    /// The explanation and the suggested action.
    pub detail: String,
    /// The order's current state, where the refusal concerns one.
    pub order: Option<Box<Order>>,
    /// The correct total (`price_changed`).
    pub total: Option<Money>,
    /// Free alternatives (`slot_taken`).
    pub alternatives: Vec<Slot>,
}

impl Problem {
    /// Whether another command committed first or the version was outdated, which is expected.
    pub fn is_race(&self) -> bool {
        matches!(self.status, 409 | 412)
    }

    /// Whether the code contains one of these words.
    pub fn speaks_of(&self, words: &[&str]) -> bool {
        words.iter().any(|word| self.code.contains(word))
    }
}

/// Why a request did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// The engine refused.
    #[error("refused: {} {} ({})", .0.status, .0.code, .0.detail)]
    Refused(Box<Problem>),
    /// No response after all attempts.
    #[error("unreachable: {0}")]
    Unreachable(String),
    /// A response outside the contract.
    #[error("odd answer: {0}")]
    Odd(String),
    /// The one-time code did not arrive.
    #[error("no one-time code came for {0}")]
    NoCode(String),
    /// The stop signal was given.
    #[error("stopping")]
    Stopped,
}

impl ApiError {
    /// The refusal, where it is one.
    pub fn problem(&self) -> Option<&Problem> {
        if let Self::Refused(problem) = self { Some(problem) } else { None }
    }
}
