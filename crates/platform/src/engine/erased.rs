//! Commands whose type is erased: the engine's road – runs, commit, replay – is compiled once, not
//! for each command.

use std::any::Any;
use std::pin::Pin;

use super::command::Command;
use super::transaction::Tx;
use crate::refusal::{CommandError, Fault};

/// A run under way.
pub(crate) type Run<'a> = Pin<Box<dyn Future<Output = Result<(), CommandError>> + Send + 'a>>;

/// A command of any type, and the answer of its last run.
pub(crate) trait ErasedCommand<X>: Send {
    /// Its name in traces and metrics.
    fn name(&self) -> &'static str;

    /// Is it part of the recovery from an outage?
    fn recovers(&self) -> bool;

    /// Runs it; its answer replaces that of the run before.
    fn run<'a>(&'a mut self, tx: &'a mut Tx<X>) -> Run<'a>;

    /// The answer as it is stored under an idempotency key.
    fn stored(&self) -> Result<String, CommandError>;

    /// The answer.
    fn answer(self: Box<Self>) -> Option<Box<dyn Any + Send>>;
}

struct Running<C, A> {
    command: C,
    answer: Option<A>,
}

impl<X, C> ErasedCommand<X> for Running<C, C::Answer>
where
    X: Send + Sync + 'static,
    C: Command<X>,
{
    fn name(&self) -> &'static str {
        C::NAME.into()
    }

    fn recovers(&self) -> bool {
        C::RECOVERS
    }

    fn run<'a>(&'a mut self, tx: &'a mut Tx<X>) -> Run<'a> {
        Box::pin(async move {
            self.answer = Some(self.command.run(tx).await?);
            Ok(())
        })
    }

    fn stored(&self) -> Result<String, CommandError> {
        Ok(serde_json::to_string(&self.answer)?)
    }

    fn answer(self: Box<Self>) -> Option<Box<dyn Any + Send>> {
        Some(Box::new(self.answer?))
    }
}

/// Erases the type of a command.
pub(crate) fn erased<X, C>(command: C) -> Box<dyn ErasedCommand<X>>
where
    X: Send + Sync + 'static,
    C: Command<X>,
{
    Box::new(Running { command, answer: None })
}

/// The answer of a command that ran, with its type.
pub(crate) fn typed<X: 'static, A: 'static>(
    ran: Box<dyn ErasedCommand<X>>,
) -> Result<A, CommandError> {
    let name = ran.name();
    let answer = ran.answer().and_then(|answer| answer.downcast::<A>().ok());
    let none = || Fault::Other(format!("{name} committed without an answer"));
    Ok(*answer.ok_or_else(none)?)
}
