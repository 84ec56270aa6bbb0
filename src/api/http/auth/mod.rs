//! Signing in, sessions and invitations of the caller.

pub mod sessions;
pub mod tokens;
