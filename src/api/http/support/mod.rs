//! What support asks for: orders whole, acts, the policy, sanctions.

pub mod acts;
pub mod desk;
pub mod policy;
pub mod sanctions;
pub mod statistics;
