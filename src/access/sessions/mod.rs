//! Sessions: signing in, the tokens and tickets of a device, and who a request comes from.

pub mod principal;
pub mod session;
pub mod sign_in;
pub mod ticket;
pub mod token;
