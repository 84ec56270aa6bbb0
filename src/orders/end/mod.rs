//! The ends of an order: declined, lapsed, cancelled, burned, completed, closed by support.

pub mod adjust;
pub mod amount;
pub mod burn;
pub mod cancel;
pub mod charges;
pub mod close_for_block;
pub mod complete;
pub mod decline;
pub mod fee;
pub mod lapse;
