//! Count: events are counted once each, in the transaction that marks their messages as done.

use std::collections::BTreeMap;

use entity::event_count;
use entity::kinds::CommandName;
use entity::value::Instant;

use crate::context::{Context, Tx};
use platform::codes::General;
use platform::engine::write_set::Count;
use platform::outbox::{self, ClaimedMessage};
use platform::{Command, CommandError};

/// Counts the events of these messages.
pub struct CountEvents {
    /// The messages, claimed for the statistics.
    pub claimed: Vec<ClaimedMessage>,
}

impl Command<Context> for CountEvents {
    type Answer = ();
    const NAME: CommandName = CommandName::CountEvents;

    async fn run(&self, tx: &mut Tx) -> Result<(), CommandError> {
        let mut counts: BTreeMap<(String, &str), i64> = BTreeMap::new();
        for claimed in &self.claimed {
            outbox::done(tx, claimed);
            let message = &claimed.message;
            *counts.entry((day(message.created_at), &message.kind)).or_default() += 1;
        }
        for ((day, kind), by) in counts {
            tx.count(Count {
                table: event_count::TABLE,
                key: vec![("day", day.into()), ("kind", kind.into())],
                by,
                most: i64::MAX,
                refusal: General::Busy.refused(),
            });
        }
        Ok(())
    }
}

/// The day of an instant, in UTC.
fn day(at: Instant) -> String {
    at.format("%Y-%m-%d").to_string()
}
