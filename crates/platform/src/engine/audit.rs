//! The audit log of what support does, written in the transaction of the act itself (SUP-2).
//!
//! Rows are only added; the database refuses to change one. Acts are numbered by actor and by
//! subject, so whatever was read of earlier acts still holds when this one lands: of two that read
//! the same, one lands and the other is decided anew. Within a node acts that would take the same
//! number wait for their turn, so many at once do not make each other run again.

use std::net::IpAddr;

use entity::audit_act::{Column, Entity, Model};
use entity::support_agent;
use entity::value::{ActId, Instant, Money, PersonId, SealedColumn};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QuerySelect as _};
use serde_json::Value;
use uuid::Uuid;

use super::transaction::Tx;
use super::turns::Sequence;
use super::write_set::Unique;
use crate::refusal::{CommandError, Fault, Refused};

/// One act.
pub struct AuditedAct<'a> {
    /// What is done, in the imperative.
    pub kind: &'static str,
    /// The type and id of what it is done to.
    pub subject: (&'static str, Uuid),
    /// The amount it moves or permits to be moved; zero where it moves nothing.
    pub amount: Money,
    /// Why, in the words of the person who acts.
    pub reason: &'a str,
    /// The state it changes, before; personal data sealed.
    pub before: Value,
    /// The same state, after.
    pub after: Value,
}

/// The numbers an act will have. A command takes them before it reads anything the act rests on, so
/// an act that commits in between uses the same numbers and the second commit is refused.
#[derive(Clone, Copy, Debug)]
pub struct ActNumbers {
    actor_n: i64,
    subject_n: i64,
}

/// Takes the next numbers of whoever acts and of the subject: once in a command.
///
/// # Errors
/// `contended` when too many act at once; a fault when the database fails.
pub async fn place<X: Send + Sync + 'static>(
    tx: &mut Tx<X>,
    subject_id: Uuid,
) -> Result<ActNumbers, CommandError> {
    tx.turn(Sequence::Actor(actor(tx))).await?;
    tx.turn(Sequence::Subject(subject_id)).await?;
    let actor_n = next(tx, Column::Actor, Column::ActorN, actor(tx)).await?;
    let subject_n = next(tx, Column::SubjectId, Column::SubjectN, subject_id).await?;
    Ok(ActNumbers { actor_n, subject_n })
}

/// The person who acts; the nil id where there is none.
fn actor<X: Send + Sync + 'static>(tx: &Tx<X>) -> Uuid {
    tx.by().person_id.map_or(Uuid::nil(), |id| id.0)
}

/// Puts the record of an act into the write set; at most once in a command.
///
/// # Errors
/// A fault when the database fails.
pub async fn record<X: Send + Sync + 'static>(
    tx: &mut Tx<X>,
    place: ActNumbers,
    act: AuditedAct<'_>,
) -> Result<(), CommandError> {
    let by = tx.by();
    let actor = actor(tx);
    let role = match by.person_id {
        Some(id) => tx.find::<support_agent::Entity>(id).await?,
        None => None,
    };
    let role = role.map(|agent| format!("{:?}", agent.role).to_lowercase());
    let keys = tx.keys();
    let id = ActId::new();
    let sealed = |address: IpAddr| keys.seal(SealedColumn::AuditAddress, id, &address.to_string());
    let address = by.address.map(sealed).transpose()?;
    let (subject_kind, subject_id) = act.subject;
    let row = Model {
        id,
        at: tx.now(),
        actor_kind: by.actor,
        actor,
        actor_n: place.actor_n,
        role,
        session_id: by.session_id,
        address,
        act: act.kind.to_owned(),
        subject_kind: subject_kind.to_owned(),
        subject_id,
        subject_n: place.subject_n,
        amount: Money(act.amount.0.abs()),
        reason: act.reason.to_owned(),
        before: act.before,
        after: act.after,
    };
    tx.insert(row);
    taken(tx, "audit_act_actor", "audit_act.actor, audit_act.actor_n");
    taken(tx, "audit_act_subject", "audit_act.subject_id, audit_act.subject_n");
    Ok(())
}

/// If another command used this number first, the command runs again.
fn taken<X: Send + Sync + 'static>(tx: &mut Tx<X>, name: &'static str, columns: &'static str) {
    let refusal: Refused = crate::codes::General::Busy.refused();
    tx.unique(Unique { name, columns, refusal, choose_again: true });
}

async fn next<X: Send + Sync + 'static>(
    tx: &Tx<X>,
    of: Column,
    number: Column,
    id: Uuid,
) -> Result<i64, CommandError> {
    let newest: Vec<Option<i64>> = Entity::find()
        .select_only()
        .column_as(number.max(), "newest")
        .filter(of.eq(id))
        .into_tuple()
        .all(tx.db())
        .await?;
    Ok(newest.into_iter().next().flatten().unwrap_or(0) + 1)
}

/// The sum of what a person's acts have moved since then.
///
/// # Errors
/// A fault when the database fails.
pub async fn moved<X: Send + Sync + 'static>(
    tx: &Tx<X>,
    person_id: PersonId,
    since: Instant,
) -> Result<Money, CommandError> {
    let sum: Vec<i64> = Entity::find()
        .select_only()
        .column_as(Expr::cust("CAST(coalesce(sum(\"amount\"), 0) AS bigint)"), "moved")
        .filter(Column::Actor.eq(person_id.0))
        .filter(Column::At.gt(since))
        .into_tuple()
        .all(tx.db())
        .await?;
    let none = || Fault::Other("a sum has no row".to_owned());
    Ok(Money(sum.into_iter().next().ok_or_else(none)?))
}

/// The newest act of this kind and amount about a subject since then.
///
/// # Errors
/// A fault when the database fails.
pub async fn same<X: Send + Sync + 'static>(
    tx: &Tx<X>,
    kind: &str,
    subject_id: Uuid,
    amount: Money,
    since: Instant,
) -> Result<Option<Model>, CommandError> {
    let rows = Entity::find()
        .filter(Column::SubjectId.eq(subject_id))
        .filter(Column::Act.eq(kind))
        .filter(Column::Amount.eq(amount))
        .filter(Column::At.gt(since));
    Ok(rows.all(tx.db()).await?.into_iter().max_by_key(|row| row.subject_n))
}
