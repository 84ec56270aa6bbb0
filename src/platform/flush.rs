//! The flush: a script lands whole or not at all.
//!
//! PostgreSQL takes each script as one statement in one round trip, many at a time. `SQLite` has
//! one writer, which takes whatever waits and lands it in one IMMEDIATE transaction, a savepoint
//! each (group commit).

use sea_orm::{
    ConnectionTrait as _, DatabaseBackend, DatabaseConnection, DatabaseTransaction, DbErr,
    SqliteTransactionMode, TransactionOptions, TransactionTrait as _,
};
use tokio::sync::{mpsc, oneshot};

use super::db::{Db, WriteError};
use super::sql::Script;

/// At most so many scripts land in one transaction of the `SQLite` writer.
const GROUP_MAX: usize = 128;
/// So many may wait for it before senders wait too.
const WAITING_MAX: usize = 1024;

/// The new number of each feed the script told something.
pub type Numbers = Vec<i64>;

struct Job {
    script: Script,
    reply: oneshot::Sender<(Script, Result<Numbers, WriteError>)>,
}

/// Lands scripts.
#[derive(Clone)]
pub struct Flusher {
    pool: DatabaseConnection,
    writer: Option<mpsc::Sender<Job>>,
}

impl Flusher {
    /// For this database; on `SQLite` it starts the writer.
    #[must_use]
    pub fn new(db: &Db) -> Self {
        let writer = (db.backend == DatabaseBackend::Sqlite).then(|| {
            let (sender, receiver) = mpsc::channel(WAITING_MAX);
            tokio::spawn(write(db.write.clone(), receiver));
            sender
        });
        Self { pool: db.write.clone(), writer }
    }

    /// Lands one script, and gives it back with the outcome.
    ///
    /// # Errors
    /// Whatever kept it from landing; nothing of it is there then.
    pub async fn land(&self, script: Script) -> (Option<Script>, Result<Numbers, WriteError>) {
        let Some(writer) = &self.writer else {
            let outcome = run(&self.pool, &script).await;
            return (Some(script), outcome);
        };
        let (reply, answer) = oneshot::channel();
        if writer.send(Job { script, reply }).await.is_err() {
            return (None, Err(stopped()));
        }
        match answer.await {
            Ok((script, outcome)) => (Some(script), outcome),
            Err(_) => (None, Err(stopped())),
        }
    }
}

fn stopped() -> WriteError {
    WriteError::Other(DbErr::Custom("the writer has stopped".to_owned()))
}

async fn run<C: sea_orm::ConnectionTrait>(
    connection: &C,
    script: &Script,
) -> Result<Numbers, WriteError> {
    let row = connection.query_one_raw(script.statement.clone()).await?;
    let row = row.ok_or_else(|| WriteError::Other(DbErr::Custom("a flush said nothing".into())))?;
    (0..script.feeds.len())
        .map(|i| row.try_get::<i64>("", &format!("f{i}")).map_err(WriteError::from))
        .collect()
}

async fn write(db: DatabaseConnection, mut waiting: mpsc::Receiver<Job>) {
    let mut group = Vec::with_capacity(GROUP_MAX);
    while waiting.recv_many(&mut group, GROUP_MAX).await > 0 {
        let jobs = std::mem::take(&mut group);
        land_group(&db, jobs).await;
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the engine's door on SQLite")]
async fn land_group(db: &DatabaseConnection, jobs: Vec<Job>) {
    let options = TransactionOptions {
        sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
        ..TransactionOptions::default()
    };
    let mut outcomes = Vec::with_capacity(jobs.len());
    let landed = match db.begin_with_options(options).await {
        Ok(transaction) => match savepoints(&transaction, &jobs, &mut outcomes).await {
            Ok(()) => transaction.commit().await,
            Err(error) => Err(error),
        },
        Err(error) => Err(error),
    };
    let failure = landed.err().map(|error| error.to_string());
    let mut outcomes = outcomes.into_iter();
    for job in jobs {
        let outcome = match (&failure, outcomes.next()) {
            (None, Some(outcome)) => outcome,
            (failure, _) => Err(WriteError::Other(DbErr::Custom(
                failure.clone().unwrap_or_else(|| "the group did not land".to_owned()),
            ))),
        };
        // Whoever asked may be gone; the group has landed all the same.
        let _ = job.reply.send((job.script, outcome));
    }
}

async fn savepoints(
    transaction: &DatabaseTransaction,
    jobs: &[Job],
    outcomes: &mut Vec<Result<Numbers, WriteError>>,
) -> Result<(), DbErr> {
    for job in jobs {
        let outcome = run(transaction, &job.script).await;
        if outcome.is_err() {
            transaction.execute_unprepared("ROLLBACK TO one; RELEASE one").await?;
        }
        outcomes.push(outcome);
    }
    Ok(())
}
