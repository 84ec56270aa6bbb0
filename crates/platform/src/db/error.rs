//! What an error of the database means: for a write, for the connection, for the storage.

use sea_orm::sqlx::error::Error as SqlxError;
use sea_orm::{DbErr, RuntimeErr};

/// What a database error means for a write.
#[derive(Debug)]
pub enum WriteError {
    /// The n-th guard failed.
    Gate(usize),
    /// A uniqueness rule: the constraint's name (PostgreSQL) or its columns (`SQLite`).
    Unique(String),
    /// Deadlock, serialization or a busy file: try again.
    Busy,
    /// The storage takes no writes: a full or failing disk, a read-only server. The next command
    /// would fail the same way. Whether this one committed may be unknown.
    Unwritable(String),
    /// The connection broke or none was available: the state of the connection is unknown.
    Broken(String),
    /// Anything else.
    Other(DbErr),
}

impl From<DbErr> for WriteError {
    fn from(error: DbErr) -> Self {
        let Some(db) = database_error(&error) else {
            return if connects(&error) {
                Self::Broken(error.to_string())
            } else {
                Self::Other(error)
            };
        };
        let message = db.message();
        if let Some(n) = message.split("gate:").nth(1).and_then(|n| n.trim().parse().ok()) {
            return Self::Gate(n);
        }
        if db.is_unique_violation() {
            let name = db.constraint().map(ToOwned::to_owned);
            let columns = message.split("constraint failed: ").nth(1).unwrap_or_default();
            return Self::Unique(name.unwrap_or_else(|| columns.to_owned()));
        }
        match meaning(&db.code().unwrap_or_default()) {
            ErrorClass::Busy => Self::Busy,
            ErrorClass::Unwritable => Self::Unwritable(error.to_string()),
            ErrorClass::Broken => Self::Broken(error.to_string()),
            ErrorClass::Statement => Self::Other(error),
        }
    }
}

/// The error code of the database.
#[must_use]
pub fn code(error: &DbErr) -> Option<String> {
    database_error(error)
        .and_then(sea_orm::sqlx::error::DatabaseError::code)
        .map(std::borrow::Cow::into_owned)
}

#[derive(Debug, PartialEq, Eq)]
enum ErrorClass {
    Busy,
    Unwritable,
    Broken,
    Statement,
}

/// The class of an error code: PostgreSQL's codes have five characters, `SQLite`'s is a number
/// whose low byte is the primary code.
fn meaning(code: &str) -> ErrorClass {
    match code {
        "40001" | "40P01" | "55P03" | "5" | "6" | "261" | "517" => return ErrorClass::Busy,
        // Read-only; resources; a full disk; a failing one.
        "25006" | "53000" | "53100" | "53200" | "58000" | "58030" => return ErrorClass::Unwritable,
        // Inside a transaction that was not begun here.
        "25001" | "25P02" => return ErrorClass::Broken,
        _ => {}
    }
    if code.len() == 5 {
        // Shut down, crashed, starting; a lost connection; too many connections.
        let broken = ["57P", "08", "533"].iter().any(|class| code.starts_with(class));
        return if broken { ErrorClass::Broken } else { ErrorClass::Statement };
    }
    match code.parse::<u32>().map(|code| code & 0xff) {
        // No memory, read-only, I/O, corrupt, full, cannot be opened, no database.
        Ok(7 | 8 | 10 | 11 | 13 | 14 | 26) => ErrorClass::Unwritable,
        // Interrupted: SQLite may have rolled the transaction back.
        Ok(9) => ErrorClass::Broken,
        _ => ErrorClass::Statement,
    }
}

/// Is it about the connection or the storage, and not about the statement?
pub(crate) fn unavailable(error: &DbErr) -> bool {
    match database_error(error) {
        Some(db) => {
            let meaning = meaning(&db.code().unwrap_or_default());
            matches!(meaning, ErrorClass::Broken | ErrorClass::Unwritable)
        }
        None => connects(error),
    }
}

fn sqlx_error(error: &DbErr) -> Option<&SqlxError> {
    let (DbErr::Exec(runtime) | DbErr::Query(runtime) | DbErr::Conn(runtime)) = error else {
        return None;
    };
    let RuntimeErr::SqlxError(error) = runtime else { return None };
    Some(error)
}

fn database_error(error: &DbErr) -> Option<&dyn sea_orm::sqlx::error::DatabaseError> {
    sqlx_error(error)?.as_database_error()
}

/// Is it about the connection and not about the statement?
fn connects(error: &DbErr) -> bool {
    if matches!(error, DbErr::ConnectionAcquire(_)) {
        return true;
    }
    sqlx_error(error).is_some_and(|error| {
        matches!(
            error,
            SqlxError::Io(_)
                | SqlxError::Tls(_)
                | SqlxError::Protocol(_)
                | SqlxError::PoolTimedOut
                | SqlxError::PoolClosed
                | SqlxError::WorkerCrashed
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Which errors make commands wait for a probe, which close one connection, which concern only
    /// the statement.
    #[test]
    fn codes_say_what_they_mean_for_the_connection() {
        for code in ["25006", "53100", "13", "10", "778", "8", "14"] {
            assert_eq!(meaning(code), ErrorClass::Unwritable, "{code}");
        }
        for code in ["57P01", "57P03", "08006", "53300", "25P02", "9"] {
            assert_eq!(meaning(code), ErrorClass::Broken, "{code}");
        }
        for code in ["40001", "40P01", "5", "517"] {
            assert_eq!(meaning(code), ErrorClass::Busy, "{code}");
        }
        for code in ["23505", "23514", "22001", "42P01", "19", "2067", "1", ""] {
            assert_eq!(meaning(code), ErrorClass::Statement, "{code}");
        }
    }
}
