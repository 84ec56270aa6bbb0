//! One script on one connection: it returns the numbers of the feeds it emitted to.

use sea_orm::{DbErr, Statement};

use crate::db::error::WriteError;
use crate::db::lent_connection::LentConnection;

/// The new number of each feed the script emitted events to.
pub type Numbers = Vec<i64>;

/// Runs one script and reads the feed numbers it returns.
pub(crate) async fn run(
    held: &mut LentConnection,
    statement: &Statement,
    feeds: usize,
) -> Result<Numbers, WriteError> {
    let row = held.one(statement).await?;
    let row = row.ok_or_else(|| WriteError::Other(DbErr::Custom("a flush said nothing".into())))?;
    (0..feeds).map(|i| row.try_get::<i64>("", &format!("f{i}")).map_err(WriteError::from)).collect()
}
