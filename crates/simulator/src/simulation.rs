//! One simulation: its options, set-up and run.

use crate::city::{
    Bays, Branch, Founding, branches, owner_phone, publish, resident, support_person,
};
use crate::people::{Board, Calls, Desk, Hotline, Person, Shared, live};
use crate::statistics::{Census, ClockSync};
use client::{ApiError, Codes, Node, Pace, StopSignal};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

/// How long people may take to finish once the simulator stops.
const GOING_HOME_MAX: Duration = Duration::from_secs(30);
/// Clients listed among the demo logins.
const LOGINS_MAX: usize = 3;

/// The options of a simulation.
#[derive(Debug, Clone)]
pub struct Config {
    /// The nodes, such as `http://127.0.0.1:8080`; people are spread across them.
    pub base_urls: Vec<String>,
    /// The seed of all decisions.
    pub seed: u64,
    /// The number of partners, one branch each.
    pub partners: usize,
    /// The number of clients.
    pub clients: usize,
    /// The speed of simulated time; the server's clock must run at the same speed.
    pub speed: f64,
    /// The phone of an existing support agent.
    pub support_phone: String,
    /// Bays of each branch.
    pub bays: Bays,
    /// Support's credit to a branch, at set-up and when its balance is low.
    pub credit_qepik: i64,
    /// Whether the engine has a payment provider with payment pages: then branches top up by card,
    /// clients pay their penalties and get bonus from a campaign.
    pub cards: bool,
    /// Policy changes that support publishes at set-up, `{"section": {"key": value}}`: simulated
    /// people act more often than the usual limits allow.
    pub policy: Option<Value>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            base_urls: vec!["http://127.0.0.1:8080".to_owned()],
            seed: 7,
            partners: 36,
            clients: 300,
            speed: 1.0,
            support_phone: "+994500000000".to_owned(),
            bays: Bays::Lifelike,
            credit_qepik: 5_000,
            cards: false,
            policy: None,
        }
    }
}

/// A demo login.
#[derive(Debug, Clone)]
pub struct Login {
    /// `client`, `owner` or `support`.
    pub role: &'static str,
    /// The display name.
    pub name: String,
    /// The phone for sign-in; the code goes to the server's configured channel.
    pub phone: String,
}

/// A simulation whose world is set up.
pub struct Simulation {
    config: Config,
    shared: Shared,
    support: Arc<Person>,
    branches: Vec<Branch>,
}

impl Simulation {
    /// Sets the world up or finds it complete: support signs in, missing branches are created.
    pub async fn set_up(
        config: Config,
        codes: Arc<dyn Codes>,
        stop: impl Into<StopSignal>,
    ) -> Result<Self, ApiError> {
        let nodes: Result<Vec<Node>, ApiError> =
            config.base_urls.iter().map(|base| Node::at(base)).collect();
        let pace = Pace::of(config.speed);
        let shared = Shared {
            nodes: Arc::new(nodes?),
            codes,
            pace,
            clock_sync: Arc::new(ClockSync::of(pace)),
            census: Arc::new(Census::default()),
            cards: config.cards,
            stop: stop.into(),
        };
        let support = support_person(&shared, &config.support_phone).await?;
        if let Some(changes) = &config.policy {
            publish(&support, changes).await?;
        }
        let founding = Founding {
            seed: config.seed,
            partners: config.partners,
            bays: config.bays,
            credit_qepik: config.credit_qepik,
        };
        let branches = branches(&shared, &support, &founding).await?;
        Ok(Self { config, shared, support, branches })
    }

    /// The shared statistics.
    pub fn census(&self) -> Arc<Census> {
        self.shared.census.clone()
    }

    /// The shared resources, for measurements that drive the people themselves.
    pub fn shared(&self) -> &Shared {
        &self.shared
    }

    /// The branches and their owners.
    pub fn branches(&self) -> &[Branch] {
        &self.branches
    }

    /// The support person.
    pub fn support(&self) -> &Arc<Person> {
        &self.support
    }

    /// Phones for sign-in: support, an owner or two, a few clients.
    pub fn logins(&self) -> Vec<Login> {
        let support = Login {
            role: "support",
            name: "Dəstək".to_owned(),
            phone: self.config.support_phone.clone(),
        };
        let owner = |branch: &Branch| Login {
            role: "owner",
            name: branch.name.clone(),
            phone: owner_phone(branch.number),
        };
        let client = |number: usize| {
            let who = resident(number);
            Login { role: "client", name: who.name, phone: who.phone }
        };
        let owners = self.branches.iter().take(LOGINS_MAX).map(owner);
        let clients = (0..self.config.clients.min(LOGINS_MAX)).map(client);
        std::iter::once(support).chain(owners).chain(clients).collect()
    }

    /// Runs everybody until the stop signal; returns when all have finished.
    pub async fn run(self) {
        let Self { config, shared, support, branches } = self;
        let board = Arc::new(Board::default());
        let (line, calls) = Calls::line();
        let mut people = JoinSet::new();
        people.spawn(
            Hotline::of(support, &shared, config.seed, config.credit_qepik)
                .work(line.clone(), calls),
        );
        for branch in branches {
            people.spawn(Desk::of(branch, &shared, &board, &line, config.seed).work());
        }
        for number in 0..config.clients {
            people.spawn(live(shared.clone(), board.clone(), config.seed, number, config.clients));
        }
        shared.stop.wait().await;
        let home = async { while people.join_next().await.is_some() {} };
        if tokio::time::timeout(GOING_HOME_MAX, home).await.is_err() {
            tracing::warn!("some simulated people did not stop in time");
        }
    }
}
