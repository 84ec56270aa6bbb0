//! Discovery: who serves near a place. For now the nearest who is open and can afford the order;
//! ranking comes later (QO-8).

pub mod geo;
pub mod nearest;
