//! The set-up of a measurement: a simulated world whose clients are signed in but not yet active.

use crate::options::EngineAddress;
use crate::server::Server;
use client::{ApiError, Car, StopSignal, stop_pair};
use futures_util::{StreamExt, TryStreamExt};
use serde_json::{Value, json};
use simulator::{Bays, Config, Person, Simulation, resident, settle};
use std::sync::Arc;
use tokio::sync::watch;

/// Concurrent sign-ins.
const SIGN_INS_MAX: usize = 32;
/// Initial credit of a branch: enough for every commission of a long measurement, qəpik.
const CREDIT_QEPIK: i64 = 10_000_000;

/// The policy of a measurement: few clients order as fast as they can, and one branch has the
/// calendar of a whole city. It is published and printed.
pub fn policy() -> Value {
    json!({
        "client": {
            "open_orders_max": 1_000, "pending_max": 1_000, "pair_open_max": 1_000,
            "placings_per_h": 80_000, "withdrawn_max": 10_000,
        },
        "order": { "acts_per_min": 10_000 },
        "support": { "owner_act_max": 1_000_000_000, "owner_day_max": 1_000_000_000 },
        "catalogue": { "bays_max": 1_000, "blocks_max": 1_000_000 },
    })
}

/// The server, the simulator and the stop signal of a measurement.
pub struct Scene {
    /// The server.
    pub server: Server,
    /// The simulator.
    pub simulation: Simulation,
    /// The stop signal.
    pub stop: StopSignal,
    switch: watch::Sender<bool>,
}

impl Scene {
    /// Starts the server and sets the world up.
    pub async fn set(place: &EngineAddress, partners: usize, bays: usize) -> Result<Self, String> {
        let server = Server::open(place).await?;
        let (switch, stop) = stop_pair();
        let config = Config {
            base_urls: server.base_urls.clone(),
            seed: place.seed,
            partners,
            clients: 0,
            speed: 1.0,
            support_phone: place.support_phone.clone(),
            bays: Bays::Washes(bays),
            credit_qepik: CREDIT_QEPIK,
            cards: false,
            policy: Some(policy()),
        };
        let simulation = Simulation::set_up(config, server.codes.clone(), stop.clone()).await;
        let simulation =
            simulation.map_err(|trouble| format!("setting up the simulation: {trouble}"))?;
        Ok(Self { server, simulation, stop, switch })
    }

    /// Signs clients in, each with a car.
    pub async fn clients(&self, count: usize) -> Result<Vec<(Arc<Person>, Car)>, String> {
        let settling = (0..count).map(|number| async move {
            let who = resident(number);
            settle(self.simulation.shared(), number, &who).await
        });
        self.all(settling).await
    }

    /// Signs in people who only follow feeds; `from` keeps their numbers apart from the clients'.
    pub async fn listeners(&self, from: usize, count: usize) -> Result<Vec<Arc<Person>>, String> {
        let signing = (from..from + count).map(|number| async move {
            let who = resident(number);
            Person::sign_in(self.simulation.shared(), number, &who.phone, &who.name)
                .await
                .map(Arc::new)
        });
        self.all(signing).await
    }

    async fn all<T, F>(&self, people: impl Iterator<Item = F>) -> Result<Vec<T>, String>
    where
        F: Future<Output = Result<T, ApiError>>,
    {
        let signed_in = futures_util::stream::iter(people).buffered(SIGN_INS_MAX).try_collect();
        signed_in.await.map_err(|trouble| format!("signing people in: {trouble}"))
    }

    /// Stops everybody and the server.
    pub async fn strike(self) -> Result<(), String> {
        self.switch.send_replace(true);
        self.server.stop().await
    }
}
