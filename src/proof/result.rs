//! The shared result of the newest proofs, in one row for all nodes, with the prover's lease on it
//! (BAL-6).

use entity::proof_state::{self, Column};
use entity::value::Instant;
use sea_orm::sea_query::{Expr, ExprTrait as _};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DatabaseBackend, DbErr, EntityTrait as _, QueryFilter as _,
};
use uuid::Uuid;

use super::finding::Proof;
use crate::context::{Engine, Tx};
use crate::ledger::standing::Standing;
use platform::CommandError;

/// An incremental proof sees a change of an old row only if something is posted about it. So it can
/// revoke the result of a whole proof, but never restore it.
fn holds(row: &proof_state::Model) -> bool {
    row.whole_ok && row.step_ok && !row.unprovable
}

/// The shared row.
///
/// # Errors
/// When the database fails.
pub async fn state<C: ConnectionTrait>(db: &C) -> Result<proof_state::Model, CommandError> {
    let row = proof_state::Entity::find().all(db).await?.pop();
    Tx::must("proof_state", 1, row)
}

/// Reads the result of the newest proofs, whichever node ran them.
///
/// # Errors
/// When the database fails: then what was known before stands.
pub async fn learn(engine: &Engine) -> Result<proof_state::Model, CommandError> {
    let row = state(&engine.shared().db.read).await?;
    keep(engine.context().standing.as_ref(), &row);
    Ok(row)
}

/// Copies the shared row to this node's flag, and logs a change once.
fn keep(standing: &Standing, row: &proof_state::Model) {
    let holds = holds(row);
    let changed = standing.set(holds);
    metrics::gauge!("yumo_books_ok").set(if holds { 1.0 } else { 0.0 });
    match (changed, holds) {
        (true, true) => tracing::warn!("the books hold: acceptances go on"),
        (true, false) if row.unprovable => {
            tracing::error!(alarm = "books_unproved", "acceptances stop");
        }
        (true, false) => {
            tracing::error!(alarm = "books_wrong", findings = row.findings, "acceptances stop");
        }
        (false, _) => {}
    }
}

/// Takes or renews the prover's lease for `lease_s`, by the database's clock; only one node has it
/// at a time.
///
/// # Errors
/// When the database fails.
pub async fn lease<C: ConnectionTrait>(db: &C, node: Uuid, lease_s: u64) -> Result<bool, DbErr> {
    let now = if db.get_database_backend() == DatabaseBackend::Postgres {
        "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint"
    } else {
        "CAST(unixepoch('subsec') * 1000000 AS INTEGER)"
    };
    let micros = i64::try_from(lease_s.saturating_mul(1_000_000)).unwrap_or(i64::MAX / 2);
    let taken = proof_state::Entity::update_many()
        .col_expr(Column::Holder, Expr::value(node))
        .col_expr(Column::LeaseUntilUs, Expr::cust(now).add(micros))
        .filter(
            Column::Holder
                .is_null()
                .or(Column::Holder.eq(node))
                .or(Expr::col(Column::LeaseUntilUs).lt(Expr::cust(now))),
        )
        .exec(db)
        .await?;
    Ok(taken.rows_affected == 1)
}

/// Releases the lease when the node stops.
///
/// # Errors
/// When the database fails; the lease then ends by itself.
pub async fn release<C: ConnectionTrait>(db: &C, node: Uuid) -> Result<(), DbErr> {
    proof_state::Entity::update_many()
        .col_expr(Column::Holder, Expr::value(None::<Uuid>))
        .filter(Column::Holder.eq(node))
        .exec(db)
        .await
        .map(|_| ())
}

/// Records the result of a proof at this instant. An older result never overwrites a newer one.
///
/// # Errors
/// When the database fails.
pub async fn record<C: ConnectionTrait>(
    db: &C,
    proof: &Proof,
    at: Instant,
    whole: bool,
) -> Result<(), CommandError> {
    let holds = proof.holds();
    let newest = |column: Column| column.is_null().or(column.lte(at));
    if whole {
        proof_state::Entity::update_many()
            .col_expr(Column::WholeAt, Expr::value(at))
            .col_expr(Column::WholeOk, Expr::value(holds))
            .filter(newest(Column::WholeAt))
            .exec(db)
            .await?;
    }
    let mut step = proof_state::Entity::update_many()
        .col_expr(Column::StepAt, Expr::value(at))
        .col_expr(Column::StepOk, Expr::value(holds))
        .col_expr(Column::Unprovable, Expr::value(false));
    if holds {
        step = step.col_expr(Column::HeldAt, Expr::value(at));
    } else {
        let findings = serde_json::to_string(&proof.violations)?;
        step = step.col_expr(Column::Findings, Expr::value(findings));
    }
    step.filter(newest(Column::StepAt)).exec(db).await?;
    Ok(())
}

/// Records that the proof cannot be run, for a non-transient reason.
///
/// # Errors
/// When the database fails.
pub async fn unprovable<C: ConnectionTrait>(db: &C) -> Result<(), DbErr> {
    proof_state::Entity::update_many()
        .col_expr(Column::Unprovable, Expr::value(true))
        .exec(db)
        .await
        .map(|_| ())
}
