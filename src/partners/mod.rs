//! Partners: branches, their services, bays and opening hours.

pub mod capacity;
mod limits;
pub mod local_time;
pub mod profile;
pub mod schedule;

platform::refusals! {
    /// Refusals of the partners' commands.
    Refusal {
        NoSuchPartner = "no_such_partner", NotFound, "There is no such partner", "Check the partner's id.";
        NoSuchService = "no_such_service", NotFound, "There is no such service here", "Look at the partner's services again.";
        ServiceInvalid = "service_invalid", Unprocessable, "The service makes no sense", "A service has a code, a name, and for each class of car one price above zero and a duration in steps of 5 minutes.";
        ScheduleInvalid = "schedule_invalid", Unprocessable, "The hours make no sense", "Weekdays are 1 to 7; a span opens within the day, lasts at most 24 hours, meets no other of its weekday and ends before the next weekday opens.";
        BranchInvalid = "branch_invalid", Unprocessable, "The branch makes no sense", "A branch has a name, an address, a point, an IANA time zone, and an arrival buffer of at least the policy's; its grid is 5, 10, 15, 20, 30 or 60 minutes, its free time to cancel within the policy's limits, its own services and hours stand in what it confirms by itself.";
        RegistrationBlocked = "registration_blocked", Conflict, "Nobody can register with this number or address now", "A block stands on them; wait for its end, or ask support to open the address to a new operator.";
        SlotPast = "slot_past", Unprocessable, "That start is in the past", "Choose a start that is still to come.";
        SlotTooSoon = "slot_too_soon", Conflict, "That start is too soon", "Choose a later one, or place a quick order.";
        SlotTooFar = "slot_too_far", Unprocessable, "That start is too far ahead", "Choose one within the days the calendar shows.";
        SlotOffGrid = "slot_off_grid", Unprocessable, "No slot starts at that minute", "Choose one of the partner's slots.";
        SlotOutsideHours = "slot_outside_hours", Conflict, "The partner is not open for all of that time", "Choose a start within the partner's hours.";
        SlotTaken = "slot_taken", Conflict, "The slot is gone", "Choose one of the alternatives in this answer.";
        NoBay = "no_bay", Conflict, "The partner has no bay for this", "Choose other services, or another partner.";
        BayInvalid = "bay_invalid", Unprocessable, "The bay makes no sense", "A bay has a name and a kind.";
        NoSuchBay = "no_such_bay", NotFound, "There is no such bay here", "Look at the branch's bays again.";
        BayTaken = "bay_taken", Conflict, "The bay is held at that time", "Look at the orders and blocks in this answer: move them, or choose another bay or time.";
        BlockInvalid = "block_invalid", Unprocessable, "The block makes no sense", "A block ends after it begins and after now, lasts at most 31 days, ends within two years, and has a note of at most 200 characters.";
        NoSuchBlock = "no_such_block", NotFound, "There is no such block here", "Look at the branch's blocks again; it may have been removed already.";
        ServiceUnknown = "service_unknown", Unprocessable, "The partner has no such service", "Look at the partner's services again.";
        ServiceStopped = "service_stopped", Conflict, "The partner offers this service no longer", "Choose another one of the partner's services.";
        NotForClass = "not_for_class", Unprocessable, "The service is not offered for this class of car", "Choose another service, or another car.";
        DifferentBays = "different_bays", Unprocessable, "These services need different bays", "Book them apart.";
        PauseInvalid = "pause_invalid", Unprocessable, "The pause makes no sense", "A pause lasts a minute at least, and `minutes_most` at most.";
        DayInvalid = "special_day_invalid", Unprocessable, "The special day makes no sense", "It is today or later and within two years; its spans open within the day, last at most 24 hours and do not meet; its note has at most 200 characters.";
        NoSuchDay = "no_such_special_day", NotFound, "That date has no hours of its own", "Look at the branch's special days again.";
        TooManyServices = "too_many_services", Conflict, "The branch has as many services as there may be", "`limit` of them, also those it offers no longer: change one of those instead.";
        TooManyBays = "too_many_bays", Conflict, "The branch has as many bays as there may be", "`limit` of them, also those out of use: change one of those instead.";
        TooManyBlocks = "too_many_blocks", Conflict, "The branch has as many blocks as there may be", "`limit` of them that are not over: remove some first, or take bays out of use.";
        TooManyDays = "too_many_special_days", Conflict, "The branch has as many special days as there may be", "`limit` of them from today on: drop some first.";
        NoSuchCalendar = "no_such_calendar", NotFound, "There is no calendar at this address", "Ask the branch for the newest address of its calendar.";
    }
}
