//! Permissions: one table of who may call which route of `docs/protocol.md` (ACC-4, SUP-4).
//!
//! A route that is not in the table is refused. Which order or branch a caller may act on is
//! checked by the command.

use entity::staff::StaffRole::{self, Manager, Operator, Owner, Viewer};
use entity::support_agent::SupportRole;
use entity::value::PartnerId;

use super::{Principal, Refusal};

/// Who may call a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// Any caller, without a token.
    Open,
    /// Any signed-in person.
    SignedIn,
    /// Any signed-in person, as a client.
    Client,
    /// The staff of a branch in one of these roles.
    Staff(&'static [StaffRole]),
    /// Support people of this role or a higher one.
    Support(SupportRole),
}

/// A route and who may call it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RouteRule {
    /// The HTTP method.
    pub method: &'static str,
    /// The route's template; names of parameters are ignored.
    pub path: &'static str,
    /// Who may call it.
    pub who: Who,
}

/// The role in which a request may proceed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permit {
    /// Without a person.
    Open,
    /// As the signed-in person.
    SignedIn,
    /// As a client.
    Client,
    /// As staff of this branch, in this role.
    Staff(PartnerId, StaffRole),
    /// As support, in this role.
    Support(SupportRole),
}

const ALL: Who = Who::Staff(&[Owner, Manager, Operator, Viewer]);
const SERVING: Who = Who::Staff(&[Owner, Manager, Operator]);
const RUNNING: Who = Who::Staff(&[Owner, Manager]);
const CASES: Who = Who::Support(SupportRole::Manager);
const AFFAIRS: Who = Who::Support(SupportRole::Administrator);

const fn rule_of(method: &'static str, path: &'static str, who: Who) -> RouteRule {
    RouteRule { method, path, who }
}

/// All routes with their rules.
#[rustfmt::skip]
pub const TABLE: &[RouteRule] = &[
    rule_of("GET",    "/health/live", Who::Open),
    rule_of("GET",    "/health/ready", Who::Open),
    rule_of("GET",    "/metrics", Who::Open),
    rule_of("GET",    "/openapi.json", Who::Open),
    rule_of("GET",    "/asyncapi.yaml", Who::Open),
    rule_of("GET",    "/docs/{tail}", Who::Open),
    rule_of("GET",    "/v1/open/commission", Who::Open),
    // Callbacks of providers: one signs its messages; from the other only the payment's name is
    // used.
    rule_of("POST",   "/v1/open/payments/epoint", Who::Open),
    rule_of("POST",   "/v1/open/payments/payriff", Who::Open),
    // The token in the URL is the secret.
    rule_of("GET",    "/v1/open/calendars/{token}.ics", Who::Open),

    rule_of("POST",   "/v1/auth/otp", Who::Open),
    rule_of("POST",   "/v1/auth/sessions", Who::Open),
    rule_of("POST",   "/v1/auth/refresh", Who::Open),
    rule_of("GET",    "/v1/auth/sessions", Who::SignedIn),
    rule_of("DELETE", "/v1/auth/sessions", Who::SignedIn),
    rule_of("DELETE", "/v1/auth/sessions/{id}", Who::SignedIn),
    rule_of("POST",   "/v1/auth/tickets", Who::SignedIn),
    rule_of("GET",    "/v1/auth/me", Who::SignedIn),
    rule_of("GET",    "/v1/auth/invitations", Who::SignedIn),
    rule_of("POST",   "/v1/auth/invitations/{id}/accept", Who::SignedIn),
    rule_of("POST",   "/v1/auth/invitations/{id}/decline", Who::SignedIn),

    // The audience is checked against the principal; a socket may present a ticket instead of a
    // token.
    rule_of("GET",    "/v1/feed", Who::SignedIn),
    rule_of("GET",    "/v1/feed/events", Who::SignedIn),
    rule_of("POST",   "/v1/feed/ack", Who::SignedIn),
    rule_of("GET",    "/v1/feed/snapshot", Who::SignedIn),

    rule_of("GET",    "/v1/client/cars", Who::Client),
    rule_of("POST",   "/v1/client/cars", Who::Client),
    rule_of("DELETE", "/v1/client/cars/{id}", Who::Client),
    rule_of("PUT",    "/v1/client/profile", Who::Client),
    rule_of("GET",    "/v1/client/partners", Who::Client),
    rule_of("GET",    "/v1/client/partners/{id}", Who::Client),
    rule_of("GET",    "/v1/client/partners/{id}/slots", Who::Client),
    rule_of("POST",   "/v1/client/orders/preview", Who::Client),
    rule_of("POST",   "/v1/client/orders", Who::Client),
    rule_of("GET",    "/v1/client/orders", Who::Client),
    rule_of("GET",    "/v1/client/orders/{id}", Who::Client),
    rule_of("POST",   "/v1/client/orders/{id}/depart", Who::Client),
    rule_of("POST",   "/v1/client/orders/{id}/positions", Who::Client),
    rule_of("POST",   "/v1/client/orders/{id}/arrive", Who::Client),
    rule_of("GET",    "/v1/client/orders/{id}/cancellation-quote", Who::Client),
    rule_of("POST",   "/v1/client/orders/{id}/cancel", Who::Client),
    rule_of("POST",   "/v1/client/orders/{id}/contest", Who::Client),
    rule_of("POST",   "/v1/client/orders/{id}/leave", Who::Client),
    rule_of("POST",   "/v1/client/orders/{id}/confirm-amount", Who::Client),
    rule_of("POST",   "/v1/client/orders/{id}/contest-amount", Who::Client),
    rule_of("POST",   "/v1/client/orders/{id}/add-ons", Who::Client),
    rule_of("POST",   "/v1/client/orders/{id}/add-ons/{proposal}/decline", Who::Client),
    rule_of("POST",   "/v1/client/orders/{id}/reschedule", Who::Client),
    rule_of("POST",   "/v1/client/orders/{id}/reschedule/{proposal}/accept", Who::Client),
    rule_of("POST",   "/v1/client/orders/{id}/reschedule/{proposal}/decline", Who::Client),
    rule_of("GET",    "/v1/client/orders/{id}/alternatives", Who::Client),
    rule_of("GET",    "/v1/client/penalties", Who::Client),
    rule_of("GET",    "/v1/client/penalties/{id}", Who::Client),
    rule_of("GET",    "/v1/client/penalties/{id}/payments", Who::Client),
    rule_of("GET",    "/v1/client/penalties/{id}/payments/{payment_id}", Who::Client),
    rule_of("POST",   "/v1/client/penalties/{id}/dispute", Who::Client),
    rule_of("POST",   "/v1/client/penalties/{id}/payments", Who::Client),
    rule_of("GET",    "/v1/client/sanctions", Who::Client),
    rule_of("GET",    "/v1/client/bonus", Who::Client),
    rule_of("GET",    "/v1/client/bonus/lots", Who::Client),
    rule_of("GET",    "/v1/client/bonus/statement", Who::Client),
    rule_of("POST",   "/v1/client/bonus/codes", Who::Client),
    rule_of("PUT",    "/v1/client/orders/{id}/bonus", Who::Client),

    rule_of("GET",    "/v1/partner/branch", ALL),
    rule_of("PATCH",  "/v1/partner/branch", RUNNING),
    rule_of("GET",    "/v1/partner/services", ALL),
    rule_of("POST",   "/v1/partner/services", RUNNING),
    rule_of("PATCH",  "/v1/partner/services/{id}", RUNNING),
    rule_of("GET",    "/v1/partner/bays", ALL),
    rule_of("POST",   "/v1/partner/bays", RUNNING),
    rule_of("PATCH",  "/v1/partner/bays/{id}", RUNNING),
    rule_of("GET",    "/v1/partner/schedule", ALL),
    rule_of("PUT",    "/v1/partner/schedule", RUNNING),
    rule_of("GET",    "/v1/partner/special-days", ALL),
    rule_of("PUT",    "/v1/partner/special-days/{date}", RUNNING),
    rule_of("DELETE", "/v1/partner/special-days/{date}", RUNNING),
    rule_of("POST",   "/v1/partner/pause", SERVING),
    rule_of("POST",   "/v1/partner/close-today", SERVING),
    rule_of("POST",   "/v1/partner/resume", SERVING),
    rule_of("GET",    "/v1/partner/calendar", ALL),
    rule_of("GET",    "/v1/partner/blocks", ALL),
    rule_of("POST",   "/v1/partner/blocks", SERVING),
    rule_of("DELETE", "/v1/partner/blocks/{id}", SERVING),
    rule_of("POST",   "/v1/partner/calendar-feed", RUNNING),
    rule_of("DELETE", "/v1/partner/calendar-feed", RUNNING),
    rule_of("GET",    "/v1/partner/staff", RUNNING),
    rule_of("POST",   "/v1/partner/staff", RUNNING),
    rule_of("PUT",    "/v1/partner/staff/{person_id}", RUNNING),
    rule_of("DELETE", "/v1/partner/staff/{person_id}", RUNNING),
    rule_of("GET",    "/v1/partner/invitations", RUNNING),
    rule_of("DELETE", "/v1/partner/invitations/{id}", RUNNING),
    rule_of("GET",    "/v1/partner/orders", ALL),
    rule_of("GET",    "/v1/partner/orders/{id}", ALL),
    rule_of("POST",   "/v1/partner/orders/{id}/accept", SERVING),
    rule_of("POST",   "/v1/partner/orders/{id}/decline", SERVING),
    rule_of("POST",   "/v1/partner/orders/{id}/extend", SERVING),
    rule_of("POST",   "/v1/partner/orders/{id}/admit", SERVING),
    rule_of("PATCH",  "/v1/partner/orders/{id}/services", SERVING),
    rule_of("POST",   "/v1/partner/orders/{id}/complete", SERVING),
    rule_of("POST",   "/v1/partner/orders/{id}/cancel", SERVING),
    rule_of("POST",   "/v1/partner/orders/{id}/no-show", SERVING),
    rule_of("POST",   "/v1/partner/orders/{id}/not-here", SERVING),
    rule_of("POST",   "/v1/partner/orders/{id}/add-ons/{proposal}/accept", SERVING),
    rule_of("POST",   "/v1/partner/orders/{id}/add-ons/{proposal}/decline", SERVING),
    rule_of("POST",   "/v1/partner/orders/{id}/reschedule", SERVING),
    rule_of("POST",   "/v1/partner/orders/{id}/reschedule/{proposal}/accept", SERVING),
    rule_of("POST",   "/v1/partner/orders/{id}/reschedule/{proposal}/decline", SERVING),
    rule_of("GET",    "/v1/partner/balance", RUNNING),
    rule_of("GET",    "/v1/partner/statement", RUNNING),
    rule_of("GET",    "/v1/partner/statement.csv", RUNNING),
    rule_of("GET",    "/v1/partner/statements/{month}", RUNNING),
    rule_of("GET",    "/v1/partner/orders/{id}/charges", RUNNING),
    rule_of("GET",    "/v1/partner/bonus", RUNNING),
    rule_of("GET",    "/v1/partner/bonus/lots", RUNNING),
    rule_of("POST",   "/v1/partner/bonus/codes", RUNNING),
    rule_of("GET",    "/v1/partner/top-ups", RUNNING),
    rule_of("POST",   "/v1/partner/top-ups", RUNNING),
    rule_of("GET",    "/v1/partner/top-ups/{id}", RUNNING),
    rule_of("POST",   "/v1/partner/top-ups/{id}/refund", RUNNING),
    rule_of("GET",    "/v1/partner/payout", RUNNING),
    rule_of("PUT",    "/v1/partner/payout", RUNNING),
    rule_of("GET",    "/v1/partner/payouts", RUNNING),
    rule_of("GET",    "/v1/partner/payables", RUNNING),
    rule_of("GET",    "/v1/partner/commission", ALL),
    rule_of("GET",    "/v1/partner/sanctions", ALL),

    rule_of("POST",   "/v1/support/organisations", AFFAIRS),
    rule_of("POST",   "/v1/support/partners", AFFAIRS),
    rule_of("GET",    "/v1/support/partners/{id}", CASES),
    rule_of("POST",   "/v1/support/partners/{id}/credits", AFFAIRS),
    rule_of("POST",   "/v1/support/partners/{id}/unlock", AFFAIRS),
    rule_of("GET",    "/v1/support/acts", AFFAIRS),
    rule_of("GET",    "/v1/support/stray-payments", CASES),
    rule_of("POST",   "/v1/support/stray-payments/{id}/close", AFFAIRS),
    rule_of("GET",    "/v1/support/orders/{id}", CASES),
    rule_of("POST",   "/v1/support/orders/{id}/adjust", CASES),
    rule_of("GET",    "/v1/support/policy", CASES),
    rule_of("POST",   "/v1/support/policy", AFFAIRS),
    rule_of("GET",    "/v1/support/policy/versions", CASES),
    rule_of("GET",    "/v1/support/policy/versions/{version}", CASES),
    rule_of("GET",    "/v1/support/policy/check", CASES),
    rule_of("POST",   "/v1/support/policy/check", CASES),
    rule_of("POST",   "/v1/support/policy/rehearsals", AFFAIRS),
    rule_of("GET",    "/v1/support/proof", CASES),
    rule_of("GET",    "/v1/support/outages", CASES),
    rule_of("GET",    "/v1/support/statistics/events", CASES),
    rule_of("GET",    "/v1/support/penalties", CASES),
    rule_of("GET",    "/v1/support/penalties/{id}", CASES),
    rule_of("POST",   "/v1/support/penalties/{id}/payments", AFFAIRS),
    rule_of("POST",   "/v1/support/penalties/{id}/reject", CASES),
    rule_of("POST",   "/v1/support/penalties/{id}/waive", CASES),
    rule_of("POST",   "/v1/support/penalties/{id}/reinstate", CASES),
    rule_of("POST",   "/v1/support/bonuses", AFFAIRS),
    rule_of("GET",    "/v1/support/clients/{id}/bonus", CASES),
    rule_of("GET",    "/v1/support/partners/{id}/bonus", CASES),
    rule_of("GET",    "/v1/support/campaigns", CASES),
    rule_of("POST",   "/v1/support/campaigns", AFFAIRS),
    rule_of("POST",   "/v1/support/campaigns/{id}/grants", AFFAIRS),
    rule_of("POST",   "/v1/support/payments/{id}/refunded", AFFAIRS),
    rule_of("POST",   "/v1/support/partners/{id}/voen", AFFAIRS),
    rule_of("GET",    "/v1/support/payables", CASES),
    rule_of("POST",   "/v1/support/payables/{id}/release", AFFAIRS),
    rule_of("POST",   "/v1/support/payables/{id}/refuse", AFFAIRS),
    rule_of("GET",    "/v1/support/payouts", CASES),
    rule_of("GET",    "/v1/support/payouts/{id}/account", AFFAIRS),
    rule_of("POST",   "/v1/support/payouts/{id}/paid", AFFAIRS),
    rule_of("GET",    "/v1/support/sanctions", CASES),
    rule_of("POST",   "/v1/support/sanctions", AFFAIRS),
    rule_of("POST",   "/v1/support/sanctions/{id}/lift", AFFAIRS),
    rule_of("POST",   "/v1/support/sanctions/{id}/lift-address", AFFAIRS),
];

/// May staff in this role see what the branch earns, owes and is charged (ACC-4)?
#[must_use]
pub fn sees_money(role: StaffRole) -> bool {
    match role {
        Owner | Manager => true,
        Operator | Viewer => false,
    }
}

/// The rule of a route, by its method and template.
#[must_use]
pub fn rule(method: &str, path: &str) -> Option<&'static RouteRule> {
    TABLE.iter().find(|rule| rule.method == method && same_path(rule.path, path))
}

impl RouteRule {
    /// The role in which this principal may proceed; staff act for the named branch, or for their
    /// only one.
    ///
    /// # Errors
    /// `forbidden`; `branch_required` when the person works for several and named none.
    pub fn permits(
        &self,
        principal: &Principal,
        branch: Option<PartnerId>,
    ) -> Result<Permit, Refusal> {
        match self.who {
            Who::Open => Ok(Permit::Open),
            Who::SignedIn => Ok(Permit::SignedIn),
            Who::Client => Ok(Permit::Client),
            Who::Staff(roles) => {
                let (id, role) = branch_of(principal, branch)?;
                let listed = roles.contains(&role);
                listed.then_some(Permit::Staff(id, role)).ok_or(Refusal::Forbidden)
            }
            Who::Support(least) => {
                let role = principal.support.filter(|role| *role >= least);
                role.map(Permit::Support).ok_or(Refusal::Forbidden)
            }
        }
    }
}

fn branch_of(
    principal: &Principal,
    named: Option<PartnerId>,
) -> Result<(PartnerId, StaffRole), Refusal> {
    if let Some(id) = named {
        return principal.role_at(id).map(|role| (id, role)).ok_or(Refusal::Forbidden);
    }
    match principal.branches.as_slice() {
        [] => Err(Refusal::Forbidden),
        [only] => Ok(*only),
        _ => Err(Refusal::BranchRequired),
    }
}

fn same_path(a: &str, b: &str) -> bool {
    let same = |(a, b): (&str, &str)| a == b || (a.starts_with('{') && b.starts_with('{'));
    a.split('/').count() == b.split('/').count() && a.split('/').zip(b.split('/')).all(same)
}

#[cfg(test)]
mod tests {
    use entity::value::{PersonId, SessionId};

    use super::*;

    fn principal(branches: Vec<(PartnerId, StaffRole)>, support: Option<SupportRole>) -> Principal {
        Principal {
            person_id: PersonId::new(),
            session_id: SessionId::new(),
            branches,
            support,
            expires_at: chrono::DateTime::UNIX_EPOCH,
            address: None,
        }
    }

    fn may(method: &str, path: &str, who: &Principal) -> Result<Permit, Refusal> {
        rule(method, path).unwrap().permits(who, None)
    }

    #[test]
    fn no_route_has_two_rules() {
        for (n, one) in TABLE.iter().enumerate() {
            let found =
                TABLE.iter().position(|r| r.method == one.method && same_path(r.path, one.path));
            assert_eq!(found, Some(n), "{} {}", one.method, one.path);
        }
    }

    #[test]
    fn areas_keep_to_their_people() {
        for rule in TABLE {
            let right = match rule.path.split('/').nth(2) {
                Some("client") => rule.who == Who::Client,
                Some("partner") => matches!(rule.who, Who::Staff(_)),
                Some("support") => matches!(rule.who, Who::Support(_)),
                Some("feed") => rule.who == Who::SignedIn,
                _ => matches!(rule.who, Who::Open | Who::SignedIn),
            };
            assert!(right, "{} {}", rule.method, rule.path);
        }
    }

    #[test]
    fn a_viewer_only_reads_and_sees_no_money() {
        for rule in TABLE {
            let Who::Staff(roles) = rule.who else { continue };
            let money = rule.path.ends_with("balance") || rule.path.ends_with("statement");
            let viewer = roles.contains(&Viewer);
            assert!(!viewer || (rule.method == "GET" && !money), "{} {}", rule.method, rule.path);
            assert!(roles.contains(&Owner) && roles.contains(&Manager), "{}", rule.path);
        }
    }

    #[test]
    fn staff_act_for_their_only_branch_or_the_one_they_name() {
        let (one, two) = (PartnerId::new(), PartnerId::new());
        let accept = rule("POST", "/v1/partner/orders/{order_id}/accept").unwrap();
        let single = principal(vec![(one, Operator)], None);
        assert_eq!(accept.permits(&single, None), Ok(Permit::Staff(one, Operator)));
        assert_eq!(accept.permits(&single, Some(two)), Err(Refusal::Forbidden));
        let both = principal(vec![(one, Operator), (two, Viewer)], None);
        assert_eq!(accept.permits(&both, None), Err(Refusal::BranchRequired));
        assert_eq!(accept.permits(&both, Some(one)), Ok(Permit::Staff(one, Operator)));
        assert_eq!(accept.permits(&both, Some(two)), Err(Refusal::Forbidden));
        assert_eq!(may("GET", "/v1/partner/balance", &single), Err(Refusal::Forbidden));
    }

    #[test]
    fn each_support_role_may_what_the_ones_below_may() {
        let nobody = principal(Vec::new(), None);
        let manager = principal(Vec::new(), Some(SupportRole::Manager));
        let owner = principal(Vec::new(), Some(SupportRole::Owner));
        let credits = "/v1/support/partners/{id}/credits";
        assert_eq!(may("GET", "/v1/support/proof", &nobody), Err(Refusal::Forbidden));
        assert!(may("GET", "/v1/support/proof", &manager).is_ok());
        assert_eq!(may("POST", credits, &manager), Err(Refusal::Forbidden));
        assert!(may("POST", credits, &owner).is_ok());
        assert!(rule("POST", "/v1/support/nothing").is_none());
    }
}
