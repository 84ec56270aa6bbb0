//! The reason the demo had to stop.

use std::io;
use std::path::Path;

use crate::app::NotStarted;
use platform::CommandError;

/// The reason the demo had to stop.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct DemoFailed(pub(super) String);

impl DemoFailed {
    pub(super) fn because(why: impl Into<String>) -> Self {
        Self(why.into())
    }

    pub(super) fn at(path: &Path, error: &io::Error) -> Self {
        Self(format!("{}: {error}", path.display()))
    }
}

impl From<NotStarted> for DemoFailed {
    fn from(error: NotStarted) -> Self {
        Self(error.to_string())
    }
}

impl From<CommandError> for DemoFailed {
    fn from(stop: CommandError) -> Self {
        Self(format!("{stop:?}"))
    }
}

impl From<sea_orm::DbErr> for DemoFailed {
    fn from(error: sea_orm::DbErr) -> Self {
        Self(format!("the database: {error}"))
    }
}

impl From<io::Error> for DemoFailed {
    fn from(error: io::Error) -> Self {
        Self(error.to_string())
    }
}

impl From<client::ApiError> for DemoFailed {
    fn from(trouble: client::ApiError) -> Self {
        Self(format!("the simulation: {trouble}"))
    }
}
