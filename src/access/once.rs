//! What may happen once: whoever comes first takes the row, and the database refuses a second one.

use entity::idempotency;
use sea_orm::EntityTrait as _;
use uuid::Uuid;

use super::Refusal;
use crate::platform::write_set::Unique;
use crate::platform::{Stop, Tx};

const TAKEN: &str = "once";

/// Takes `(purpose, id)` for good, or refuses where it was taken before.
///
/// The row lies among the idempotency keys: they are kept far longer than a ticket lives, whose id
/// is never made again.
///
/// # Errors
/// The refusal, when it was taken.
pub async fn take(
    tx: &mut Tx,
    purpose: &'static str,
    id: Uuid,
    refusal: Refusal,
) -> Result<(), Stop> {
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
