//! One run of all checks on one snapshot of the database (BAL-6).

use std::sync::Arc;

use entity::hold;
use entity::hold::HoldState;
use entity::value::{HoldId, Instant, Money, OrderId, PostingId};
use sea_orm::{
    ColumnTrait as _, EntityTrait as _, FromQueryResult, QueryFilter as _, QuerySelect as _,
};
use uuid::Uuid;

use super::finding::Proof;
use super::scope::{Reading, open};
use super::{bonus, orders, payments, penalty, pending, posted, rows, wallets};
use crate::context::Engine;
use crate::policy::Registry;
use platform::{CommandError, ReadSnapshot};

/// A proof, with the pending postings that it covers.
pub(super) struct Proved {
    /// The result.
    pub proof: Proof,
    /// The instant of its snapshot.
    pub at: Instant,
    /// The pending postings, to be folded if the proof holds.
    pub pending: Vec<PostingId>,
}

/// Recomputes everything, or what changed since the checkpoint, from one read transaction.
///
/// # Errors
/// When the database fails.
pub(super) async fn run(engine: &Engine, whole: bool) -> Result<Proved, CommandError> {
    let shared = engine.shared();
    let book = Arc::clone(&engine.context().policy);
    let at = shared.clock.now();
    let read = async move |read: ReadSnapshot| all(read, book, whole).await;
    let (mut proof, pending) = shared.db.long_snapshot(read).await?;
    proof.ok = proof.violations.is_empty();
    Ok(Proved { proof, at, pending })
}

/// Runs all checks on one snapshot of the database; returns the postings still to be folded into
/// the checkpoint too.
async fn all(
    read: ReadSnapshot,
    book: Arc<Registry>,
    whole: bool,
) -> Result<(Proof, Vec<PostingId>), CommandError> {
    let mut proof = Proof::default();
    let (sums, scope) = posted::posted(&read, &mut proof, whole).await?;
    // Every version that an order of this snapshot names is in the snapshot.
    book.refresh(&read).await?;
    let reading = Reading { read: &read, book: &book, scope: &scope };
    let holds = open_holds(&read, &mut proof).await?;
    wallets::wallets(&reading, &mut proof, &sums, &holds).await?;
    pending::offers(&read, &mut proof).await?;
    orders::open_orders(&reading, &mut proof, &holds).await?;
    orders::closed_orders(&reading, &mut proof, &sums).await?;
    penalty::penalties(&reading, &mut proof, &sums).await?;
    bonus::bonus(&reading, &mut proof, &sums, &holds).await?;
    payments::payments(&reading, &mut proof, &sums).await?;
    rows::decoded(&reading, &mut proof).await?;
    Ok((proof, sums.pending))
}

/// All open holds. Where the allocations cannot be decoded, the sums are read.
async fn open_holds(
    read: &ReadSnapshot,
    proof: &mut Proof,
) -> Result<Vec<hold::Model>, CommandError> {
    let select = hold::Entity::find().filter(hold::Column::State.eq(HoldState::Open));
    let mut rows = open(read, proof, select).await?;
    for id in proof.skipped("hold") {
        let sums = Sums::find_by(read, id).await?;
        rows.extend(sums.map(|sums| sums.hold(id)));
    }
    Ok(rows)
}

/// The plain columns of a hold whose allocations cannot be decoded.
#[derive(FromQueryResult)]
struct Sums {
    wallet_id: Uuid,
    amount: Money,
    bonus: Money,
    at: Instant,
    version: i64,
}

impl Sums {
    async fn find_by(read: &ReadSnapshot, id: Uuid) -> Result<Option<Self>, CommandError> {
        use hold::Column::{Amount, At, Bonus, Version, WalletId};
        let select = hold::Entity::find_by_id(HoldId(id)).select_only();
        let select = select.columns([WalletId, Amount, Bonus, At, Version]);
        Ok(select.into_model::<Self>().all(read).await?.pop())
    }

    fn hold(self, id: Uuid) -> hold::Model {
        let Self { wallet_id, amount, bonus, at, version } = self;
        hold::Model {
            id: HoldId(id),
            order_id: OrderId(id),
            wallet_id,
            amount,
            bonus,
            allocations: None,
            state: HoldState::Open,
            at,
            ended_at: None,
            version,
        }
    }
}
