//! Why a feed is refused.

platform::refusals! {
    /// Why a feed is refused.
    Refusal {
        Origin = "origin_not_allowed", Forbidden, "Pages from there may not follow a feed", "Add the page's origin to http.allowed_origins.";
        TooManySockets = "too_many_sockets", TooMany, "There are too many open sockets", "Close one that is not used, or follow several feeds from fewer devices.";
        TooManyResumes = "too_many_resumes", TooMany, "It was resumed too often", "Wait as long as `retry_after_s` says; keep the socket open instead of resuming.";
        TooManySnapshots = "too_many_snapshots", TooMany, "The snapshot was taken too often", "Wait as long as Retry-After says; follow the feed from the number you have.";
        NotYours = "audience_not_yours", Forbidden, "This feed is not yours", "Follow client, a branch you work for, or support as one of its people.";
    }
}
