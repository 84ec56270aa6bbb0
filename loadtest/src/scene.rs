//! The scene of a measurement: a founded town, its clients signed in, nobody acting yet.

use crate::options::Place;
use crate::server::Server;
use futures_util::{StreamExt, TryStreamExt};
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::sync::watch;
use town::{Bays, Car, Config, Person, Stop, Town, Trouble, resident, settle, stop_pair};

/// People who sign in at one time.
const SIGN_INS_MAX: usize = 32;
/// Credit of a branch: enough for every commission of a long measurement, qəpik.
const CREDIT_QEPIK: i64 = 10_000_000;

/// The policy a measurement runs under: few clients order as fast as they can, and one branch has
/// the calendar of a town. It is published and printed.
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

/// Everything a measurement stands on.
pub struct Scene {
    /// The server.
    pub server: Server,
    /// The town.
    pub town: Town,
    /// When it is over.
    pub stop: Stop,
    switch: watch::Sender<bool>,
}

impl Scene {
    /// Starts the server and founds the town.
    pub async fn set(place: &Place, partners: usize, bays: usize) -> Result<Self, String> {
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
        let town = Town::found(config, server.codes.clone(), stop.clone()).await;
        let town = town.map_err(|trouble| format!("founding the town: {trouble}"))?;
        Ok(Self { server, town, stop, switch })
    }

    /// Signs clients in, each with a car.
    pub async fn clients(&self, count: usize) -> Result<Vec<(Arc<Person>, Car)>, String> {
        let settling = (0..count).map(|number| async move {
            let who = resident(number);
            settle(self.town.shared(), number, &who).await
        });
        self.all(settling).await
    }

    /// Signs people in who only listen; `from` keeps them apart from the clients.
    pub async fn listeners(&self, from: usize, count: usize) -> Result<Vec<Arc<Person>>, String> {
        let signing = (from..from + count).map(|number| async move {
            let who = resident(number);
            Person::sign_in(self.town.shared(), number, &who.phone, &who.name).await.map(Arc::new)
        });
        self.all(signing).await
    }

    async fn all<T, F>(&self, people: impl Iterator<Item = F>) -> Result<Vec<T>, String>
    where
        F: Future<Output = Result<T, Trouble>>,
    {
        let signed_in = futures_util::stream::iter(people).buffered(SIGN_INS_MAX).try_collect();
        signed_in.await.map_err(|trouble| format!("signing people in: {trouble}"))
    }

    /// Ends everything.
    pub async fn strike(self) -> Result<(), String> {
        self.switch.send_replace(true);
        self.server.stop().await
    }
}
