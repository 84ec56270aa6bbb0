//! Whether a failed database operation may be retried: the database is away for now, a row cannot
//! be decoded, or neither.

use sea_orm::sqlx::error::Error as SqlxError;
use sea_orm::{DbErr, RuntimeErr};

use crate::db::snapshot::TOO_LONG;
use crate::refusal::{CommandError, Fault};

/// PostgreSQL's classes of transient errors: connection exceptions, transaction rollbacks,
/// insufficient resources, operator intervention (a cancelled statement, a shutdown), and system
/// errors.
const POSTGRES_TRANSIENT: &[&str] = &["08", "40", "53", "57", "58"];
/// A lock that was not available, and transactions ended by a time limit.
const POSTGRES_TIMEOUTS: &[&str] = &["55P03", "25P03", "25P04"];
/// `SQLite`'s primary codes of the same kind: busy, locked, I/O, full, cannot open.
const SQLITE_TRANSIENT: &[i32] = &[5, 6, 10, 13, 14];

/// May the same statement succeed later without a repair of data? The database is away, restarting
/// or out of resources, or the statement was ended by a time limit.
#[must_use]
pub fn transient(stop: &CommandError) -> bool {
    match stop {
        CommandError::Contended
        | CommandError::StaleTimer
        | CommandError::NotServing(_)
        | CommandError::Fault(Fault::Unavailable(_)) => true,
        CommandError::Fault(Fault::Database(error)) => db_transient(error),
        CommandError::Refused(_)
        | CommandError::Fault(Fault::Inconsistent { .. } | Fault::Other(_)) => false,
    }
}

fn db_transient(error: &DbErr) -> bool {
    if matches!(error, DbErr::ConnectionAcquire(_) | DbErr::Conn(_)) {
        return true;
    }
    if let DbErr::Custom(why) = error {
        return why.starts_with(TOO_LONG);
    }
    let Some(error) = sqlx(error) else { return false };
    if let SqlxError::Database(error) = error {
        return error.code().is_some_and(|code| passes(&code));
    }
    matches!(
        error,
        SqlxError::Io(_)
            | SqlxError::Tls(_)
            | SqlxError::Protocol(_)
            | SqlxError::PoolTimedOut
            | SqlxError::PoolClosed
            | SqlxError::WorkerCrashed
    )
}

/// Is an error of this code transient?
fn passes(code: &str) -> bool {
    if code.len() == 5 {
        let class = code.get(..2).unwrap_or_default();
        return POSTGRES_TRANSIENT.contains(&class) || POSTGRES_TIMEOUTS.contains(&code);
    }
    // The low byte of an extended code is its primary one.
    code.parse::<i32>().is_ok_and(|code| SQLITE_TRANSIENT.contains(&(code & 0xff)))
}

/// Did the statement succeed, but a row holds something that is no value of its column?
#[must_use]
pub fn undecodable(error: &DbErr) -> bool {
    matches!(error, DbErr::Type(_) | DbErr::Json(_) | DbErr::TryIntoErr { .. })
        || matches!(sqlx(error), Some(SqlxError::ColumnDecode { .. } | SqlxError::Decode(_)))
}

/// Did a command fail because a row holds something that is no value of its column? A retry changes
/// nothing.
#[must_use]
pub fn unreadable(stop: &CommandError) -> bool {
    match stop {
        CommandError::Fault(Fault::Database(error)) => undecodable(error),
        CommandError::Fault(Fault::Inconsistent { .. }) => true,
        CommandError::Fault(Fault::Other(_) | Fault::Unavailable(_))
        | CommandError::Refused(_)
        | CommandError::Contended
        | CommandError::StaleTimer
        | CommandError::NotServing(_) => false,
    }
}

/// Isolates a failure of one subject among many: a row that cannot be decoded raises an alarm, and
/// the others are still processed.
///
/// # Errors
/// Every other reason.
pub fn alone<T>(
    done: Result<T, CommandError>,
    subject: impl std::fmt::Display,
) -> Result<Option<T>, CommandError> {
    match done {
        Err(stop) if unreadable(&stop) => {
            tracing::error!(alarm = "rows_unreadable", %subject, ?stop, "left out");
            Ok(None)
        }
        done => done.map(Some),
    }
}

fn sqlx(error: &DbErr) -> Option<&SqlxError> {
    let (DbErr::Exec(runtime) | DbErr::Query(runtime)) = error else { return None };
    let RuntimeErr::SqlxError(error) = runtime else { return None };
    Some(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// BAL-6: a database that is away or too slow is no evidence about the books; an error of the
    /// data or of the statement is not transient.
    #[test]
    fn bal_6_what_goes_away_by_itself() {
        // Connection lost, serialization, too many connections, cancelled, shutdown, lock timeout,
        // idle in transaction; busy, locked, busy snapshot, disk I/O, full.
        for code in ["08006", "40001", "53300", "57014", "57P01", "55P03", "25P03"] {
            assert!(passes(code), "{code}");
        }
        for code in ["5", "6", "517", "10", "778", "13"] {
            assert!(passes(code), "{code}");
        }
        // Undefined column, division by zero, corrupted index; error, corrupt, not a database.
        for code in ["42703", "22012", "XX002", "1", "11", "26"] {
            assert!(!passes(code), "{code}");
        }
        assert!(transient(&DbErr::Conn(RuntimeErr::Internal("refused".to_owned())).into()));
        assert!(!transient(&DbErr::Json("missing field".to_owned()).into()));
        assert!(!transient(&Fault::Other("unknown".to_owned()).into()));
    }
}
