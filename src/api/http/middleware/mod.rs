//! What surrounds every handler: limits, CORS and headers, opening of sealed fields.

pub mod limits;
pub mod outer;
