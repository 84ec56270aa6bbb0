//! Notify: the delivery of feed events to devices, and the devices' acknowledgements.
//!
//! A device follows a feed from a sequence number on ([`follow`]); one that is too far behind
//! starts from a [`snapshot`]. What a device [`acknowledge`]s counts as *delivered*, and nothing
//! else does (ORD-6, PEN-2).

pub mod acknowledge;
pub mod follow;
pub mod snapshot;

pub use acknowledge::{Acknowledge, matters};
pub use snapshot::Snapshot;

platform::refusals! {
    /// The refusals of an acknowledgement.
    Refusal {
        OtherEpoch = "other_epoch", Conflict, "This number is of another history", "The database was restored since: take the snapshot, and go on with its epoch and number.";
        NotYetTold = "not_yet_told", Unprocessable, "This was not told yet", "Acknowledge a number at most as high as the newest in `seq`.";
    }
}
