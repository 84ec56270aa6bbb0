//! The proof of unanswered offers: each wallet's pending sum equals the commissions of the offers
//! that are unanswered now (BAL-3, BAL-6).

use sea_orm::{ConnectionTrait, Statement};
use uuid::Uuid;

use super::finding::Proof;
use platform::CommandError;

/// Checks the pending sum of each wallet against its offers.
///
/// # Errors
/// When the database fails.
pub(super) async fn offers<C: ConnectionTrait>(
    read: &C,
    proof: &mut Proof,
) -> Result<(), CommandError> {
    let sql = "SELECT w.id, w.pending, CAST(coalesce(sum(o.pending_commission), 0) AS bigint) \
               AS offers FROM wallet w LEFT JOIN \"order\" o \
               ON o.partner_id = w.id AND o.status = 'requested' GROUP BY w.id, w.pending \
               HAVING w.pending <> coalesce(sum(o.pending_commission), 0)";
    let statement = Statement::from_string(read.get_database_backend(), sql);
    for row in read.query_all_raw(statement).await? {
        let id: Uuid = row.try_get("", "id")?;
        let (kept, offers): (i64, i64) = (row.try_get("", "pending")?, row.try_get("", "offers")?);
        let detail = format!("pending is {kept}, its unanswered offers say {offers}");
        proof.wrong("wallet_pending", "wallet", id, detail);
    }
    Ok(())
}
