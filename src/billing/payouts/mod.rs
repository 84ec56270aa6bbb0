//! Money the operator owes a partner, and how it is paid out (BON-5, BON-6).

pub mod account;
pub mod payable;
pub mod payout;
pub(super) mod payout_days;
pub mod payout_send;
pub mod payout_terms;
pub mod payout_view;
