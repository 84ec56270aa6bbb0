//! Access to feeds: whose feed a subscriber follows, and which of its events it may read.

use entity::kinds::{EventKind, EventTopic, Stored, SupportQueue};
use entity::value::Actor;

use super::refusal::Refusal;
use crate::access::Principal;
use crate::access::role::sees_money;
use crate::api::http::problem::{Problem, malformed};
use platform::{Audience, By};

/// The name of the caller's own feed in a request.
pub const CLIENT: &str = "client";

/// The short name of support's queue of orders.
const SUPPORT: &str = "support";
const AUDIENCES: &str = "audience is client, branch:<partner_id>, or support:<queue>: orders, money, \
                         sanctions, policy.";

/// The audience named by a request, by default `client`, if the caller belongs to it.
///
/// # Errors
/// When there is no such audience, or the caller does not belong to it.
pub fn audience(principal: &Principal, name: Option<&str>) -> Result<Audience, Problem> {
    let audience = match name.unwrap_or(CLIENT) {
        CLIENT => Audience::Client(principal.person_id),
        SUPPORT => Audience::Support(SupportQueue::Orders),
        name => match name.parse() {
            Ok(audience @ (Audience::Branch(_) | Audience::Support(_))) => audience,
            Ok(Audience::Client(_)) | Err(_) => return Err(malformed(AUDIENCES)),
        },
    };
    if principal.hears(&audience) { Ok(audience) } else { Err(Refusal::NotYours.into()) }
}

/// Whether the person may read an event of this kind, or only learn that there was one (NOT-6).
#[must_use]
pub fn may_read(principal: &Principal, audience: &Audience, kind: &Stored<EventKind>) -> bool {
    let Audience::Branch(branch) = audience else { return true };
    match principal.role_at(*branch) {
        Some(role) => sees_money(role) || !about_money(kind),
        None => false,
    }
}

/// Is an event about the branch's money? One of another build may be.
fn about_money(kind: &Stored<EventKind>) -> bool {
    match kind.known().map(EventKind::topic) {
        Ok(
            EventTopic::Balance
            | EventTopic::Bonus
            | EventTopic::Payment
            | EventTopic::Payout
            | EventTopic::Payable,
        )
        | Err(_) => true,
        Ok(
            EventTopic::Order
            | EventTopic::Penalty
            | EventTopic::Sanction
            | EventTopic::Calendar
            | EventTopic::Branch
            | EventTopic::Support,
        ) => false,
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
            assert_eq!(
                may_read(&reader, &branch, &EventKind::BalanceChanged.into()),
                money,
                "{role:?}"
            );
            assert_eq!(
                may_read(&reader, &branch, &EventKind::BonusGranted.into()),
                money,
                "{role:?}"
            );
            assert!(may_read(&reader, &branch, &EventKind::OrderRequested.into()), "{role:?}");
        }
        let stranger = principal(vec![(PartnerId::new(), Owner)]);
        assert!(!may_read(&stranger, &branch, &EventKind::OrderRequested.into()));
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
            assert_eq!(audience.to_string().parse(), Ok(audience));
        }
    }
}
