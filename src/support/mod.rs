//! Support: acts of the operator's staff that belong to no other capability.

pub mod acts;
pub mod credit;
pub mod outages;
pub mod register;
pub mod rehearsal;
pub mod unlock;
