//! A pool of connections whose every statement has a time limit.
//!
//! A connection to PostgreSQL may go silent: a machine or a firewall in between forgets it, and no
//! packet says so. Nothing below ever ends a wait for its answer: the driver sets no keepalive on
//! its sockets. So each statement is given `database.statement_max_s` here, at one place, for every
//! loop and every request; a connection that did not answer in time is closed, and none that was
//! open then is lent again.

use std::sync::Arc;
use std::time::Duration;

use sea_orm::prelude::async_trait::async_trait;
use sea_orm::{
    ConnectionTrait, DatabaseBackend, DatabaseConnection, DbErr, ExecResult, QueryResult, Statement,
};

use super::error::unavailable;
use super::lent_connection::{LentConnection, StatementLimit};
use super::storage::Storage;

/// Connections that are lent for one statement at a time.
#[derive(Clone, Debug)]
pub struct Pool {
    connections: DatabaseConnection,
    most: Duration,
    storage: Arc<Storage>,
}

impl Pool {
    /// Statements on these connections may take so long. On `SQLite` they have no limit here: there
    /// is no line that could go silent.
    pub(crate) fn new(
        connections: DatabaseConnection,
        most: Duration,
        storage: Arc<Storage>,
    ) -> Self {
        Self { connections, most, storage }
    }

    /// The connections as they are, for what runs before the engine opens: its statements have no
    /// limit.
    #[must_use]
    pub fn unlimited(&self) -> &DatabaseConnection {
        &self.connections
    }

    /// Closes the connections as they come back; none is lent any more.
    ///
    /// # Errors
    /// When one could not be closed in good order.
    pub async fn close(self) -> Result<(), DbErr> {
        self.connections.close().await
    }

    /// Does the database answer?
    ///
    /// # Errors
    /// When it does not.
    pub async fn ping(&self) -> Result<(), DbErr> {
        if !self.lends() {
            return self.connections.ping().await;
        }
        let mut held = self.held().await?;
        held.run("SELECT 1").await?;
        held.release();
        Ok(())
    }

    /// A connection for several statements, each of which has the limit.
    pub(crate) async fn held(&self) -> Result<LentConnection, DbErr> {
        self.held_for(self.most).await
    }

    /// As [`Self::held`], with another limit.
    pub(crate) async fn held_for(&self, most: Duration) -> Result<LentConnection, DbErr> {
        let held = LentConnection::of(&self.connections).await?;
        let limit = StatementLimit { most, storage: Arc::clone(&self.storage) };
        Ok(if self.lends() { held.limited(limit) } else { held })
    }

    fn lends(&self) -> bool {
        self.connections.get_database_backend() == DatabaseBackend::Postgres
    }
}

/// An error of the statement itself leaves the connection as it was; after any other it is closed.
fn settle<T>(held: LentConnection, answer: Result<T, DbErr>) -> Result<T, DbErr> {
    if !answer.as_ref().is_err_and(unavailable) {
        held.release();
    }
    answer
}

#[async_trait]
impl ConnectionTrait for Pool {
    fn get_database_backend(&self) -> DatabaseBackend {
        self.connections.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        if !self.lends() {
            return self.connections.execute_raw(statement).await;
        }
        let mut held = self.held().await?;
        let answer = held.execute(&statement).await;
        settle(held, answer)
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        if !self.lends() {
            return self.connections.execute_unprepared(sql).await;
        }
        let mut held = self.held().await?;
        let answer = held.run(sql).await;
        settle(held, answer)
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        if !self.lends() {
            return self.connections.query_one_raw(statement).await;
        }
        let mut held = self.held().await?;
        let answer = held.one(&statement).await;
        settle(held, answer)
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        if !self.lends() {
            return self.connections.query_all_raw(statement).await;
        }
        let mut held = self.held().await?;
        let answer = held.all(&statement).await;
        settle(held, answer)
    }
}
