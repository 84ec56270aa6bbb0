//! Single use: the first command inserts a row, and the database refuses a second one.

use entity::idempotency;
use sea_orm::EntityTrait as _;
use uuid::Uuid;

use super::Refusal;
use crate::context::Tx;
use crate::platform::CommandError;
use crate::platform::write_set::Unique;

const TAKEN: &str = "once";

/// Marks `(purpose, id)` as used for good, or refuses where it was used before.
///
/// The row is stored among the idempotency keys: they are kept far longer than a ticket is valid,
/// and ticket ids are never reused.
///
/// # Errors
/// The refusal, when it was used before.
pub async fn take(
    tx: &mut Tx,
    purpose: &'static str,
    id: Uuid,
    refusal: Refusal,
) -> Result<(), CommandError> {
    let key = (id, purpose.to_owned(), TAKEN.to_owned());
    if !idempotency::Entity::find_by_id(key).all(tx.db()).await?.is_empty() {
        return Err(refusal.into());
    }
    tx.unique(Unique {
        name: "idempotency_pkey",
        columns: "idempotency.actor, idempotency.route, idempotency.key",
        refusal: refusal.refused(),
        choose_again: false,
    });
    tx.insert(idempotency::Model {
        actor: id,
        route: purpose.to_owned(),
        key: TAKEN.to_owned(),
        body_hash: String::new(),
        answer: String::new(),
        at: tx.now(),
    });
    Ok(())
}
