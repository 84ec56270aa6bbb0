//! People and their roles: clients, staff, support.

pub mod invitation;
pub mod me;
pub mod person;
pub mod self_dealing;
pub mod staff;
pub mod support;
