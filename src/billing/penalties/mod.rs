//! Penalties: paid, disputed, waived and reinstated (PEN-5, PEN-7).

pub mod dispute;
pub(super) mod emit;
pub mod owe;
pub mod pay;
pub mod penalty;
pub mod penalty_payment;
pub mod read;
pub mod waive;
