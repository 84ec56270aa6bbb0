//! The principal: who a request comes from, and their roles in the database now (ACC-4).

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hasher as _};
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::DateTime;
use entity::staff::StaffRole;
use entity::support_agent::SupportRole;
use entity::value::{Actor, Instant, PartnerId, PersonId, SessionId};
use entity::{session, staff, support_agent};
use moka::sync::Cache;
use sea_orm::{
    ColumnTrait as _, DbErr, EntityTrait as _, JoinType, QueryFilter as _, QueryOrder as _,
    QuerySelect as _,
};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::TryRecvError;

use super::token::Claims;
use crate::access::people::staff::with_organisations;
use crate::access::{AccessSettings, Refusal};
use crate::context::Engine;
use platform::bus::{Bus, Wake};
use platform::crypto::Keys;
use platform::db::pool::Pool;
use platform::{Audience, By, CommandError};

/// How long a cached entry is used where no wake-up arrives.
const REMEMBERED: Duration = Duration::from_secs(5);
/// Most sessions, and most people, cached.
const REMEMBERED_MAX: u64 = 100_000;

/// A signed-in person on a device, with their roles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// The person.
    pub person_id: PersonId,
    /// The device's session.
    pub session_id: SessionId,
    /// The branches the person works for, with the role at each.
    pub branches: Vec<(PartnerId, StaffRole)>,
    /// The person's support role, if any.
    pub support: Option<SupportRole>,
    /// When the presented token expires.
    pub expires_at: Instant,
    /// The network address of the request, where that is known.
    pub address: Option<IpAddr>,
}

impl Principal {
    /// The person acting in one of their roles.
    #[must_use]
    pub fn by(&self, actor: Actor) -> By {
        let by = By::person(actor, self.person_id, self.session_id);
        By { address: self.address, ..by }
    }

    /// The person's role at a branch.
    #[must_use]
    pub fn role_at(&self, partner_id: PartnerId) -> Option<StaffRole> {
        self.branches.iter().find(|(id, _)| *id == partner_id).map(|(_, role)| *role)
    }

    /// May the person subscribe to this audience's feed?
    #[must_use]
    pub fn hears(&self, audience: &Audience) -> bool {
        match audience {
            Audience::Client(person_id) => *person_id == self.person_id,
            Audience::Branch(partner_id) => self.role_at(*partner_id).is_some(),
            Audience::Support(_) => self.support.is_some(),
        }
    }
}

/// The roles of a person.
#[derive(Debug)]
struct Roles {
    branches: Vec<(PartnerId, StaffRole)>,
    support: Option<SupportRole>,
}

/// The signed-in people: turns tokens and tickets into principals.
///
/// Sessions and roles are cached for a few seconds. Each lookup first applies the wake-ups received
/// by then, so a revocation takes effect on its own node with the answer to it, and on the others
/// with the wake-up.
pub struct Sessions {
    pub(in crate::access) keys: Arc<Keys>,
    pub(in crate::access) settings: AccessSettings,
    wakes: Mutex<broadcast::Receiver<Wake>>,
    /// Raised by each invalidation, so that what was read before it is not cached after it.
    forgotten: AtomicU64,
    devices: Cache<SessionId, Option<PersonId>>,
    people: Cache<PersonId, Arc<Roles>>,
}

impl Sessions {
    /// Subscribes to the wake-ups of this bus.
    #[must_use]
    pub fn new(settings: AccessSettings, keys: Arc<Keys>, bus: &dyn Bus) -> Self {
        let wakes = Mutex::new(bus.listen());
        let devices = Cache::builder().max_capacity(REMEMBERED_MAX).time_to_live(REMEMBERED);
        let people = Cache::builder().max_capacity(REMEMBERED_MAX).time_to_live(REMEMBERED);
        Self {
            keys,
            settings,
            wakes,
            forgotten: AtomicU64::new(0),
            devices: devices.build(),
            people: people.build(),
        }
    }

    /// The principal of an access token.
    ///
    /// # Errors
    /// `unauthenticated`, `token_expired`, `session_ended`.
    pub async fn authenticate(
        &self,
        engine: &Engine,
        bearer: &str,
    ) -> Result<Arc<Principal>, CommandError> {
        let claims = Claims::read(&self.keys, bearer, engine.shared().clock.now())?;
        let expires_at = DateTime::from_timestamp(claims.exp, 0).ok_or(Refusal::Unauthenticated)?;
        self.principal(engine, claims.sid, expires_at).await
    }

    /// The same principal with the current roles: for a connection that outlives its first request.
    ///
    /// # Errors
    /// `token_expired`, `session_ended`.
    pub async fn renewed(
        &self,
        engine: &Engine,
        principal: &Principal,
    ) -> Result<Arc<Principal>, CommandError> {
        if engine.shared().clock.now() >= principal.expires_at {
            return Err(Refusal::TokenExpired.into());
        }
        self.principal(engine, principal.session_id, principal.expires_at).await
    }

    /// The same principal with the current roles, even if its token has expired: for a socket,
    /// which is given time to renew it.
    ///
    /// # Errors
    /// `session_ended`.
    pub async fn standing(
        &self,
        engine: &Engine,
        principal: &Principal,
    ) -> Result<Arc<Principal>, CommandError> {
        self.principal(engine, principal.session_id, principal.expires_at).await
    }

    /// Drops what is cached of this principal.
    pub fn forget(&self, principal: &Principal) {
        self.forgotten.fetch_add(1, Ordering::SeqCst);
        self.devices.invalidate(&principal.session_id);
        self.people.invalidate(&principal.person_id);
    }

    pub(in crate::access) async fn principal(
        &self,
        engine: &Engine,
        session_id: SessionId,
        expires_at: Instant,
    ) -> Result<Arc<Principal>, CommandError> {
        self.hear();
        let remembered = match self.devices.get(&session_id) {
            Some(None) => return Err(Refusal::SessionEnded.into()),
            Some(Some(person_id)) => self.people.get(&person_id).map(|roles| (person_id, roles)),
            None => None,
        };
        let (person_id, roles) = match remembered {
            Some(found) => found,
            None => self.look(&engine.shared().db.read, session_id).await?,
        };
        Ok(Arc::new(Principal {
            person_id,
            session_id,
            branches: roles.branches.clone(),
            support: roles.support,
            expires_at,
            address: None,
        }))
    }

    async fn look(
        &self,
        db: &Pool,
        session_id: SessionId,
    ) -> Result<(PersonId, Arc<Roles>), CommandError> {
        let before = self.forgotten.load(Ordering::SeqCst);
        let found = read(db, session_id).await?.map(|(id, roles)| (id, Arc::new(roles)));
        self.devices.insert(session_id, found.as_ref().map(|(id, _)| *id));
        if let Some((person_id, roles)) = &found {
            self.people.insert(*person_id, Arc::clone(roles));
        }
        self.hear();
        if self.forgotten.load(Ordering::SeqCst) != before {
            self.devices.invalidate(&session_id);
            if let Some((person_id, _)) = &found {
                self.people.invalidate(person_id);
            }
        }
        found.ok_or(Refusal::SessionEnded.into())
    }

    /// Drops what the bus reports as changed.
    fn hear(&self) {
        let mut wakes = self.wakes.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            match wakes.try_recv() {
                Ok(wake) => wake.topics.iter().for_each(|topic| self.heard(topic)),
                Err(TryRecvError::Lagged(_)) => self.heard("*"),
                Err(TryRecvError::Empty | TryRecvError::Closed) => return,
            }
        }
    }

    fn heard(&self, topic: &str) {
        match topic.split_once(':') {
            Some(("session", id)) => {
                self.forgotten.fetch_add(1, Ordering::SeqCst);
                id.parse::<SessionId>().iter().for_each(|id| self.devices.invalidate(id));
            }
            Some(("person", id)) => {
                self.forgotten.fetch_add(1, Ordering::SeqCst);
                id.parse::<PersonId>().iter().for_each(|id| self.people.invalidate(id));
            }
            None if topic == "*" => {
                self.forgotten.fetch_add(1, Ordering::SeqCst);
                self.devices.invalidate_all();
                self.people.invalidate_all();
            }
            _ => {}
        }
    }
}

/// For each of these sessions that has not ended, a number that changes whenever the roles of its
/// person change anywhere.
///
/// # Errors
/// When the database fails.
pub async fn standing_of(
    db: &Pool,
    sessions: &[SessionId],
) -> Result<HashMap<SessionId, u64>, DbErr> {
    let works = session::Entity::belongs_to(staff::Entity)
        .from(session::Column::PersonId)
        .to(staff::Column::PersonId);
    let supports = session::Entity::belongs_to(support_agent::Entity)
        .from(session::Column::PersonId)
        .to(support_agent::Column::PersonId);
    let rows: Vec<Standing> = session::Entity::find()
        .select_only()
        .column(session::Column::Id)
        .column(staff::Column::PartnerId)
        .column_as(staff::Column::Role, "staff_role")
        .column_as(support_agent::Column::Role, "support_role")
        .join(JoinType::LeftJoin, works.into())
        .join(JoinType::LeftJoin, supports.into())
        .filter(session::Column::Id.is_in(sessions.iter().copied()))
        .filter(session::Column::EndedAt.is_null())
        .order_by_asc(staff::Column::PartnerId)
        .into_tuple()
        .all(db)
        .await?;
    let mut standing: HashMap<SessionId, DefaultHasher> = HashMap::new();
    for (id, partner, role, support) in rows {
        let roles = format!("{partner:?} {role:?} {support:?};");
        standing.entry(id).or_default().write(roles.as_bytes());
    }
    Ok(standing.into_iter().map(|(id, hasher)| (id, hasher.finish())).collect())
}

type Standing = (SessionId, Option<PartnerId>, Option<StaffRole>, Option<SupportRole>);

type Row = (PersonId, Option<PartnerId>, Option<StaffRole>, Option<SupportRole>);

/// Reads session, staff and support in one round trip; an owner needs a second one, for the other
/// branches.
async fn read(db: &Pool, session_id: SessionId) -> Result<Option<(PersonId, Roles)>, DbErr> {
    let works = session::Entity::belongs_to(staff::Entity)
        .from(session::Column::PersonId)
        .to(staff::Column::PersonId);
    let supports = session::Entity::belongs_to(support_agent::Entity)
        .from(session::Column::PersonId)
        .to(support_agent::Column::PersonId);
    let rows: Vec<Row> = session::Entity::find()
        .select_only()
        .column(session::Column::PersonId)
        .column(staff::Column::PartnerId)
        .column_as(staff::Column::Role, "staff_role")
        .column_as(support_agent::Column::Role, "support_role")
        .join(JoinType::LeftJoin, works.into())
        .join(JoinType::LeftJoin, supports.into())
        .filter(session::Column::Id.eq(session_id))
        .filter(session::Column::EndedAt.is_null())
        .into_tuple()
        .all(db)
        .await?;
    let Some((person_id, _, _, support)) = rows.first().copied() else { return Ok(None) };
    let own = rows.into_iter().filter_map(|(_, partner, role, _)| partner.zip(role)).collect();
    let branches = with_organisations(db, own).await?;
    Ok(Some((person_id, Roles { branches, support })))
}
