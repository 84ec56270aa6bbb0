//! Support: what the operator's people do that no other capability owns.

pub mod acts;
pub mod credit;
pub mod outages;
pub mod register;
pub mod rehearsal;
pub mod unlock;
