//! Notices: what was told reaches a device, and the device says that it has it.
//!
//! A feed is followed from a number on ([`follow`]); whoever comes too late for that starts from a
//! [`snapshot`]. What a device has is what it [`acknowledge`]s: that alone is *delivered* (ORD-6,
//! PEN-2).

pub mod acknowledge;
pub mod follow;
pub mod snapshot;

pub use acknowledge::{Acknowledge, matters};
pub use snapshot::Snapshot;

crate::refusals! {
    /// Why a device's word about what it has is not taken.
    Refusal {
        OtherEpoch = "other_epoch", Conflict, "This number is of another history", "The database was restored since: take the snapshot, and go on with its epoch and number.";
        NotYetTold = "not_yet_told", Unprocessable, "This was not told yet", "Acknowledge a number at most as high as the newest in `seq`.";
    }
}
