//! Wrong clocks: of another node, and of the machine itself (OUT-1, ORD-5).

use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::TimeDelta;
use entity::value::Instant;
use platform::clock::{Here, Machine, WallClock};
use serde_json::json;
use yumo::app::App;

use crate::support::world::{Backend, World, tell_really};
use crate::support::{minutes, seconds};

/// A clock like this machine's, whose time of day is set by the test.
#[derive(Default)]
struct Machines {
    ahead: Mutex<TimeDelta>,
}

impl Machines {
    fn ahead(by: TimeDelta) -> Arc<Self> {
        Arc::new(Self { ahead: Mutex::new(by) })
    }

    fn jumps(&self, by: TimeDelta) {
        *self.ahead.lock().unwrap() += by;
    }
}

impl Machine for Machines {
    fn wall(&self) -> Instant {
        Here.wall() + *self.ahead.lock().unwrap()
    }

    fn running(&self) -> Duration {
        Here.running()
    }
}

/// Runs everything the scheduler does, once.
async fn works(app: &App) {
    app.scheduler.beat(false).await.unwrap();
    app.scheduler.fire_due().await;
    app.scheduler.sweep().await.unwrap();
}

async fn jumps(world: &World) -> u64 {
    let url = format!("http://{}/metrics", world.scene.addr());
    let text = world.scene.http.get(url).send().await.unwrap().text().await.unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("yumo_clock_jumps "));
    line.map_or(0, |n| n.trim().parse().unwrap())
}

async fn a_jump_of_the_time_of_day_moves_nothing(world: &mut World, machine: &Machines) {
    let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
    let order = anar.orders(&kristal).await;
    let offered_until = anar.sees(&order).await.at("offer_deadline");
    let before = jumps(world).await;
    for hours in [-1, 2, -1] {
        machine.jumps(TimeDelta::hours(hours));
        works(world.app()).await;
        let seen = anar.sees(&order).await;
        seen.status("requested");
        assert_eq!(seen.at("offer_deadline"), offered_until);
        let off = seen.at("server_now") - Here.wall();
        assert!(off.abs() < minutes(1), "what people are told goes by what has run: {off}");
        let ready = anar.get("/health/ready").await;
        assert_eq!((&ready.ok()["clock"], &ready.ok()["recovered"]), (&json!(true), &json!(true)));
    }
    kristal.accepts(&order).await.status("confirmed");
    assert_eq!(world.support().outages().await.ok()["items"], json!([]));
    assert!(jumps(world).await >= before + 3, "each jump is an alarm");
    anar.cancels(&order).await.ok();
    works(world.app()).await;
}

/// OUT-1, ORD-5: the time of day of a single node jumps an hour back, forward, and back again:
/// offers keep their lifetime, no outage is recorded, each jump raises an alarm.
#[test]
fn out_1_a_jump_of_the_time_of_day_moves_nothing_on_sqlite() {
    let machine = Machines::ahead(TimeDelta::zero());
    let clock = WallClock::of(Arc::<Machines>::clone(&machine));
    tell_really(Backend::Sqlite, clock, async |world| {
        a_jump_of_the_time_of_day_moves_nothing(world, &machine).await;
    });
}

/// OUT-1, ORD-5: the same with a database whose clock is right.
#[test]
fn out_1_a_jump_of_the_time_of_day_moves_nothing_on_postgres() {
    let machine = Machines::ahead(TimeDelta::zero());
    let clock = WallClock::of(Arc::<Machines>::clone(&machine));
    tell_really(Backend::Postgres, clock, async |world| {
        a_jump_of_the_time_of_day_moves_nothing(world, &machine).await;
    });
}

/// OUT-1, ORD-5: nodes 40 s ahead and an hour behind accept no command and fire no timer: the right
/// node's offers do not end early, and no acceptance turns into a no-show.
#[test]
fn out_1_a_node_with_a_wrong_clock_decides_nothing() {
    tell_really(Backend::Postgres, WallClock::real(), async |world| {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let order = anar.orders(&kristal).await;
        for ahead in [seconds(40), minutes(-60)] {
            let wrong = world.beside(WallClock::of(Machines::ahead(ahead))).await;
            works(&wrong).await;
            anar.sees(&order).await.status("requested");
            world.scene.moves_to(&wrong);
            let no = kristal.accepts(&order).await;
            assert_eq!((no.status, &no.json["code"]), (503, &json!("clock_off")));
            let ready = anar.get("/health/ready").await;
            assert_eq!((ready.status, &ready.json["clock"]), (503, &json!(false)));
            world.scene.moves_to(world.app());
            wrong.stop().await;
        }
        works(world.app()).await;
        kristal.accepts(&order).await.status("confirmed");
        assert_eq!(world.support().outages().await.ok()["items"], json!([]));
        assert_eq!(anar.penalties().await.ok()["items"], json!([]));
        anar.cancels(&order).await.ok();
        works(world.app()).await;
    });
}

/// OUT-1: half a second is tolerated: such a node serves, and corrects its clock gradually.
#[test]
fn out_1_a_small_difference_is_corrected() {
    tell_really(Backend::Postgres, WallClock::real(), async |world| {
        let near = world.beside(WallClock::of(Machines::ahead(TimeDelta::milliseconds(300)))).await;
        world.scene.moves_to(&near);
        let ready = world.support().get("/health/ready").await;
        assert_eq!((ready.status, &ready.json["clock"]), (200, &json!(true)));
        world.scene.moves_to(world.app());
        near.stop().await;
    });
}
