//! The two kinds of failure: a refusal is a business decision with a stable code, a fault is a
//! technical failure.

use sea_orm::DbErr;
use serde_json::{Map, Value};

use crate::db::error::unavailable;
use crate::scheduler::serving::Pause;

/// The kind of a refusal; the edge maps it to an HTTP status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalKind {
    /// The request itself is wrong.
    Invalid,
    /// The request was not received completely in time.
    Slow,
    /// The request is not authenticated.
    Unauthenticated,
    /// The caller has no permission.
    Forbidden,
    /// The subject does not exist for this caller.
    NotFound,
    /// The path is there, but not with this method.
    MethodNotAllowed,
    /// The state has changed, or does not permit it.
    Conflict,
    /// The version named is not the newest.
    Stale,
    /// The version must be named.
    VersionMissing,
    /// Well formed, but not valid.
    Unprocessable,
    /// Too many requests.
    TooMany,
    /// An external service is not available now.
    Unavailable,
}

/// A refusal: a stable code, what happened, what to do.
#[derive(Clone, Debug, PartialEq)]
pub struct Refused {
    /// Stable, for programs.
    pub code: &'static str,
    /// The kind of refusal.
    pub kind: RefusalKind,
    /// What happened, for people.
    pub title: &'static str,
    /// What to do, for people.
    pub detail: String,
    /// Further data for the caller: the state as it is now, the new price …
    pub with: Map<String, Value>,
    /// Where the fields at fault stand in the body that was sent (RFC 6901).
    pub at: Vec<String>,
}

impl Refused {
    /// Adds data for the caller.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl serde::Serialize) -> Self {
        if let Ok(value) = serde_json::to_value(value) {
            self.with.insert(key.to_owned(), value);
        }
        self
    }

    /// Names a field of the body that is at fault.
    #[must_use]
    pub fn at(mut self, pointer: impl Into<String>) -> Self {
        self.at.push(pointer.into());
        self
    }

    /// Replaces the detail by a more exact one.
    #[must_use]
    pub fn because(mut self, detail: impl Into<String>) -> Self {
        self.detail = detail.into();
        self
    }
}

/// Refuses where a field is at fault, and names each that is.
///
/// # Errors
/// The refusal, where one of them is said to be wrong.
pub fn all_right(refusal: impl Into<Refused>, wrong: &[(&str, bool)]) -> Result<(), Refused> {
    let mut refused = refusal.into();
    refused.at = wrong.iter().filter(|(_, wrong)| *wrong).map(|(at, _)| (*at).to_owned()).collect();
    if refused.at.is_empty() { Ok(()) } else { Err(refused) }
}

/// A technical failure: logged once where it is handled; the caller learns only "unavailable".
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The database failed.
    #[error("the database failed: {0}")]
    Database(#[from] DbErr),
    /// A row that must not exist.
    #[error("inconsistent {table} {id}: {what}")]
    Inconsistent {
        /// Table of the row.
        table: &'static str,
        /// Its key.
        id: String,
        /// Table, column and what is wrong.
        what: String,
    },
    /// The database takes no writes now, or the connection to it broke: an alarm is raised.
    #[error("the database is not available: {0}")]
    Unavailable(String),
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

/// Why a command did not commit.
#[derive(Debug)]
pub enum CommandError {
    /// A refusal.
    Refused(Box<Refused>),
    /// Another command changed what was read; the engine runs the command again.
    Contended,
    /// The timer that fired was armed again or is gone.
    StaleTimer,
    /// The node may not decide now; nothing was changed.
    NotServing(Pause),
    /// A technical failure.
    Fault(Fault),
}

impl From<Pause> for CommandError {
    fn from(pause: Pause) -> Self {
        Self::NotServing(pause)
    }
}

impl From<Refused> for CommandError {
    fn from(refused: Refused) -> Self {
        Self::Refused(Box::new(refused))
    }
}

impl From<Fault> for CommandError {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<DbErr> for CommandError {
    fn from(error: DbErr) -> Self {
        Self::Fault(if unavailable(&error) {
            Fault::Unavailable(error.to_string())
        } else {
            Fault::Database(error)
        })
    }
}

impl From<serde_json::Error> for CommandError {
    fn from(error: serde_json::Error) -> Self {
        Self::Fault(Fault::Other(format!("JSON: {error}")))
    }
}

/// Declares a capability's refusals: variant, stable code, kind, what happened, what to do.
#[macro_export]
macro_rules! refusals {
    ($(#[$meta:meta])* $name:ident {
        $($variant:ident = $code:literal, $kind:ident, $title:literal, $detail:literal;)+
    }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name {
            $(#[doc = $title] $variant,)+
        }

        impl $name {
            /// All of them, for the published list.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The refusal as it is sent.
            #[must_use]
            pub fn refused(self) -> $crate::Refused {
                let (code, kind, title, detail) = match self {
                    $(Self::$variant => {
                        ($code, $crate::RefusalKind::$kind, $title, $detail)
                    })+
                };
                $crate::Refused {
                    code,
                    kind,
                    title,
                    detail: detail.to_owned(),
                    with: serde_json::Map::new(),
                    at: Vec::new(),
                }
            }
        }

        impl From<$name> for $crate::Refused {
            fn from(refusal: $name) -> Self {
                refusal.refused()
            }
        }

        impl From<$name> for $crate::CommandError {
            fn from(refusal: $name) -> Self {
                refusal.refused().into()
            }
        }
    };
}
