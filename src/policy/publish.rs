//! Publishing of the next policy version: the only writer of versions after the first.

use chrono::{SubsecRound as _, TimeDelta};
use entity::kinds::{CommandName, EventKind, SupportQueue};
use entity::policy_version;
use entity::support_agent::{self, SupportRole};
use entity::value::{EventId, Instant, Money};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::Refusal;
use super::check::{self, Finding};
use super::draft::{self, Changed, Changes};
use super::read::{self, VersionView};
use super::watch::TOPIC;
use crate::context::{Context, Tx};
use platform::codes::given;
use platform::engine::audit::{self, AuditedAct};
use platform::engine::write_set::Unique;
use platform::{Audience, Command, CommandError, Fault};

/// Publishes the next version.
pub struct Publish {
    /// The changes to the newest version.
    pub changes: Changes,
    /// When it comes into force; at once where it is not given.
    pub effective_at: Option<Instant>,
    /// The reason.
    pub reason: String,
}

/// A published version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Published {
    /// The version.
    #[serde(flatten)]
    pub version: VersionView,
    /// The keys it changes.
    pub changed: Vec<Changed>,
    /// The warnings of the check.
    pub warnings: Vec<Finding>,
}

/// How many days ahead a version may come into force; no version can come into force before a
/// published one.
const AHEAD_MAX_DAYS: i64 = 366;

impl Command<Context> for Publish {
    type Answer = Published;
    const NAME: CommandName = CommandName::PublishPolicy;

    async fn run(&self, tx: &mut Tx) -> Result<Published, CommandError> {
        let reason = given(&self.reason)?.to_owned();
        let newest = read::newest(tx.db()).await?;
        let effective_at = self.effective_at.map_or(tx.now(), |at| at.trunc_subsecs(6));
        if effective_at < tx.now() {
            return Err(Refusal::Past.into());
        }
        let until = tx.now() + TimeDelta::days(AHEAD_MAX_DAYS);
        if effective_at > until {
            return Err(Refusal::TooFar.refused().with("until", until).into());
        }
        if effective_at < newest.effective_at {
            let no = Refusal::OutOfOrder.refused().with("effective_at", newest.effective_at);
            return Err(no.into());
        }
        let before = read::body(&newest)?;
        let draft = draft::put(before.clone(), &self.changes)?;
        let changed = draft::changed(&before, &draft.body);
        if changed.is_empty() {
            return Err(Refusal::Unchanged.into());
        }
        only_an_owner(tx, &changed).await?;
        let findings = check::check(&draft.keys, tx.now().date_naive());
        if check::broken(&findings) {
            return Err(Refusal::Broken.refused().with("findings", findings).into());
        }
        let body = toml::to_string(&draft.body);
        let row = policy_version::Model {
            version: newest.version + 1,
            body: body.map_err(|error| Fault::Other(format!("TOML: {error}")))?,
            effective_at,
            published_at: tx.now(),
            published_by: tx.by().person_id,
            reason: Some(reason.clone()),
        };
        tx.insert(row.clone());
        // Of two concurrent commands the second runs again on the version of the first.
        tx.unique(Unique {
            name: "policy_version_pkey",
            columns: "policy_version.version",
            refusal: Refusal::OutOfOrder.refused(),
            choose_again: true,
        });
        record(tx, row.version, &reason, &changed).await?;
        let published = Published { version: row.into(), changed, warnings: findings };
        let (kind, id) = (EventKind::SupportPolicyPublished, EventId::new());
        tx.emit(&Audience::Support(SupportQueue::Policy), kind, None, id, &published)?;
        tx.wake(TOPIC.to_owned());
        Ok(published)
    }
}

/// The section with the limits on what each role of support may move.
const BOUNDS: &str = "support.";

/// Support people may not change their own limits (SUP-4).
async fn only_an_owner(tx: &mut Tx, changed: &[Changed]) -> Result<(), CommandError> {
    let bound = changed.iter().find(|one| one.key.starts_with(BOUNDS));
    let (Some(bound), Some(person_id)) = (bound, tx.by().person_id) else { return Ok(()) };
    let agent = tx.find::<support_agent::Entity>(person_id).await?;
    if agent.is_some_and(|agent| agent.role == SupportRole::Owner) {
        return Ok(());
    }
    Err(Refusal::OwnersOnly.refused().with("key", &bound.key).into())
}

async fn record(
    tx: &mut Tx,
    version: i32,
    reason: &str,
    changed: &[Changed],
) -> Result<(), CommandError> {
    let of = |side: fn(&Changed) -> &serde_json::Value| {
        let cells = changed.iter().map(|one| (one.key.clone(), side(one).clone()));
        serde_json::Value::Object(cells.collect())
    };
    let act = AuditedAct {
        kind: "publish_policy",
        subject: ("policy", Uuid::from_u128(u128::from(version.unsigned_abs()))),
        amount: Money::ZERO,
        reason,
        before: of(|one| &one.before),
        after: of(|one| &one.after),
    };
    let place = audit::place(tx, act.subject.1).await?;
    audit::record(tx, place, act).await
}
