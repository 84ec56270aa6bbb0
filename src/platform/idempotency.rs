//! Idempotency keys: a repeated command gets the stored answer and is not run again (ORD-4).

use entity::idempotency;
use entity::value::Instant;
use sea_orm::{ColumnTrait as _, DbErr, EntityTrait as _, QueryFilter as _, Value};
use uuid::Uuid;

use super::codes::General;
use super::pool::Pool;
use super::tx::Tx;
use super::write_set::{Cell, Unique};

/// How long answers are stored, hours.
pub const KEPT_HOURS: i64 = 48;

/// The idempotency key of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Who sent it.
    pub actor: Uuid,
    /// The command's route and the id of its subject.
    pub route: String,
    /// The key itself.
    pub key: String,
    /// Hash of the body.
    pub body_hash: String,
}

impl Key {
    /// The row that stores the answer.
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

    /// The stored answer, if there is one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find(&self, db: &Pool) -> Result<Option<idempotency::Model>, DbErr> {
        idempotency::Entity::find_by_id((self.actor, self.route.clone(), self.key.clone()))
            .all(db)
            .await
            .map(|mut rows| rows.pop())
    }
}

/// Reserves a name that only one command can have: two commands that read the same state reserve
/// the same name, so one commits and the other runs again.
pub fn take_place<X: Send + Sync + 'static>(
    tx: &mut Tx<X>,
    about: Uuid,
    what: &'static str,
    place: String,
) {
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

/// Deletes answers older than their retention time.
///
/// # Errors
/// When the database fails.
pub async fn forget(db: &Pool, before: Instant) -> Result<u64, DbErr> {
    let gone = idempotency::Entity::delete_many()
        .filter(idempotency::Column::At.lt(before))
        .exec(db)
        .await?;
    Ok(gone.rows_affected)
}
