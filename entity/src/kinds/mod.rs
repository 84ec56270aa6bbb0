//! Kinds: what happens in the engine, as enums. Each kind has one spelling, which the wire and the
//! database use.

mod audience;
mod command;
mod event;
mod intent;
mod posting;
mod stored;
mod strike;
mod timer;

pub use audience::{Audience, AudienceKind, SupportQueue};
pub use command::CommandName;
pub use event::{EventKind, EventTopic};
pub use intent::Intent;
pub use posting::{PostingKind, PostingSubject};
pub use stored::{Kind, Stored, UnknownKind};
pub use strike::StrikeKind;
pub use timer::{TimerKind, TimerSubject};
