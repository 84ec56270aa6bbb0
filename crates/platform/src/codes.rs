//! Refusals that any request may get.

crate::refusals! {
    /// Refusals that belong to no capability.
    General {
        Malformed = "malformed", Invalid, "The request could not be read", "Compare it with /openapi.json and send it again.";
        TooLarge = "too_large", Invalid, "The request is too large", "A body is at most 64 KiB.";
        BodyTooSlow = "body_too_slow", Slow, "The request's body did not come in time", "Send it again, whole.";
        MethodNotAllowed = "method_not_allowed", MethodNotAllowed, "This path has no such method", "Use one of the methods in Allow.";
        RateLimited = "rate_limited", TooMany, "Too many requests in a short time", "Wait for the seconds in Retry-After, then go on more slowly.";
        TextReserved = "text_reserved", Unprocessable, "A text of yours begins as sealed data does", "No text may begin with \"sealed:\"; write it otherwise.";
        NotFound = "not_found", NotFound, "There is no such thing here", "Check the id; you see only what is yours.";
        KeyRequired = "idempotency_key_required", Invalid, "An Idempotency-Key is required", "Send a fresh key of 1 to 64 visible characters with every command, and the same one when repeating it.";
        KeyReused = "idempotency_key_reused", Unprocessable, "The key was used with another body", "Take a fresh Idempotency-Key for a new command.";
        VersionRequired = "precondition_required", VersionMissing, "The version you saw is required", "Send If-Match with the ETag of what you saw.";
        StaleVersion = "stale_version", Stale, "It has changed since you saw it", "Look at its state in this answer, then decide again.";
        Busy = "contended", Unavailable, "Too many changed this at the same time", "Nothing was done. Send the same command with the same Idempotency-Key again.";
        ReasonRequired = "reason_required", Unprocessable, "A reason is required", "Say in 1 to 500 characters why.";
    }
}

/// Longest reason, characters.
const REASON_MAX: usize = 500;

/// Checks a reason given in a person's own words.
///
/// # Errors
/// `reason_required` when it is empty or too long.
pub fn given(reason: &str) -> Result<&str, General> {
    let reason = reason.trim();
    let fits = (1..=REASON_MAX).contains(&reason.chars().count());
    if fits { Ok(reason) } else { Err(General::ReasonRequired) }
}
