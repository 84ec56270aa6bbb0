//! Idempotency keys: a repeated command is answered again, not done again (ORD-4).

use entity::idempotency;
use entity::value::Instant;
use sea_orm::{
    ColumnTrait as _, DatabaseConnection, DbErr, EntityTrait as _, QueryFilter as _, Value,
};
use uuid::Uuid;

use super::codes::General;
use super::tx::Tx;
use super::write_set::{Cell, Unique};

/// How long answers are kept, hours.
pub const KEPT_HOURS: i64 = 48;

/// The key a command came with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Who sent it.
    pub actor: Uuid,
    /// To which command, about what.
    pub route: String,
    /// The key itself.
    pub key: String,
    /// Hash of the body.
    pub body_hash: String,
}

impl Key {
    /// The row that keeps the answer.
    #[must_use]
    pub fn cells(&self, answer: String, now: Instant) -> Vec<Cell> {
        vec![
            ("actor", Value::from(self.actor)),
            ("route", Value::from(self.route.clone())),
            ("key", Value::from(self.key.clone())),
            ("body_hash", Value::from(self.body_hash.clone())),
            ("answer", Value::from(answer)),
            ("at", Value::from(now)),
        ]
    }

    /// The kept answer, if there is one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find(&self, db: &DatabaseConnection) -> Result<Option<idempotency::Model>, DbErr> {
        idempotency::Entity::find_by_id((self.actor, self.route.clone(), self.key.clone()))
            .all(db)
            .await
            .map(|mut rows| rows.pop())
    }
}

/// Takes a place that one command alone can have: of two that read the same state and so name the
/// same place, one lands and the other runs again.
pub fn take_place(tx: &mut Tx, about: Uuid, what: &'static str, place: String) {
    tx.unique(Unique {
        name: "idempotency_pkey",
        columns: "idempotency.actor, idempotency.route, idempotency.key",
        refusal: General::Busy.refused(),
        choose_again: true,
    });
    tx.insert(idempotency::Model {
        actor: about,
        route: what.to_owned(),
        key: place,
        body_hash: String::new(),
        answer: String::new(),
        at: tx.now(),
    });
}

/// Forgets answers older than they are kept.
///
/// # Errors
/// When the database fails.
pub async fn forget(db: &DatabaseConnection, before: Instant) -> Result<u64, DbErr> {
    let gone = idempotency::Entity::delete_many()
        .filter(idempotency::Column::At.lt(before))
        .exec(db)
        .await?;
    Ok(gone.rows_affected)
}
