//! Readers: whose feed somebody follows, and what of it they may read.

use entity::order::Actor;
use entity::staff::StaffRole;

use super::Refusal;
use crate::access::Principal;
use crate::edge::http::problem::{Problem, malformed};
use crate::platform::{Audience, By};

/// The caller's own feed, as a request names it.
pub const CLIENT: &str = "client";

/// The audience a request names, `client` unless it names one, if the caller belongs to it.
///
/// # Errors
/// When there is no such audience, or it is not the caller's.
pub fn audience(principal: &Principal, name: Option<&str>) -> Result<Audience, Problem> {
    let audience = match name.unwrap_or(CLIENT) {
        CLIENT => Audience::Client(principal.person_id),
        "support" => Audience::Support,
        name => name
            .strip_prefix("branch:")
            .and_then(|id| id.parse().ok())
            .map(Audience::Branch)
            .ok_or_else(|| malformed("audience is client, branch:<partner_id> or support."))?,
    };
    if principal.hears(&audience) { Ok(audience) } else { Err(Refusal::NotYours.into()) }
}

/// The audience a wake-up names.
#[must_use]
pub fn named(name: &str) -> Option<Audience> {
    match name.split_once(':') {
        None => (name == "support").then_some(Audience::Support),
        Some(("client", id)) => id.parse().ok().map(Audience::Client),
        Some(("branch", id)) => id.parse().ok().map(Audience::Branch),
        Some(_) => None,
    }
}

/// May the person read an event of this kind, or only that there was one (NOT-6)?
#[must_use]
pub fn may_read(principal: &Principal, audience: &Audience, kind: &str) -> bool {
    let Audience::Branch(branch) = audience else { return true };
    match principal.role_at(*branch) {
        Some(StaffRole::Owner | StaffRole::Manager) => true,
        Some(StaffRole::Operator | StaffRole::Viewer) => !kind.starts_with("balance."),
        None => false,
    }
}

/// The person, acting as one of this audience.
#[must_use]
pub fn by(principal: &Principal, audience: &Audience) -> By {
    let actor = match audience {
        Audience::Client(_) => Actor::Client,
        Audience::Branch(_) => Actor::Staff,
        Audience::Support => Actor::Support,
    };
    principal.by(actor)
}
