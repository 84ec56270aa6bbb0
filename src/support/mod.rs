//! Support: what the operator's people do that no other capability owns.

pub mod credit;
pub mod outages;
pub mod register;
pub mod rehearsal;
