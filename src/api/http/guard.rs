//! Guards: extractors that check the caller's permission.
//!
//! A handler that takes one is called only if what it declares permits the caller.

use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage as _, HttpRequest, web};
use entity::staff::StaffRole;
use entity::support_agent::SupportRole;
use entity::value::{Actor, PartnerId, PersonId};
use serde::Deserialize;

use super::auth::tokens::{address, bearer};
use super::problem::{Problem, malformed};
use super::redact::NoMoney;
use super::routes::{Matched, Route};
use crate::access::role::{self, Permit};
use crate::access::{Principal, Refusal};
use crate::api::Edge;
use platform::{By, Fault};

type Asking<T> = Pin<Box<dyn Future<Output = Result<T, Problem>>>>;

/// Anyone who is signed in.
pub struct SignedIn(pub Arc<Principal>);

impl SignedIn {
    /// The person.
    #[must_use]
    pub fn person_id(&self) -> PersonId {
        self.0.person_id
    }

    /// The actor: the person themselves.
    #[must_use]
    pub fn by(&self) -> By {
        self.0.by(Actor::Client)
    }
}

/// A client.
pub struct Client(pub Arc<Principal>);

impl Client {
    /// The person.
    #[must_use]
    pub fn person_id(&self) -> PersonId {
        self.0.person_id
    }

    /// The actor: the person as a client.
    #[must_use]
    pub fn by(&self) -> By {
        self.0.by(Actor::Client)
    }
}

/// A member of a branch's staff, in a role the route permits.
pub struct Staff {
    principal: Arc<Principal>,
    partner_id: PartnerId,
    role: StaffRole,
}

impl Staff {
    /// The branch.
    #[must_use]
    pub fn partner_id(&self) -> PartnerId {
        self.partner_id
    }

    /// The role.
    #[must_use]
    pub fn role(&self) -> StaffRole {
        self.role
    }

    /// The person.
    #[must_use]
    pub fn person_id(&self) -> PersonId {
        self.principal.person_id
    }

    /// The actor: the person as staff of the branch.
    #[must_use]
    pub fn by(&self) -> By {
        self.principal.by(Actor::Staff)
    }
}

/// A support agent, in a role the route permits.
pub struct Support {
    principal: Arc<Principal>,
    role: SupportRole,
}

impl Support {
    /// The role.
    #[must_use]
    pub fn role(&self) -> SupportRole {
        self.role
    }

    /// The person.
    #[must_use]
    pub fn person_id(&self) -> PersonId {
        self.principal.person_id
    }

    /// The actor: the person as support.
    #[must_use]
    pub fn by(&self) -> By {
        self.principal.by(Actor::Support)
    }
}

/// A guard made from what its handler's declaration permits.
trait Guard: Sized {
    fn of(principal: Arc<Principal>, permit: Permit) -> Option<Self>;
}

impl Guard for SignedIn {
    fn of(principal: Arc<Principal>, permit: Permit) -> Option<Self> {
        (permit == Permit::SignedIn).then_some(Self(principal))
    }
}

impl Guard for Client {
    fn of(principal: Arc<Principal>, permit: Permit) -> Option<Self> {
        (permit == Permit::Client).then_some(Self(principal))
    }
}

impl Guard for Staff {
    fn of(principal: Arc<Principal>, permit: Permit) -> Option<Self> {
        let Permit::Staff(partner_id, role) = permit else { return None };
        Some(Self { principal, partner_id, role })
    }
}

impl Guard for Support {
    fn of(principal: Arc<Principal>, permit: Permit) -> Option<Self> {
        let Permit::Support(role) = permit else { return None };
        Some(Self { principal, role })
    }
}

macro_rules! extract {
    ($($guard:ident),+) => {$(
        impl FromRequest for $guard {
            type Error = Problem;
            type Future = Asking<Self>;

            fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
                let asked = Asked::of(request);
                let request = request.clone();
                Box::pin(async move {
                    let (principal, permit) = asked?.permitted().await?;
                    if let Permit::Staff(_, role) = permit {
                        marked(&request, role);
                    }
                    Self::of(principal, permit).ok_or_else(|| Refusal::Forbidden.into())
                })
            }
        }
    )+};
}

extract!(SignedIn, Client, Staff, Support);

#[derive(Deserialize)]
struct BranchQuery {
    branch_id: Option<PartnerId>,
}

/// The answer to a malformed request: a caller without the permission gets that refusal first,
/// whichever error was found first.
pub(super) fn wrong(request: &HttpRequest, problem: Problem) -> Asking<Problem> {
    let asked = Asked::of(request);
    Box::pin(async move {
        asked?.permitted().await?;
        Ok(problem)
    })
}

/// Marks a request of staff who may not see amounts of money.
fn marked(request: &HttpRequest, role: StaffRole) {
    if !role::sees_money(role) {
        request.extensions_mut().insert(NoMoney);
    }
}

/// The parts of a request that decide about its permission.
struct Asked {
    edge: web::Data<Edge>,
    bearer: String,
    route: &'static Route,
    branch: Option<PartnerId>,
    address: Option<IpAddr>,
}

impl Asked {
    fn of(request: &HttpRequest) -> Result<Self, Problem> {
        let edge = request.app_data::<web::Data<Edge>>();
        let edge = edge.ok_or_else(|| Fault::Other("the edge was never shared".to_owned()))?;
        let bearer = bearer(request)?.to_owned();
        let Some(Matched(route)) = request.extensions().get::<Matched>().copied() else {
            tracing::error!(path = request.path(), "no rule says who may call this");
            return Err(Refusal::Forbidden.into());
        };
        let query = web::Query::<BranchQuery>::from_query(request.query_string());
        let branch = query.map_err(malformed)?.branch_id;
        let address = address(request, &edge.settings.http.trusted_proxies).parse().ok();
        Ok(Self { edge: edge.clone(), bearer, route, branch, address })
    }

    async fn permitted(self) -> Result<(Arc<Principal>, Permit), Problem> {
        let principal = self.edge.sessions.authenticate(&self.edge.engine, &self.bearer).await?;
        self.edge.limits.session(principal.session_id, self.route.weight.0)?;
        let permit = self.route.who.permits(&principal, self.branch)?;
        let principal = Principal { address: self.address, ..Arc::unwrap_or_clone(principal) };
        Ok((Arc::new(principal), permit))
    }
}
