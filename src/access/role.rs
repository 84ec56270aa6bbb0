//! Permissions: the groups of people that something is open to, and whether a caller belongs to one
//! (ACC-4, SUP-4).
//!
//! What is open to whom is declared beside each handler. Which order or branch a caller may act on
//! is checked by the command.

use entity::staff::StaffRole::{self, Manager, Operator, Owner, Viewer};
use entity::support_agent::SupportRole;
use entity::value::PartnerId;

use super::{Principal, Refusal};

/// Who may call something.
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

impl Who {
    /// The staff of a branch, in any role.
    pub const ANY_STAFF: Self = Self::Staff(&[Owner, Manager, Operator, Viewer]);
    /// Staff who serve clients.
    pub const SERVING: Self = Self::Staff(&[Owner, Manager, Operator]);
    /// Staff who run the branch.
    pub const RUNNING: Self = Self::Staff(&[Owner, Manager]);
    /// Support people who handle cases.
    pub const CASES: Self = Self::Support(SupportRole::Manager);
    /// Support people who decide about partners, money and the policy.
    pub const AFFAIRS: Self = Self::Support(SupportRole::Administrator);

    /// The role in which this principal may proceed; staff act for the named branch, or for their
    /// only one.
    ///
    /// # Errors
    /// `forbidden`; `branch_required` when the person works for several and named none.
    pub fn permits(
        self,
        principal: &Principal,
        branch: Option<PartnerId>,
    ) -> Result<Permit, Refusal> {
        match self {
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

/// May staff in this role see what the branch earns, owes and is charged (ACC-4)?
#[must_use]
pub fn sees_money(role: StaffRole) -> bool {
    match role {
        Owner | Manager => true,
        Operator | Viewer => false,
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

    #[test]
    fn staff_act_for_their_only_branch_or_the_one_they_name() {
        let (one, two) = (PartnerId::new(), PartnerId::new());
        let accept = Who::SERVING;
        let single = principal(vec![(one, Operator)], None);
        assert_eq!(accept.permits(&single, None), Ok(Permit::Staff(one, Operator)));
        assert_eq!(accept.permits(&single, Some(two)), Err(Refusal::Forbidden));
        let both = principal(vec![(one, Operator), (two, Viewer)], None);
        assert_eq!(accept.permits(&both, None), Err(Refusal::BranchRequired));
        assert_eq!(accept.permits(&both, Some(one)), Ok(Permit::Staff(one, Operator)));
        assert_eq!(accept.permits(&both, Some(two)), Err(Refusal::Forbidden));
        assert_eq!(Who::RUNNING.permits(&single, None), Err(Refusal::Forbidden));
    }

    #[test]
    fn each_support_role_may_what_the_ones_below_may() {
        let nobody = principal(Vec::new(), None);
        let manager = principal(Vec::new(), Some(SupportRole::Manager));
        let owner = principal(Vec::new(), Some(SupportRole::Owner));
        assert_eq!(Who::CASES.permits(&nobody, None), Err(Refusal::Forbidden));
        assert!(Who::CASES.permits(&manager, None).is_ok());
        assert_eq!(Who::AFFAIRS.permits(&manager, None), Err(Refusal::Forbidden));
        assert!(Who::AFFAIRS.permits(&owner, None).is_ok());
    }
}
