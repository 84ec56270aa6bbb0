//! The flush: a script lands whole or not at all.
//!
//! PostgreSQL takes each script as one statement in one round trip, many at a time. `SQLite` has
//! one writer, which takes whatever waits and lands it in one IMMEDIATE transaction, a savepoint
//! each (group commit).

use sea_orm::{
    ConnectionTrait as _, DatabaseBackend, DatabaseConnection, DatabaseTransaction, DbErr,
    SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait as _,
};
use tokio::sync::{mpsc, oneshot};

use super::db::{Db, WriteError};

/// At most so many scripts land in one transaction of the `SQLite` writer.
const GROUP_MAX: usize = 128;
/// So many may wait for it before senders wait too.
const WAITING_MAX: usize = 1024;

/// The new number of each feed the script told something.
pub type Numbers = Vec<i64>;

struct Job {
    statement: Statement,
    feeds: usize,
    reply: oneshot::Sender<Result<Numbers, WriteError>>,
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

    /// Lands a statement that tells so many feeds something.
    ///
    /// # Errors
    /// Whatever kept it from landing; nothing of it is there then.
    pub async fn land(&self, statement: Statement, feeds: usize) -> Result<Numbers, WriteError> {
        let Some(writer) = &self.writer else {
            return run(&self.pool, statement, feeds).await;
        };
        let (reply, answer) = oneshot::channel();
        let job = Job { statement, feeds, reply };
        writer.send(job).await.map_err(|_| stopped())?;
        answer.await.map_err(|_| stopped())?
    }
}

fn stopped() -> WriteError {
    WriteError::Other(DbErr::Custom("the writer has stopped".to_owned()))
}

async fn run<C: sea_orm::ConnectionTrait>(
    connection: &C,
    statement: Statement,
    feeds: usize,
) -> Result<Numbers, WriteError> {
    let row = connection.query_one_raw(statement).await?;
    let row = row.ok_or_else(|| WriteError::Other(DbErr::Custom("a flush said nothing".into())))?;
    (0..feeds).map(|i| row.try_get::<i64>("", &format!("f{i}")).map_err(WriteError::from)).collect()
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
    let mut replies = Vec::with_capacity(jobs.len());
    let landed = match db.begin_with_options(options).await {
        Ok(transaction) => match savepoints(&transaction, jobs, &mut replies).await {
            Ok(()) => transaction.commit().await,
            Err(error) => Err(error),
        },
        // Whoever asked hears that its job was dropped.
        Err(error) => Err(error),
    };
    for (reply, outcome) in replies {
        let outcome = match &landed {
            Ok(()) => outcome,
            Err(error) => Err(WriteError::Other(DbErr::Custom(error.to_string()))),
        };
        // Whoever asked may be gone; the group has landed all the same.
        let _ = reply.send(outcome);
    }
}

type Reply = (oneshot::Sender<Result<Numbers, WriteError>>, Result<Numbers, WriteError>);

async fn savepoints(
    transaction: &DatabaseTransaction,
    jobs: Vec<Job>,
    replies: &mut Vec<Reply>,
) -> Result<(), DbErr> {
    for Job { statement, feeds, reply } in jobs {
        let outcome = run(transaction, statement, feeds).await;
        if outcome.is_err() {
            transaction.execute_unprepared("ROLLBACK TO one; RELEASE one").await?;
        }
        replies.push((reply, outcome));
    }
    Ok(())
}
