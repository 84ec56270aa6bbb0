//! The arrival codes that the branches show, as their clients read them there.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// The current arrival codes by branch.
#[derive(Debug, Default)]
pub struct Board(Mutex<HashMap<String, String>>);

impl Board {
    /// Sets a branch's arrival code.
    pub fn show(&self, branch: &str, code: &str) {
        let mut board = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        board.insert(branch.to_owned(), code.to_owned());
    }

    /// A branch's arrival code.
    pub fn code_at(&self, branch: &str) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(branch).cloned()
    }
}
