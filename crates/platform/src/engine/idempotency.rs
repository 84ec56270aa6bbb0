//! Idempotency keys: a repeated command gets the stored answer and is not run again (ORD-4).

use entity::idempotency;
use entity::value::Instant;
use sea_orm::{ColumnTrait as _, DbErr, EntityTrait as _, QueryFilter as _, Value};
use uuid::Uuid;

use super::transaction::Tx;
use super::write_set::{Cell, Unique};
use crate::codes::General;
use crate::db::pool::Pool;
use crate::refusal::{CommandError, Refused};

/// How long answers are stored, hours.
pub const KEPT_HOURS: i64 = 48;
/// The key of a name that is used once.
const TAKEN: &str = "once";

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
    reserve(tx, about, what, place, (General::Busy.refused(), true));
}

/// Marks `(what, about)` as used for good, or refuses where it was used before.
///
/// # Errors
/// The refusal, when it was used before.
pub async fn take_once<X: Send + Sync + 'static>(
    tx: &mut Tx<X>,
    about: Uuid,
    what: &'static str,
    refusal: Refused,
) -> Result<(), CommandError> {
    let key = (about, what.to_owned(), TAKEN.to_owned());
    if !idempotency::Entity::find_by_id(key).all(tx.db()).await?.is_empty() {
        return Err(refusal.into());
    }
    reserve(tx, about, what, TAKEN.to_owned(), (refusal, false));
    Ok(())
}

/// Inserts the row of a reserved name; the database refuses a second one.
fn reserve<X: Send + Sync + 'static>(
    tx: &mut Tx<X>,
    about: Uuid,
    what: &'static str,
    key: String,
    (refusal, choose_again): (Refused, bool),
) {
    tx.unique(Unique {
        name: "idempotency_pkey",
        columns: "idempotency.actor, idempotency.route, idempotency.key",
        refusal,
        choose_again,
    });
    tx.insert(idempotency::Model {
        actor: about,
        route: what.to_owned(),
        key,
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
