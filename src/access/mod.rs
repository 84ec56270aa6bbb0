//! Access: who a caller is, from which device, and what they may do (ACC-1, ACC-4).
//!
//! A person requests a one-time code ([`otp`]), enters it ([`sign_in`]) and then holds two tokens
//! ([`token`]): a short-lived access token that is sent with every request, and a long-lived
//! refresh token that is exchanged for the next pair ([`session`]). With every request [`Sessions`]
//! turns the access token into a [`Principal`], and [`role`] says whether that principal belongs to
//! the people something is open to. A command that revokes access wakes `session:<id>` or
//! `person:<id>`, which takes effect at once.
//!
//! Shared with all commands: [`AccessSettings`], [`CodeChannel`] and the raised
//! [`Alarms`](otp_budget::Alarms).

use entity::value::Actor;

use platform::By;

pub mod codes;
pub mod limits;
pub mod people;
pub mod role;
pub mod sessions;
pub mod settings;

pub use codes::channel::{CodeChannel, Codes, LogCodes};
pub use sessions::principal::{Principal, Sessions};
pub use sessions::token::Tokens;
pub use settings::{AccessSettings, OtpChannel};

/// A caller who has not signed in yet.
const ANYONE: By = By { actor: Actor::Client, person_id: None, session_id: None, address: None };

platform::refusals! {
    /// The refusals of access.
    Refusal {
        Unauthenticated = "unauthenticated", Unauthenticated,
            "Nobody is signed in",
            "Send Authorization: Bearer with an access token.";
        TokenExpired = "token_expired", Unauthenticated,
            "The access token has expired",
            "Spend the refresh token for new tokens, then send the request again.";
        SessionEnded = "session_ended", Unauthenticated,
            "This device was signed out",
            "Sign in again.";
        Forbidden = "forbidden", Forbidden,
            "This is not yours to do",
            "Ask somebody with the right role.";
        BranchRequired = "branch_required", Invalid,
            "You work for several branches",
            "Name one of them: ?branch_id=…";
        PhoneImpossible = "phone_impossible", Unprocessable,
            "No phone has this number",
            "A digit is missing, too many or wrong: look at the number again.";
        CountryNotServed = "country_not_served", Unprocessable,
            "Numbers of this country are not served",
            "Use a number of Azerbaijan (+994), or ask support about your country.";
        CodeWrong = "code_wrong", Unauthenticated,
            "The code is wrong",
            "Look at the newest message; after five wrong answers a new code is needed.";
        CodeExpired = "code_expired", Unauthenticated,
            "The code has expired",
            "Ask for a new one.";
        TooManyTries = "too_many_tries", TooMany,
            "Too many wrong answers",
            "Ask for a new code.";
        TooManyCodes = "too_many_codes", TooMany,
            "Too many codes were asked for",
            "Wait until the time in Retry-After has passed.";
        ResendTooSoon = "resend_too_soon", TooMany,
            "A code is on its way",
            "Wait until the time in Retry-After has passed, then ask for another.";
        RefreshInvalid = "refresh_invalid", Unauthenticated,
            "The refresh token is not good",
            "Sign in again.";
        RefreshReused = "refresh_reused", Unauthenticated,
            "The refresh token was spent before",
            "Somebody may have copied it, so this device was signed out; sign in again.";
        NoSuchSession = "no_such_session", NotFound,
            "There is no such session",
            "See GET /v1/auth/sessions; it may have ended already.";
        TicketInvalid = "ticket_invalid", Unauthenticated,
            "The ticket is not good",
            "A ticket serves once, for a short time and for its audience; take a new one.";
        OwnerRequired = "owner_required", Forbidden,
            "Only an owner may name or remove owners",
            "Ask an owner of the branch.";
        TooManyStaff = "too_many_staff", Conflict, "The branch has as many people as there may be", "`limit` of them: remove somebody first.";
        LastOwner = "last_owner", Conflict,
            "The last owner of a branch cannot go",
            "Name another owner first.";
        NoSuchStaff = "no_such_staff", NotFound,
            "This person does not work here",
            "See GET /v1/partner/staff.";
        AlreadyStaff = "already_staff", Conflict,
            "This person works here already",
            "Give them another role: PUT /v1/partner/staff/{person_id}.";
        NoSuchInvitation = "no_such_invitation", NotFound,
            "There is no such invitation",
            "It may have been answered, taken back or left until it expired.";
        SupportLimit = "support_limit", Forbidden,
            "This is more than your role may move",
            "Ask somebody of the role in `may`; what one person moved within a day counts together.";
        SameAmount = "same_amount_a_moment_ago", Conflict,
            "The same amount was recorded here a moment ago",
            "Look at `act`; if this is another one, send it again with `confirm` and a fresh Idempotency-Key.";
        NoSuchBranch = "no_such_branch", NotFound,
            "There is no such branch",
            "Check the branch's id.";
    }
}
