//! The checkpoint: the account sums of the postings folded so far. With the pending postings it
//! covers all postings, in every snapshot (BAL-6).

use entity::checkpoint_pending;
use entity::value::{Instant, Money, PartnerId, PostingId};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _, Statement, Value,
};

use platform::CommandError;

/// Maximum number of postings folded, or accounts summed, in one statement.
const AT_ONCE: usize = 1_000;

/// Folds proven postings into the account sums: a trigger adds each pending row that the statement
/// deletes. So a posting is added exactly once, however many nodes fold it, and however often.
///
/// # Errors
/// When the database fails.
pub async fn fold<C: ConnectionTrait>(db: &C, pending: &[PostingId]) -> Result<(), CommandError> {
    for ids in pending.chunks(AT_ONCE) {
        checkpoint_pending::Entity::delete_many()
            .filter(checkpoint_pending::Column::PostingId.is_in(ids.to_vec()))
            .exec(db)
            .await?;
    }
    Ok(())
}

/// The combined balance of these accounts at an instant: their sums plus the pending postings, less
/// what was posted from then on. If `stated` is given, all postings of the accounts are on that
/// partner's statement. One statement reads all three in one state.
pub(super) async fn before<C: ConnectionTrait>(
    db: &C,
    accounts: &[String],
    stated: Option<PartnerId>,
    before: Instant,
) -> Result<Money, CommandError> {
    let mut sum = 0;
    for accounts in accounts.chunks(AT_ONCE) {
        let mut values: Vec<Value> = accounts.iter().map(Into::into).collect();
        let these: Vec<String> = (1..=accounts.len()).map(|n| format!("${n}")).collect();
        let these = these.join(", ");
        values.push(before.into());
        let at = format!("${}", values.len());
        values.extend(stated.map(|id| Value::from(id.0)));
        let moved = format!(
            "CASE WHEN p.credit IN ({these}) THEN p.amount ELSE 0 END \
             - CASE WHEN p.debit IN ({these}) THEN p.amount ELSE 0 END"
        );
        let touched = |side: &str| format!("p.{side} IN ({these})");
        let either = format!("({} OR {})", touched("credit"), touched("debit"));
        // A partner's postings are selected by partner and time.
        let later = match stated {
            Some(_) => format!("p.partner_id = ${}", values.len()),
            None => either.clone(),
        };
        let sql = format!(
            "SELECT CAST( \
             coalesce((SELECT sum(amount) FROM checkpoint_account WHERE account IN ({these})), 0) \
             + coalesce((SELECT sum({moved}) FROM checkpoint_pending c \
               JOIN posting p ON p.id = c.posting_id WHERE {either}), 0) \
             - coalesce((SELECT sum({moved}) FROM posting p \
               WHERE {later} AND p.at >= {at}), 0) AS BIGINT) AS amount"
        );
        let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
        if let Some(row) = db.query_one_raw(statement).await? {
            sum += row.try_get::<i64>("", "amount")?;
        }
    }
    Ok(Money(sum))
}
