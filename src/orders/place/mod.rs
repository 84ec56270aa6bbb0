//! Placing: a request becomes an order, or is refused before anything is stored
//! (QO-1, BK-1, ORD-7).

pub mod afford;
pub mod alternatives;
pub mod bonus;
pub mod client_record;
pub mod limits;
pub mod placing;
pub mod reach;
pub mod request;
