//! What can stand in a person's way: a refusal, a broken line, the end of the day.

use crate::views::{Money, Order, Slot};
use serde::Deserialize;

/// A problem document (RFC 9457) as the engine writes it; what a person needs of it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Problem {
    /// The HTTP status.
    pub status: u16,
    /// The stable code.
    pub code: String,
    /// What happened and what to do.
    pub detail: String,
    /// The order as it is now, where one was in question.
    pub order: Option<Box<Order>>,
    /// The total that would be right (`price_changed`).
    pub total: Option<Money>,
    /// What is free instead (`slot_taken`).
    pub alternatives: Vec<Slot>,
}

impl Problem {
    /// Whether another command was faster or the version seen was old: normal life.
    pub fn is_race(&self) -> bool {
        matches!(self.status, 409 | 412)
    }

    /// Whether the code speaks of one of these words.
    pub fn speaks_of(&self, words: &[&str]) -> bool {
        words.iter().any(|word| self.code.contains(word))
    }
}

/// Why a person did not get what they asked for.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// The engine said no.
    #[error("refused: {} {} ({})", .0.status, .0.code, .0.detail)]
    Refused(Box<Problem>),
    /// Nobody answered, after all the tries there are.
    #[error("unreachable: {0}")]
    Unreachable(String),
    /// An answer that is not in the contract.
    #[error("odd answer: {0}")]
    Odd(String),
    /// The one-time code never came.
    #[error("no one-time code came for {0}")]
    NoCode(String),
    /// The town is stopping.
    #[error("stopping")]
    Stopped,
}

impl Trouble {
    /// The refusal, where it is one.
    pub fn problem(&self) -> Option<&Problem> {
        if let Self::Refused(problem) = self { Some(problem) } else { None }
    }
}
