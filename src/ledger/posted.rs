//! Postings as support sees them.

use chrono::{DateTime, Utc};
use entity::posting;
use entity::value::{Money, PostingId};
use serde::Serialize;
use utoipa::ToSchema;

/// A posting.
#[derive(Debug, Serialize, ToSchema)]
pub struct PostingView {
    /// The posting.
    pub id: PostingId,
    /// The account it takes from.
    pub debit: String,
    /// The account it gives to.
    pub credit: String,
    /// How much.
    pub amount: Money,
    /// Why.
    pub kind: String,
    /// Tells postings of one kind for one subject apart.
    pub n: i32,
    /// When.
    pub at: DateTime<Utc>,
    /// For people.
    pub note: String,
}

impl From<posting::Model> for PostingView {
    fn from(row: posting::Model) -> Self {
        let posting::Model { id, debit, credit, amount, kind, n, at, note, .. } = row;
        let kind = kind.to_string();
        Self { id, debit, credit, amount, kind, n, at, note }
    }
}
