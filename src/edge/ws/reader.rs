//! Access to feeds: whose feed a subscriber follows, and which of its events it may read.

use entity::value::{Actor, SupportQueue};

use super::Refusal;
use crate::access::Principal;
use crate::access::role::sees_money;
use crate::edge::http::problem::{Problem, malformed};
use crate::platform::{Audience, By};

/// The name of the caller's own feed in a request.
pub const CLIENT: &str = "client";

/// The short name of support's queue of orders.
const SUPPORT: &str = "support";
const AUDIENCES: &str = "audience is client, branch:<partner_id>, or support:<queue>: orders, money, \
                         sanctions, policy.";

/// The prefixes of the events about a branch's money.
const MONEY: [&str; 6] = ["balance.", "bonus.", "commission.", "payment.", "payout.", "payable."];

/// The audience named by a request, by default `client`, if the caller belongs to it.
///
/// # Errors
/// When there is no such audience, or the caller does not belong to it.
pub fn audience(principal: &Principal, name: Option<&str>) -> Result<Audience, Problem> {
    let audience = match name.unwrap_or(CLIENT) {
        CLIENT => Audience::Client(principal.person_id),
        SUPPORT => Audience::Support(SupportQueue::Orders),
        name => match named(name) {
            Some(audience @ (Audience::Branch(_) | Audience::Support(_))) => audience,
            Some(Audience::Client(_)) | None => return Err(malformed(AUDIENCES)),
        },
    };
    if principal.hears(&audience) { Ok(audience) } else { Err(Refusal::NotYours.into()) }
}

/// The audience named by a wake-up.
#[must_use]
pub fn named(name: &str) -> Option<Audience> {
    match name.split_once(':') {
        None => None,
        Some(("support", queue)) => queue.parse().ok().map(Audience::Support),
        Some(("client", id)) => id.parse().ok().map(Audience::Client),
        Some(("branch", id)) => id.parse().ok().map(Audience::Branch),
        Some(_) => None,
    }
}

/// Whether the person may read an event of this kind, or only learn that there was one (NOT-6).
#[must_use]
pub fn may_read(principal: &Principal, audience: &Audience, kind: &str) -> bool {
    let Audience::Branch(branch) = audience else { return true };
    match principal.role_at(*branch) {
        Some(role) => sees_money(role) || !MONEY.iter().any(|money| kind.starts_with(money)),
        None => false,
    }
}

/// Whether the person may see amounts of money in events of this audience (ACC-4).
#[must_use]
pub fn money(principal: &Principal, audience: &Audience) -> bool {
    let Audience::Branch(branch) = audience else { return true };
    principal.role_at(*branch).is_some_and(sees_money)
}

/// The person as an actor of this audience.
#[must_use]
pub fn by(principal: &Principal, audience: &Audience) -> By {
    let actor = match audience {
        Audience::Client(_) => Actor::Client,
        Audience::Branch(_) => Actor::Staff,
        Audience::Support(_) => Actor::Support,
    };
    principal.by(actor)
}

#[cfg(test)]
mod tests {
    use entity::staff::StaffRole;
    use entity::value::{PartnerId, PersonId, SessionId};

    use super::*;

    fn principal(branches: Vec<(PartnerId, StaffRole)>) -> Principal {
        Principal {
            person_id: PersonId::new(),
            session_id: SessionId::new(),
            branches,
            support: None,
            expires_at: chrono::DateTime::UNIX_EPOCH,
            address: None,
        }
    }

    #[test]
    fn money_is_a_blank_to_whoever_only_serves() {
        use StaffRole::{Manager, Operator, Owner, Viewer};
        let id = PartnerId::new();
        let branch = Audience::Branch(id);
        for (role, money) in [(Owner, true), (Manager, true), (Operator, false), (Viewer, false)] {
            let reader = principal(vec![(id, role)]);
            assert_eq!(may_read(&reader, &branch, "balance.changed"), money, "{role:?}");
            assert_eq!(may_read(&reader, &branch, "bonus.granted"), money, "{role:?}");
            assert!(may_read(&reader, &branch, "order.requested"), "{role:?}");
        }
        let stranger = principal(vec![(PartnerId::new(), Owner)]);
        assert!(!may_read(&stranger, &branch, "order.requested"));
    }

    #[test]
    fn everybody_has_their_own_feeds_and_no_other() {
        let id = PartnerId::new();
        let reader = principal(vec![(id, StaffRole::Viewer)]);
        let own = Audience::Client(reader.person_id);
        assert_eq!(audience(&reader, None).unwrap(), own);
        let branch = format!("branch:{id}");
        assert_eq!(audience(&reader, Some(&branch)).unwrap(), Audience::Branch(id));
        let theirs = format!("branch:{}", PartnerId::new());
        for (name, code) in [
            (theirs.as_str(), "audience_not_yours"),
            ("support", "audience_not_yours"),
            ("support:money", "audience_not_yours"),
            ("support:all", "malformed"),
            (&format!("client:{}", reader.person_id), "malformed"),
            ("branch:", "malformed"),
        ] {
            assert_eq!(audience(&reader, Some(name)).unwrap_err().to_string(), code, "{name}");
        }
        for audience in [own, Audience::Branch(id), Audience::Support(SupportQueue::Money)] {
            assert_eq!(named(&audience.to_string()), Some(audience));
        }
    }
}
