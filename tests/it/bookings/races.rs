//! An acceptance and the expiry of a request at the same instant: one outcome each (ORD-3, BK-3).

use chrono::TimeDelta;
use entity::value::Instant;
use futures_util::future::join_all;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use super::one_bay;
use crate::support::ask::at;
use crate::support::world::Backend;
use crate::support::{Branch, Client, Order, Reply, World, instant, minutes};

/// Seeds, each with its own request.
const SEEDS: u64 = 24;
/// Engine seconds per real second.
const SPEED: u32 = 60;

/// Confirmed with its hold, or expired without one; the loser got the matching refusal.
async fn one_verdict(anar: &Client, kristal: &Branch, order: &Order, yes: &Reply) -> bool {
    let seen = anar.sees(order).await;
    let steps = seen.ok()["version"].as_i64().unwrap();
    assert_eq!(steps, 2, "{}", seen.json);
    let held = kristal.balance().await.1;
    if yes.status == 200 {
        seen.status("confirmed");
        return true;
    }
    assert!(["offer_expired", "order_closed"].contains(&yes.json["code"].as_str().unwrap()));
    assert_eq!(seen.status("cancelled")["reason"], "offer_expired");
    assert!(held % 135 == 0, "{held}");
    false
}

both! {
    /// ORD-3, ORD-5, BK-3: the clock moves past the deadline while the acceptance is under way.
    async fn bk_3_a_yes_while_the_clock_passes_the_deadline(world) {
        let (kristal, anar) = one_bay(world).await;
        let start = instant("2026-11-21T12:00:00Z");
        for seed in 0..SEEDS {
            let mut dice = StdRng::seed_from_u64(seed);
            let order = anar.books(&kristal, start).await;
            let due = anar.sees(&order).await.at("offer_deadline");
            world.until(due).await;
            let scheduler = &world.app().scheduler;
            let pauses = (dice.random_range(0..40_u32), dice.random_range(0..40_u32));
            let clock = async {
                waits(pauses.0).await;
                world.clock.set(due + TimeDelta::microseconds(1));
                scheduler.fire_due().await;
            };
            let says_yes = async {
                waits(pauses.1).await;
                kristal.accepts_seeing(&order, 1).await
            };
            let ((), yes) = tokio::join!(clock, says_yes);
            if one_verdict(&anar, &kristal, &order, &yes).await {
                assert_eq!(kristal.balance().await.1, 135, "seed {seed}");
                kristal.cancels(&order).await.status("cancelled");
            } else {
                assert_eq!(kristal.balance().await.1, 0, "seed {seed}");
            }
        }
    }
}

/// Yields to other tasks this many times.
async fn waits(times: u32) {
    for _ in 0..times {
        tokio::task::yield_now().await;
    }
}

/// On a running clock: forty requests that expire at the same instant, each answered within a real
/// millisecond or two of it.
async fn at_the_same_millisecond(backend: Backend) {
    let world = World::living(backend, SPEED).await;
    let kristal = world.branch_with("Kristal", 1_000_000).await;
    for n in 0..8 {
        kristal.adds_bay(&format!("Bay {n}"), "wash").await;
    }
    let mut people = Vec::new();
    for n in 0..16 {
        people.push(world.client(&format!("Client {n}")).await);
    }
    // A start near enough for the short answer time: five minutes are five real seconds.
    let now = world.now();
    let grid = TimeDelta::minutes(15);
    let start = now + grid - TimeDelta::seconds(now.timestamp() % 900) + minutes(45);
    let start = Instant::from_timestamp(start.timestamp(), 0).unwrap();
    let asked = people.iter().enumerate().map(|(n, anar)| {
        let start = start + grid * 2 * i32::try_from(n / 8).unwrap();
        let kristal = &kristal;
        async move { (anar, anar.books(kristal, start).await) }
    });
    let orders = join_all(asked).await;
    let answered = orders.iter().enumerate().map(|(n, (anar, order))| {
        let (world, kristal) = (&world, &kristal);
        async move {
            let due = at(&order.placed["offer_deadline"]);
            let offset = TimeDelta::milliseconds(i64::try_from(n).unwrap() * 15 - 180);
            while world.now() < due + offset {
                tokio::task::yield_now().await;
            }
            let yes = kristal.accepts_seeing(order, 1).await;
            while world.now() < due + minutes(1) {
                tokio::task::yield_now().await;
            }
            one_verdict(anar, kristal, order, &yes).await
        }
    });
    let confirmed = join_all(answered).await.into_iter().filter(|yes| *yes).count();
    println!("{backend:?}: {confirmed} of {} confirmed", orders.len());
    let held = kristal.balance().await.1;
    assert_eq!(held, 135 * i64::try_from(confirmed).unwrap());
    world.closes().await;
}

/// Runs it on a separate runtime.
fn run(backend: Backend) {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(at_the_same_millisecond(backend));
}

/// ORD-3, ORD-5, BK-3: the test does not move the clock; real timers race real requests.
mod bk_3_a_yes_at_the_millisecond_of_the_deadline {
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
