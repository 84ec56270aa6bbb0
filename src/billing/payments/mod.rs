//! Real money in, and back: top-ups, callbacks, status polls, refunds, reconciliation (BAL-5).

pub mod callback;
pub mod checkout;
pub mod payment;
pub(super) mod payment_timers;
pub mod payment_view;
pub mod reconcile;
pub mod refund;
pub mod settle;
pub mod status_poll;
pub mod stray;
pub mod top_up;
