//! The two ways to fail: a refusal is a business *no* with a stable code, a fault is a broken
//! machine.

use sea_orm::DbErr;
use serde_json::{Map, Value};

use super::db::unavailable;
use super::serving::Pause;

/// What sort of *no* a refusal is; the edge turns it into a status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The request itself is wrong.
    Invalid,
    /// The request did not come to its end.
    Slow,
    /// Nobody is signed in.
    Unauthenticated,
    /// This caller may not.
    Forbidden,
    /// There is no such thing for this caller.
    NotFound,
    /// The path is there, but not with this method.
    MethodNotAllowed,
    /// Things have moved on, or stand in the way.
    Conflict,
    /// The version named is not the newest.
    Stale,
    /// The version must be named.
    VersionMissing,
    /// Well formed, but makes no sense.
    Unprocessable,
    /// Too often.
    TooMany,
    /// Somebody outside could not be asked now.
    Unavailable,
}

/// A business *no*: what happened, what to do, a stable code.
#[derive(Clone, Debug, PartialEq)]
pub struct Refused {
    /// Stable, for programs.
    pub code: &'static str,
    /// What sort of *no*.
    pub kind: Kind,
    /// What happened, for people.
    pub title: &'static str,
    /// What to do, for people.
    pub detail: String,
    /// What else the caller should know: the order as it is now, the new price …
    pub with: Map<String, Value>,
}

impl Refused {
    /// Adds a fact the caller should know.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl serde::Serialize) -> Self {
        if let Ok(value) = serde_json::to_value(value) {
            self.with.insert(key.to_owned(), value);
        }
        self
    }

    /// Says more exactly what happened.
    #[must_use]
    pub fn because(mut self, detail: impl Into<String>) -> Self {
        self.detail = detail.into();
        self
    }
}

/// The machine broke: logged once where it is handled, told to the caller only as "unavailable".
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The database failed.
    #[error("the database failed: {0}")]
    Database(#[from] DbErr),
    /// A row that cannot be.
    #[error("inconsistent {table} {id}: {what}")]
    Inconsistent {
        /// Table of the row.
        table: &'static str,
        /// Its key.
        id: String,
        /// Table, column and what is wrong.
        what: String,
    },
    /// The database takes no writes now, or the connection to it broke: an alarm says so.
    #[error("the database is not available: {0}")]
    Unavailable(String),
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

/// Why a command did not land.
#[derive(Debug)]
pub enum Stop {
    /// A business *no*.
    Refused(Box<Refused>),
    /// Somebody else changed what was read; the door runs the command again.
    Contended,
    /// The timer that fired was armed anew or is gone.
    Outdated,
    /// Nothing is decided now; nothing was done.
    NotServing(Pause),
    /// The machine broke.
    Fault(Fault),
}

impl From<Pause> for Stop {
    fn from(pause: Pause) -> Self {
        Self::NotServing(pause)
    }
}

impl From<Refused> for Stop {
    fn from(refused: Refused) -> Self {
        Self::Refused(Box::new(refused))
    }
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<DbErr> for Stop {
    fn from(error: DbErr) -> Self {
        Self::Fault(if unavailable(&error) {
            Fault::Unavailable(error.to_string())
        } else {
            Fault::Database(error)
        })
    }
}

impl From<serde_json::Error> for Stop {
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

            /// The refusal as it travels.
            #[must_use]
            pub fn refused(self) -> $crate::platform::Refused {
                let (code, kind, title, detail) = match self {
                    $(Self::$variant => ($code, $crate::platform::Kind::$kind, $title, $detail),)+
                };
                $crate::platform::Refused {
                    code,
                    kind,
                    title,
                    detail: detail.to_owned(),
                    with: serde_json::Map::new(),
                }
            }
        }

        impl From<$name> for $crate::platform::Refused {
            fn from(refusal: $name) -> Self {
                refusal.refused()
            }
        }

        impl From<$name> for $crate::platform::Stop {
            fn from(refusal: $name) -> Self {
                refusal.refused().into()
            }
        }
    };
}
