//! Policy changes by support, and a second node on the same database.

use std::sync::Arc;

use chrono::SecondsFormat;
use entity::support_agent::SupportRole;
use entity::value::Instant;
use platform::By;
use platform::clock::Clock;
use serde_json::{Value, json};
use yumo::access::people::support::AddSupport;
use yumo::app::{App, Overrides};

use super::ask::Reply;
use super::people::Person;
use super::world::World;

/// The path of policy versions.
pub const POLICY: &str = "/v1/support/policy";

/// An instant in its wire format, to the microsecond.
pub fn exact(at: Instant) -> Value {
    json!(at.to_rfc3339_opts(SecondsFormat::Micros, true))
}

/// Support publishes changes that take effect at an instant.
pub async fn publishes(world: &World, changes: Value, at: Instant) -> Reply {
    let body = json!({"changes": changes, "effective_at": exact(at), "reason": "As announced"});
    world.support().post(POLICY, body).await
}

/// Support publishes changes that take effect at once.
pub async fn publishes_now(world: &World, changes: Value) -> Reply {
    world.support().post(POLICY, json!({"changes": changes, "reason": "As announced"})).await
}

/// Support rehearses changes over the orders placed between two instants.
pub async fn rehearses(world: &World, changes: Value, from: Instant, until: Instant) -> Reply {
    let body = json!({"changes": changes, "from": exact(from), "until": exact(until)});
    world.support().post("/v1/support/policy/rehearsals", body).await
}

/// The version in force, as support sees it.
pub async fn in_force(world: &World) -> i64 {
    world.support().get(POLICY).await.ok()["version"].as_i64().unwrap()
}

/// Another member of the operator's staff.
pub async fn agent(world: &World, role: SupportRole) -> Person {
    let phone = world.scene.phone();
    let command = AddSupport { phone: phone.parse().unwrap(), role };
    world.app().engine.execute(By::CLOCK, None, command).await.unwrap();
    Person::signs_in(&world.scene, &format!("{role:?}"), &phone).await
}

/// Another node on the world's database, under the world's clock.
pub async fn second_node(world: &World) -> App {
    let clock: Arc<dyn Clock> = Arc::new(world.clock.clone());
    let instead = Overrides { clock: Some(clock), codes: None, manual_loops: true };
    App::start(world.settings.clone(), instead).await.expect("the second node starts")
}

/// The version in force according to a node.
pub fn held(app: &App) -> i32 {
    let now = app.engine.shared().clock.now();
    app.engine.context().policy.at(now).unwrap().version
}
