//! The outbox: what has an effect outside the engine is a message, written in the transaction of
//! its cause, and a delivery for each consumer.
//!
//! A worker claims deliveries in bounded batches for the time of a lease. It marks one as done in
//! the command of its effect ([`done`]), so an effect inside this database happens exactly once; an
//! effect elsewhere happens at least once, under the message's stable id. A failed one waits longer
//! each time and is parked after [`ATTEMPTS_MAX`] attempts, with an alarm.

use std::time::Duration;

use entity::outbox_delivery::{Column, Consumer, DeliveryState, Entity, TABLE};
use entity::value::Instant;
use entity::{outbox, outbox_delivery};
use sea_orm::sea_query::{Expr, Query};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait as _, DatabaseBackend, DbErr, EntityTrait as _,
    FromQueryResult, Iterable as _, PaginatorTrait as _, QueryFilter as _, QuerySelect as _,
    Statement, Value,
};
use uuid::Uuid;

use crate::db::Db;
use crate::db::pool::Pool;
use crate::engine::transaction::Tx;
use crate::engine::write_set::RelativeUpdate;
use crate::scheduler::timers::backoff;

/// The bus topic for new messages.
pub const TOPIC: &str = "outbox";
/// Most deliveries of one claim.
pub const CLAIM_ROWS: u64 = 50;
/// After this many attempts a delivery is parked and an alarm is raised.
pub const ATTEMPTS_MAX: i32 = 10;
/// How long a worker has for a claim, in real time.
pub const LEASE: Duration = Duration::from_secs(30);
/// How long finished messages are kept, days.
pub const KEPT_DAYS: i64 = 7;
/// Longest stored error, characters.
const ERROR_MAX: usize = 500;

/// A message that a worker has claimed for a consumer.
#[derive(Clone, Debug, PartialEq)]
pub struct ClaimedMessage {
    /// For whom.
    pub consumer: Consumer,
    /// The message.
    pub message: outbox::Model,
    /// The claim.
    pub claim: Uuid,
    /// How often it has been claimed, this time included.
    pub attempts: i32,
}

#[derive(FromQueryResult)]
struct Taken {
    message_id: Uuid,
    attempts: i32,
}

/// Claims what a consumer may work on now, until the end of the lease: queued messages, and those
/// whose worker did not end in time. Two workers never claim the same message at a time.
///
/// # Errors
/// When the database fails.
pub async fn claim(
    db: &Db,
    consumer: Consumer,
    now: Instant,
    lease_until: Instant,
) -> Result<Vec<ClaimedMessage>, DbErr> {
    let claim = Uuid::new_v4();
    // `SQLite` has one writer.
    let postgres = db.backend == DatabaseBackend::Postgres;
    let skip = if postgres { " FOR UPDATE SKIP LOCKED" } else { "" };
    let sql = format!(
        "UPDATE outbox_delivery SET state = 'claimed', claim = $1, next_at = $2, \
         attempts = attempts + 1 WHERE (consumer, message_id) IN (\
         SELECT consumer, message_id FROM outbox_delivery WHERE consumer = $3 \
         AND state IN ('queued', 'claimed') AND next_at <= $4 AND attempts < $5 \
         ORDER BY next_at, message_id LIMIT $6{skip}) RETURNING message_id, attempts"
    );
    let values = [
        Value::from(claim),
        Value::from(lease_until),
        Value::from(consumer.to_string()),
        Value::from(now),
        Value::from(ATTEMPTS_MAX),
        Value::from(i64::try_from(CLAIM_ROWS).unwrap_or(i64::MAX)),
    ];
    let statement = Statement::from_sql_and_values(db.backend, sql, values);
    let mut taken = Vec::new();
    for row in db.write.query_all_raw(statement).await? {
        taken.push(Taken::from_query_result(&row, "")?);
    }
    let ids = taken.iter().map(|taken| taken.message_id);
    let messages =
        outbox::Entity::find().filter(outbox::Column::Id.is_in(ids)).all(&db.write).await?;
    let mut claimed: Vec<ClaimedMessage> = messages
        .into_iter()
        .filter_map(|message| {
            let attempts = taken.iter().find(|taken| taken.message_id == message.id)?.attempts;
            Some(ClaimedMessage { consumer, message, claim, attempts })
        })
        .collect();
    claimed.sort_by_key(|claimed| (claimed.message.created_at, claimed.message.id));
    Ok(claimed)
}

/// Marks a message as done for its consumer, in the command of its effect. The commit fails where
/// another worker has claimed it since.
pub fn done<X: Send + Sync + 'static>(tx: &mut Tx<X>, claimed: &ClaimedMessage) {
    tx.adjust(RelativeUpdate {
        table: TABLE,
        key: vec![
            ("consumer", claimed.consumer.to_string().into()),
            ("message_id", claimed.message.id.into()),
        ],
        add: Vec::new(),
        set: vec![
            ("state", DeliveryState::Done.to_string().into()),
            ("next_at", tx.now().into()),
            ("last_error", None::<String>.into()),
        ],
        also: Vec::new(),
        condition: Some(("\"state\" = 'claimed' AND \"claim\" = ?", vec![claimed.claim.into()])),
        refusal: None,
    });
}

/// Queues claimed messages again after an attempt that failed: later each time. After too many
/// attempts a message is parked with an alarm.
///
/// # Errors
/// When the database fails.
pub async fn failed(
    db: &Pool,
    claimed: &ClaimedMessage,
    now: Instant,
    why: &str,
) -> Result<(), DbErr> {
    let parked = claimed.attempts >= ATTEMPTS_MAX;
    let (state, next_at) = if parked {
        alarm(claimed.consumer, claimed.message.id, why);
        (DeliveryState::Parked, now)
    } else {
        (DeliveryState::Queued, now + backoff(claimed.attempts))
    };
    let why: String = why.chars().take(ERROR_MAX).collect();
    held(claimed)
        .col_expr(Column::State, Expr::value(state.to_string()))
        .col_expr(Column::NextAt, Expr::value(next_at))
        .col_expr(Column::LastError, Expr::value(why))
        .exec(db)
        .await?;
    Ok(())
}

/// Queues claimed messages again without counting the attempt: the database or the node was not
/// able to work.
///
/// # Errors
/// When the database fails.
pub async fn returned(db: &Pool, claimed: &ClaimedMessage, next_at: Instant) -> Result<(), DbErr> {
    held(claimed)
        .col_expr(Column::State, Expr::value(DeliveryState::Queued.to_string()))
        .col_expr(Column::NextAt, Expr::value(next_at))
        .col_expr(Column::Attempts, Expr::value(claimed.attempts - 1))
        .exec(db)
        .await?;
    Ok(())
}

/// The delivery, if it still belongs to this claim.
fn held(claimed: &ClaimedMessage) -> sea_orm::UpdateMany<Entity> {
    Entity::update_many()
        .filter(Column::Consumer.eq(claimed.consumer))
        .filter(Column::MessageId.eq(claimed.message.id))
        .filter(Column::State.eq(DeliveryState::Claimed))
        .filter(Column::Claim.eq(claimed.claim))
}

/// The states as the partial indexes name them: SQLite proves an index by literals only.
const OPEN: &str = "state IN ('queued', 'claimed')";
const PARKED: &str = "state = 'parked'";
const DONE: &str = "state = 'done'";
/// A message without a delivery. PostgreSQL turns this into one join, `NOT IN` into a scan a row.
const UNDELIVERED: &str =
    "NOT EXISTS (SELECT 1 FROM outbox_delivery WHERE outbox_delivery.message_id = outbox.id)";

/// Parks messages whose last permitted attempt ended without a word: its worker was killed.
///
/// # Errors
/// When the database fails.
pub async fn park_lost(db: &Pool, consumer: Consumer, now: Instant) -> Result<(), DbErr> {
    let lost = Entity::find()
        .filter(Column::Consumer.eq(consumer))
        .filter(Expr::cust(OPEN))
        .filter(Column::NextAt.lte(now))
        .filter(Column::Attempts.gte(ATTEMPTS_MAX))
        .limit(CLAIM_ROWS)
        .all(db)
        .await?;
    for row in lost {
        let parked = Entity::update_many()
            .col_expr(Column::State, Expr::value(DeliveryState::Parked.to_string()))
            .filter(Column::Consumer.eq(consumer))
            .filter(Column::MessageId.eq(row.message_id))
            .filter(Column::State.eq(row.state))
            .filter(Column::NextAt.eq(row.next_at))
            .exec(db)
            .await?;
        if parked.rows_affected == 1 {
            alarm(consumer, row.message_id, "the worker did not end");
        }
    }
    Ok(())
}

fn alarm(consumer: Consumer, message: Uuid, why: &str) {
    tracing::error!(alarm = "outbox_parked", %consumer, %message, why, "a message is parked");
    metrics::counter!("yumo_outbox_parked_total", "consumer" => consumer.to_string()).increment(1);
}

/// How much a consumer has before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backlog {
    /// Queued or claimed.
    pub pending: u64,
    /// Since when the oldest of them waits.
    pub oldest_at: Option<Instant>,
    /// Parked.
    pub parked: u64,
}

/// Reads what a consumer has before it.
///
/// # Errors
/// When the database fails.
pub async fn backlog(db: &Pool, consumer: Consumer) -> Result<Backlog, DbErr> {
    let of = |states: &'static str| {
        Entity::find().filter(Column::Consumer.eq(consumer)).filter(Expr::cust(states))
    };
    let pending = of(OPEN).count(db).await?;
    let parked = of(PARKED).count(db).await?;
    let messages = Query::select()
        .column(Column::MessageId)
        .from(outbox_delivery::Entity)
        .and_where(Column::Consumer.eq(consumer))
        .and_where(Expr::cust(OPEN))
        .to_owned();
    let oldest_at = outbox::Entity::find()
        .select_only()
        .column_as(outbox::Column::CreatedAt.min(), "oldest")
        .filter(outbox::Column::Id.in_subquery(messages))
        .into_tuple::<Option<Instant>>()
        .one(db)
        .await?
        .flatten();
    Ok(Backlog { pending, oldest_at, parked })
}

/// The consumers.
pub fn consumers() -> impl Iterator<Item = Consumer> {
    Consumer::iter()
}

/// Deletes messages that all consumers finished before that moment; parked ones stay.
///
/// # Errors
/// When the database fails.
pub async fn forget(db: &Pool, before: Instant) -> Result<u64, DbErr> {
    Entity::delete_many()
        .filter(Expr::cust(DONE))
        .filter(Column::NextAt.lt(before))
        .exec(db)
        .await?;
    let gone = outbox::Entity::delete_many()
        .filter(outbox::Column::CreatedAt.lt(before))
        .filter(Expr::cust(UNDELIVERED))
        .exec(db)
        .await?;
    Ok(gone.rows_affected)
}
