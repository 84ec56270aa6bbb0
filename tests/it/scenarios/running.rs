//! The engine with its own loops and a running clock: offers expire by themselves, and in time.

use chrono::TimeDelta;

use crate::support::ask::at;
use crate::support::world::Backend;
use crate::support::{Order, World};

/// Engine seconds per real second.
const SPEED: u32 = 60;

async fn an_offer_ends_in_time(backend: Backend) {
    let world = World::living(backend, SPEED).await;
    let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
    let mut hears = anar.follows().await;
    let order: Order = anar.orders(&kristal).await;
    let told = hears.hears("order.expired").await;
    // Thirty seconds and the grace of two, on a clock where a real second is a minute.
    let due = at(&order.placed["offer_deadline"]) + TimeDelta::seconds(2);
    let late = at(&told["at"]) - due;
    assert!(late > TimeDelta::zero(), "{late} after its time");
    println!("{:?} real time late", late.to_std().unwrap() / SPEED);
    world.closes().await;
}

/// Runs it on a separate runtime.
fn run(backend: Backend) {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(an_offer_ends_in_time(backend));
}

/// QO-2: the test does not move the clock; the engine ends the offer, strictly after its deadline.
mod an_offer_ends_by_itself_and_in_time {
    use super::*;

    #[test]
    fn sqlite() {
        run(Backend::Sqlite);
    }

    #[test]
    fn postgres() {
        run(Backend::Postgres);
    }
}
