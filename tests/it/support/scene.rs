//! What all people of one world share: the line to its engine, their inboxes, fresh phone numbers.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, RwLock};
use std::time::Duration;

use sea_orm::DatabaseConnection;
use yumo::app::App;

use super::mailbox::Mailbox;

/// The node that serves now.
#[derive(Clone)]
struct Node {
    addr: SocketAddr,
    db: DatabaseConnection,
}

/// Shared by all people of a world.
pub struct Scene {
    /// For HTTP.
    pub http: reqwest::Client,
    /// For one-time codes.
    pub mailbox: Arc<Mailbox>,
    node: RwLock<Node>,
    numbers: AtomicU32,
}

impl Scene {
    /// A scene served by this engine.
    pub fn of(app: &App, mailbox: Arc<Mailbox>) -> Arc<Self> {
        let http = reqwest::Client::builder().no_proxy();
        // The server gives an idle connection up after five seconds.
        let http = http.pool_idle_timeout(Duration::from_secs(2)).build().unwrap();
        let node = RwLock::new(node(app));
        Arc::new(Self { http, mailbox, node, numbers: AtomicU32::new(1) })
    }

    /// Another engine serves from now on.
    pub fn moves_to(&self, app: &App) {
        *self.node.write().unwrap() = node(app);
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.node.read().unwrap().addr
    }

    /// The database, to look at; `SQLite` lets nobody write here.
    pub fn db(&self) -> DatabaseConnection {
        self.node.read().unwrap().db.clone()
    }

    /// 1, 2, 3 …
    pub fn number(&self) -> u32 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    /// A phone nobody has yet.
    pub fn phone(&self) -> String {
        format!("+99450{:07}", self.number())
    }
}

fn node(app: &App) -> Node {
    Node { addr: app.addr, db: app.engine.shared().db.read.clone() }
}
