//! The state shared by all people of one world: the node's address, their inboxes, fresh phone
//! numbers.

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

/// The state shared by all people of a world.
pub struct Scene {
    /// The HTTP client.
    pub http: reqwest::Client,
    /// The one-time codes.
    pub mailbox: Arc<Mailbox>,
    node: RwLock<Node>,
    numbers: AtomicU32,
}

impl Scene {
    /// A scene served by this engine.
    pub fn of(app: &App, mailbox: Arc<Mailbox>) -> Arc<Self> {
        let http = reqwest::Client::builder().no_proxy();
        // The server closes an idle connection after five seconds.
        let http = http.pool_idle_timeout(Duration::from_secs(2)).build().unwrap();
        let node = RwLock::new(node(app));
        Arc::new(Self { http, mailbox, node, numbers: AtomicU32::new(1) })
    }

    /// Switches to another engine.
    pub fn moves_to(&self, app: &App) {
        *self.node.write().unwrap() = node(app);
    }

    /// Its listening address.
    pub fn addr(&self) -> SocketAddr {
        self.node.read().unwrap().addr
    }

    /// The database, for reading; on `SQLite` it is read-only.
    pub fn db(&self) -> DatabaseConnection {
        self.node.read().unwrap().db.clone()
    }

    /// The next number: 1, 2, 3 …
    pub fn number(&self) -> u32 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    /// An unused phone number.
    pub fn phone(&self) -> String {
        format!("+99450{:07}", self.number())
    }
}

fn node(app: &App) -> Node {
    Node { addr: app.addr, db: app.engine.shared().db.read.unlimited().clone() }
}
