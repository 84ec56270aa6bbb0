//! The record of strikes: what counts for or against a client, a branch or an order.

use entity::kinds::StrikeKind;
use entity::strike::{self, Column};
use entity::value::{MarkId, OrderId, PersonId};
use sea_orm::{
    ColumnTrait as _, EntityTrait as _, PaginatorTrait as _, QueryFilter as _, QueryOrder as _,
};
use uuid::Uuid;

use super::rules::CLIENT_FAULTS;
use crate::context::Tx;
use platform::engine::write_set::Unique;
use platform::{CommandError, Refused};

/// Records a strike of this kind from an order.
pub fn strike(tx: &mut Tx, order_id: OrderId, subject: Uuid, kind: StrikeKind) {
    insert(tx, MarkId::new(), order_id, subject, kind);
}

/// Records the n-th strike of a kind against an order itself: the primary key refuses a concurrent
/// n-th.
pub fn claim(tx: &mut Tx, order_id: OrderId, n: u64, kind: StrikeKind, refusal: Refused) {
    let id = MarkId(Uuid::from_u128(order_id.0.as_u128() ^ u128::from(n + 1)));
    insert(tx, id, order_id, order_id.0, kind);
    tx.unique(Unique { name: "strike_pkey", columns: "strike.id", refusal, choose_again: false });
}

fn insert(tx: &mut Tx, id: MarkId, order_id: OrderId, subject: Uuid, kind: StrikeKind) {
    let (kind, at) = (kind.into(), tx.now());
    tx.insert(strike::Model { id, subject, kind, order_id, at, voided_at: None });
}

/// The number of strikes of a kind against an order itself.
///
/// # Errors
/// When the database fails.
pub async fn claimed(tx: &Tx, order_id: OrderId, kind: StrikeKind) -> Result<u64, CommandError> {
    let claimed =
        strike::Entity::find().filter(Column::Subject.eq(order_id.0)).filter(Column::Kind.eq(kind));
    Ok(claimed.count(tx.db()).await?)
}

/// The newest strike of a client's fault that was not voided.
///
/// # Errors
/// When the database fails.
pub async fn newest_fault(
    tx: &Tx,
    client_id: PersonId,
) -> Result<Option<strike::Model>, CommandError> {
    let newest = strike::Entity::find()
        .filter(Column::Subject.eq(client_id.0))
        .filter(Column::Kind.is_in(CLIENT_FAULTS.iter().copied()))
        .filter(Column::VoidedAt.is_null())
        .order_by_desc(Column::At);
    Ok(newest.one(tx.db()).await?)
}
