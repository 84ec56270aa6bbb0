//! Money as each side sees it: bonus, penalties, payments, payouts, statements.

pub mod bonus;
pub mod payments;
pub mod payouts;
pub mod penalties;
pub mod statements;
