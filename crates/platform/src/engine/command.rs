//! Commands: a change is a small struct that runs against a [`Tx`].

use std::future::Future;

use entity::kinds::CommandName;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::transaction::Tx;
use crate::refusal::CommandError;

/// A change that may be requested; it may run more than once, and only the last run commits. `X` is
/// the context that the product shares with its commands.
pub trait Command<X>: Send + Sync + 'static {
    /// What the sender gets; stored under the command's idempotency key, so personal data in it is
    /// sealed.
    type Answer: Serialize + DeserializeOwned + Send + 'static;

    /// Its name in traces and metrics.
    const NAME: CommandName;

    /// Is it part of the recovery from an outage? All other commands wait until the recovery is
    /// over.
    const RECOVERS: bool = false;

    /// Loads, decides, and puts the change into the write set.
    fn run(
        &self,
        tx: &mut Tx<X>,
    ) -> impl Future<Output = Result<Self::Answer, CommandError>> + Send;
}
