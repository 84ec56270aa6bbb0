//! Snapshots, cursors out of range, and events a reader may not see.

use std::collections::{BTreeMap, BTreeSet};

use entity::feed_event;
use futures_util::future::join_all;
use sea_orm::{EntityTrait as _, IntoActiveModel as _};
use serde_json::{Value, json};

use super::feed_socket::FeedSocket;
use crate::support::ask::money;
use crate::support::{Branch, Client, World, minutes};

/// Id, version and status of an order.
type Standing = (String, i64, String);

fn standing(order: &Value) -> Standing {
    let text = |field: &str| order[field].as_str().unwrap().to_owned();
    (text("id"), order["version"].as_i64().unwrap(), text("status"))
}

/// The open orders according to these events.
fn known(events: &[Value]) -> BTreeSet<Standing> {
    let mut orders = BTreeMap::new();
    for event in events {
        let order = &event["data"]["order"];
        if order.is_object() {
            orders.insert(order["id"].to_string(), standing(order));
        }
    }
    let over = |status: &str| status == "completed" || status == "cancelled";
    orders.into_values().filter(|(_, _, status)| !over(status)).collect()
}

async fn snapshot(branch: &Branch) -> (i64, BTreeSet<Standing>) {
    let path = format!("/v1/feed/snapshot?audience=branch:{}", branch.partner_id);
    let snapshot = branch.get(&path).await.ok().clone();
    let orders = snapshot["orders"].as_array().unwrap();
    let standings: BTreeSet<Standing> = orders.iter().map(standing).collect();
    assert_eq!(standings.len(), orders.len(), "an order twice: {snapshot}");
    (snapshot["seq"].as_i64().unwrap(), standings)
}

async fn is_busy(client: Client, kristal: Branch) {
    for round in 0..3 {
        let order = client.orders(&kristal).await;
        match round {
            0 => kristal.declines(&order).await.status("cancelled"),
            1 => client.cancels(&order).await.status("cancelled"),
            _ => kristal.accepts(&order).await.status("confirmed"),
        };
    }
}

both! {
    /// NOT-6: a snapshot taken during changes, and the events after its cursor, are complete: no
    /// gap, no duplicate.
    async fn a_snapshot_and_what_follows_it_are_everything(world) {
        let kristal = world.branch("Kristal").await;
        let mut clients = Vec::new();
        for n in 0..4 {
            clients.push(world.client(&format!("Client {n}")).await);
        }
        let busy = join_all(clients.into_iter().map(|client| is_busy(client, kristal.clone())));
        let looks = async {
            let mut shots = Vec::new();
            for _ in 0..40 {
                shots.push(snapshot(&kristal).await);
            }
            shots
        };
        let (_, mut shots) = tokio::join!(busy, looks);
        shots.push(snapshot(&kristal).await);
        let audience = format!("branch:{}", kristal.partner_id);
        let mut line = FeedSocket::open(&kristal, &audience).await;
        let last = line.hello["seq"].as_i64().unwrap();
        line.resumes(0).await;
        let events = line.numbered(1, last).await;
        let moved: BTreeSet<i64> = shots.iter().map(|(seq, _)| *seq).collect();
        assert!(moved.len() > 3, "nothing moved meanwhile: {moved:?}");
        for (seq, orders) in &shots {
            let heard = &events[..usize::try_from(*seq).unwrap()];
            assert_eq!(*orders, known(heard), "the snapshot at {seq}");
        }
        let (seq, _) = shots[shots.len() / 2];
        let mut late = FeedSocket::open(&kristal, &audience).await;
        late.resumes(seq).await;
        late.numbered(seq + 1, last).await;
        assert_eq!(shots.last().unwrap().1.len(), 4, "four orders were accepted");
    }

    /// NOT-6: cursors before the retention and in the future need a snapshot, on the socket and
    /// over HTTP; after it the feed goes on.
    async fn who_comes_too_late_is_told_to_take_the_snapshot(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        for _ in 0..2 {
            let order = anar.orders(&kristal).await;
            kristal.declines(&order).await.ok();
        }
        world.clock.set(world.now() + minutes(60));
        let order = anar.orders(&kristal).await;
        let forgotten = forget(world).await;
        let mut line = FeedSocket::open(&anar, "client").await;
        let newest = line.hello["seq"].as_i64().unwrap();
        assert_eq!(newest, 5);
        for number in [0, 3, newest + 1, newest + 1000] {
            line.resumes(number).await;
            let needed = json!({"type": "snapshot_needed", "oldest": 5, "seq": 5});
            assert_eq!(line.frame().await, needed, "after {number}");
            let polled = anar.get(&format!("/v1/feed/events?after={number}&wait=20")).await;
            let polled = polled.ok();
            assert_eq!((&polled["snapshot_needed"], &polled["seq"]), (&true.into(), &5.into()));
            assert_eq!(polled["events"], json!([]));
        }
        line.resumes(4).await;
        line.numbered(5, 5).await;
        let snapshot = anar.get("/v1/feed/snapshot").await.ok().clone();
        assert_eq!((&snapshot["seq"], &snapshot["orders"][0]["id"]), (&5.into(), &json!(order.id)));
        kristal.declines(&order).await.ok();
        line.numbered(6, 6).await;
        restore(world, forgotten).await;
    }

    /// NOT-6: an operator gets money events without content, under their numbers.
    async fn money_is_a_blank_to_an_operator(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let rufat = kristal.hires("operator").await;
        let audience = format!("branch:{}", kristal.partner_id);
        let mut his = FeedSocket::open(&rufat, &audience).await;
        let mut owners = FeedSocket::open(&kristal, &audience).await;
        let seq = his.hello["seq"].as_i64().unwrap();
        his.resumes(seq).await;
        owners.resumes(seq).await;
        world.support().credits(&kristal.partner_id, 700).await.ok();
        let order = anar.orders(&kristal).await;
        let blank = json!({"type": "blank", "seq": seq + 1});
        let heard = his.numbered(seq + 1, seq + 2).await;
        assert_eq!(heard[0], blank);
        assert_eq!(heard[1]["event"], "order.requested");
        let told = owners.numbered(seq + 1, seq + 2).await;
        assert_eq!(told[0]["event"], "balance.changed");
        assert_eq!(money(&told[0]["data"]["amount"]), 700);
        assert_eq!(told[1]["id"], heard[1]["id"]);
        let polled = rufat.get(&format!("/v1/feed/events?audience={audience}&after={seq}")).await;
        assert_eq!(polled.ok()["events"][0], blank);
        kristal.declines(&order).await.ok();
    }
}

/// Simulates retention: deletes what is older than half an hour.
async fn forget(world: &World) -> Vec<feed_event::Model> {
    let db = &world.app().engine.shared().db.write;
    let before = world.now() - minutes(30);
    let mut rows = feed_event::Entity::find().all(db).await.unwrap();
    rows.retain(|row| row.at < before);
    let gone = platform::feed::forget(db, before).await.unwrap();
    assert_eq!(gone, u64::try_from(rows.len()).unwrap());
    rows
}

/// Restores them, so that the final check sees complete feeds.
async fn restore(world: &World, rows: Vec<feed_event::Model>) {
    let db = &world.app().engine.shared().db.write;
    for row in rows {
        feed_event::Entity::insert(row.into_active_model())
            .exec_without_returning(db)
            .await
            .unwrap();
    }
}
