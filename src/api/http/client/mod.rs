//! What a client asks for: its profile and cars, branches near it, its orders.

pub mod orders;
pub mod profile;
pub mod slots;
