//! Partners: branches, what they offer, where they serve, when they are open.

pub mod bays;
pub mod profile;
pub mod read;
pub mod register;
pub mod schedule;
pub mod services;

crate::refusals! {
    /// What the partners' side refuses.
    Refusal {
        NoSuchPartner = "no_such_partner", NotFound, "There is no such partner", "Check the partner's id.";
        NoSuchService = "no_such_service", NotFound, "There is no such service here", "Look at the partner's services again.";
        ServiceInvalid = "service_invalid", Unprocessable, "The service makes no sense", "A service has a code, a name, and for each class of car one price above zero and a duration in steps of 5 minutes.";
        ScheduleInvalid = "schedule_invalid", Unprocessable, "The hours make no sense", "Weekdays are 1 to 7; a span opens within the day, lasts at most 24 hours and meets no other of its weekday.";
        BranchInvalid = "branch_invalid", Unprocessable, "The branch makes no sense", "A branch has a name, an address, a point, an IANA time zone, and an arrival buffer of at least the policy's.";
        BayInvalid = "bay_invalid", Unprocessable, "The bay makes no sense", "A bay has a name and a kind.";
    }
}
