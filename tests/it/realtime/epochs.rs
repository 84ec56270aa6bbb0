//! Feed epochs: a cursor of another epoch needs the snapshot, on a socket and over HTTP.

use sea_orm::ConnectionTrait as _;
use serde_json::{Value, json};

use super::feed_socket::FeedSocket;
use crate::support::{Branch, Client, World};

/// Simulates `yumo epoch new` beside a serving node, which then polls the epoch.
async fn another_epoch(world: &World) -> String {
    let shared = world.app().engine.shared();
    let epoch = platform::feed::epoch::begin_another(&shared.db, "a test", world.now());
    let epoch = epoch.await.unwrap().id.to_string();
    assert_eq!(shared.check_epoch().await.unwrap().id.to_string(), epoch);
    epoch
}

/// Simulates a restored database under a node: an epoch of the same number with another name.
async fn the_same_number_again(world: &World) -> String {
    let (shared, name) = (world.app().engine.shared(), uuid::Uuid::new_v4().to_string());
    let sql = format!("UPDATE feed_epoch SET epoch = '{name}'");
    shared.db.write.execute_unprepared(&sql).await.unwrap();
    assert_eq!(shared.check_epoch().await.unwrap().id.to_string(), name);
    name
}

/// Creates this many events for both: an order is placed and declined.
async fn happens(anar: &Client, kristal: &Branch, events: i64) {
    for _ in 0..events / 2 {
        let order = anar.orders(kristal).await;
        kristal.declines(&order).await.ok();
    }
}

fn resume(after: i64, epoch: &Value) -> Value {
    json!({"type": "resume", "after": after, "epoch": epoch})
}

both! {
    /// NOT-6: a device with a cursor of another epoch takes the snapshot, whatever the number; with
    /// the current epoch it goes on.
    async fn a_number_of_another_epoch_needs_the_snapshot(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        happens(&anar, &kristal, 4).await;
        let mut line = FeedSocket::open(&anar, "client").await;
        let before = line.hello["epoch"].clone();
        assert!(before.as_str().unwrap().len() > 8, "{before}");
        line.says(&resume(2, &before)).await;
        line.numbered(3, 4).await;
        let now = json!(another_epoch(world).await);
        assert_ne!(before, now);
        // A connected device is notified at once; the next event is not sent.
        let needed = json!({"type": "snapshot_needed", "oldest": 1, "seq": 4});
        assert_eq!(line.frame().await, needed);
        happens(&anar, &kristal, 2).await;
        let needed = json!({"type": "snapshot_needed", "oldest": 1, "seq": 6});
        let mut late = FeedSocket::open(&anar, "client").await;
        assert_eq!(late.hello["epoch"], now);
        for (after, epoch) in [(4, &before), (6, &before), (0, &before), (4, &Value::Null)] {
            late.says(&resume(after, epoch)).await;
            assert_eq!(late.frame().await, needed, "after {after} of {epoch}");
            let named = epoch.as_str().map(|epoch| format!("&epoch={epoch}")).unwrap_or_default();
            let polled = anar.get(&format!("/v1/feed/events?after={after}&wait=20{named}")).await;
            let polled = polled.ok();
            assert_eq!((&polled["snapshot_needed"], &polled["seq"]), (&true.into(), &6.into()));
            assert_eq!((&polled["events"], &polled["epoch"]), (&json!([]), &now));
        }
        let snapshot = anar.get("/v1/feed/snapshot").await.ok().clone();
        assert_eq!((&snapshot["seq"], &snapshot["epoch"]), (&6.into(), &now));
        late.says(&resume(4, &now)).await;
        late.numbered(5, 6).await;
        let path = format!("/v1/feed/events?after=5&epoch={}", now.as_str().unwrap());
        assert_eq!(anar.get(&path).await.ok()["events"][0]["seq"], 6);
        // A device without a cursor starts at the beginning.
        late.resumes(0).await;
        late.numbered(1, 6).await;
    }

    /// NOT-6: a database restored under a serving node numbers its epochs anew: a new epoch may
    /// have the number of the one before.
    async fn an_epoch_is_known_by_its_name(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        happens(&anar, &kristal, 2).await;
        let mut line = FeedSocket::open(&anar, "client").await;
        let before = line.hello["epoch"].clone();
        line.says(&resume(0, &before)).await;
        line.numbered(1, 2).await;
        let now = the_same_number_again(world).await;
        assert_ne!(before, json!(now));
        let needed = json!({"type": "snapshot_needed", "oldest": 1, "seq": 2});
        assert_eq!(line.frame().await, needed);
    }

    /// NOT-6, ORD-6: an acknowledgement of another epoch delivers nothing in this one.
    async fn an_acknowledgement_of_another_epoch_counts_for_nothing(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let audience = format!("branch:{}", kristal.partner_id);
        let mut line = FeedSocket::open(&kristal, &audience).await;
        let (seq, before) = (line.hello["seq"].as_i64().unwrap(), line.hello["epoch"].clone());
        let order = anar.orders(&kristal).await;
        let now = another_epoch(world).await;
        let ack = |epoch: Value| {
            json!({"audience": audience, "seq": seq + 1, "epoch": epoch})
        };
        for epoch in [before.clone(), Value::Null] {
            kristal.post("/v1/feed/ack", ack(epoch.clone())).await.refused("other_epoch");
            let says = json!({"type": "ack", "seq": seq + 1, "epoch": epoch});
            line.says(&says).await;
            let told = line.frame().await;
            assert_eq!((&told["type"], &told["code"]), (&json!("problem"), &json!("other_epoch")));
        }
        let deliveries = async || {
            world.support().sees(&order).await.ok()["deliveries"].as_array().unwrap().len()
        };
        assert_eq!(deliveries().await, 0);
        kristal.post("/v1/feed/ack", ack(json!(now))).await.ok();
        assert_eq!(deliveries().await, 1);
        kristal.declines(&order).await.ok();
    }

    /// NOT-6: a node that restarts on the same database stays in its epoch.
    async fn a_restart_is_no_other_epoch(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        happens(&anar, &kristal, 2).await;
        let before = anar.get("/v1/feed/snapshot").await.ok()["epoch"].clone();
        world.restarts_with(|_| ()).await;
        assert_eq!(anar.get("/v1/feed/snapshot").await.ok()["epoch"], before);
        happens(&anar, &kristal, 2).await;
        world.restarts_with(|_| ()).await;
        assert_eq!(anar.get("/v1/feed/snapshot").await.ok()["epoch"], before);
    }
}
