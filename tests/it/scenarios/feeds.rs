//! Feeds: complete, in order, each with its reader's view (ORD-9, NOT-6).

use serde_json::{Value, json};

use crate::support::{Feed, seconds};

both! {
    /// ORD-9: an event carries the whole order as its reader may see it, its version and the actor.
    async fn an_event_carries_the_whole_order_and_who_did_it(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let (mut client, mut branch) = (anar.follows().await, kristal.follows().await);
        let order = anar.orders(&kristal).await;
        kristal.accepts(&order).await.ok();
        let told = client.hears("order.confirmed").await;
        let seen = &told["data"]["order"];
        assert_eq!((&seen["status"], &seen["version"]), (&json!("confirmed"), &json!(2)));
        assert_eq!(seen["services"][0]["price"]["amount"], 1500);
        assert_eq!(told["data"]["actor"]["kind"], "staff");
        assert!(seen.get("commission").is_none(), "the client sees no commission");
        let told = branch.hears("order.confirmed").await;
        assert_eq!(told["data"]["order"]["commission"]["amount"], 135);
    }

    /// ORD-9: an event marks the device that caused it; the person's other devices are alerted.
    async fn a_device_knows_its_own_act(world) {
        let kristal = world.branch("Kristal").await;
        let mut second = kristal.clone();
        second.person = kristal.second_device().await;
        let (mut one, mut two) = (kristal.follows().await, second.follows().await);
        let order = world.client("Anar").await.orders(&kristal).await;
        kristal.accepts(&order).await.ok();
        let mine = one.hears("order.confirmed").await;
        let theirs = two.hears("order.confirmed").await;
        assert_eq!((&mine["own"], &theirs["own"]), (&json!(true), &json!(false)));
        assert_eq!(mine["id"], theirs["id"]);
    }

    /// NOT-6: resuming after N gives exactly N+1, N+2 …, on a socket and by polling, with the same
    /// ids.
    async fn resuming_gives_exactly_what_comes_after(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        for _ in 0..3 {
            let order = anar.orders(&kristal).await;
            anar.cancels(&order).await.ok();
        }
        let polled = anar.get("/v1/feed/events?after=2").await;
        let polled = polled.ok()["events"].as_array().unwrap().clone();
        let numbers: Vec<_> = polled.iter().map(|e| e["seq"].as_i64().unwrap()).collect();
        assert_eq!(numbers, [3, 4, 5, 6]);
        let mut feed = Feed::open(&anar, "client").await;
        feed.resumes(2).await;
        for event in &polled {
            let heard = feed.next().await;
            assert_eq!((&heard["id"], &heard["event"]), (&event["id"], &event["event"]));
            assert_eq!(heard["data"], event["data"]);
        }
        // Later events arrive from 7 on, without another request.
        anar.orders(&kristal).await;
        assert_eq!(feed.next().await["event"], "order.requested");
        assert_eq!(feed.seq, 7);
    }

    /// NOT-6: a cursor from the future needs the snapshot, which gives state and cursor of one
    /// moment.
    async fn a_reader_from_the_future_takes_the_snapshot(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let order = anar.orders(&kristal).await;
        let mut feed = Feed::open(&anar, "client").await;
        feed.resumes(99).await;
        let needed = feed.frame().await;
        assert_eq!((&needed["type"], &needed["seq"]), (&json!("snapshot_needed"), &json!(1)));
        assert_eq!(anar.get("/v1/feed/events?after=99").await.ok()["snapshot_needed"], true);
        let snapshot = anar.get("/v1/feed/snapshot").await;
        assert_eq!(snapshot.ok()["seq"], 1);
        assert_eq!(snapshot.json["orders"][0]["id"], json!(order.id));
        kristal.accepts(&order).await.ok();
        feed.resumes(1).await;
        assert_eq!(feed.next().await["event"], "order.confirmed");
    }

    /// NOT-6: snapshots taken during changes never show a state without its cursor.
    async fn a_snapshot_is_of_one_moment(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let order = anar.orders(&kristal).await;
        let path = format!("/v1/feed/snapshot?audience=branch:{}", kristal.partner_id);
        let moves = async {
            kristal.accepts(&order).await.ok();
            anar.departs(&order).await.ok();
            kristal.admits(&order).await.ok();
        };
        let looks = async {
            let mut seen = Vec::new();
            for _ in 0..25 {
                seen.push(kristal.get(&path).await);
            }
            seen
        };
        let ((), seen) = tokio::join!(moves, looks);
        let polled = format!("/v1/feed/events?audience=branch:{}&after=0", kristal.partner_id);
        let polled = kristal.get(&polled).await;
        let events = polled.ok()["events"].as_array().unwrap();
        for snapshot in seen {
            let seq = snapshot.ok()["seq"].as_u64().unwrap();
            let last = events.iter().rfind(|e| e["seq"].as_u64() <= Some(seq) && told(e));
            let version = &last.unwrap()["data"]["order"]["version"];
            assert_eq!(&snapshot.json["orders"][0]["version"], version, "at {seq}");
        }
    }

    /// NOT-6: an event its reader may not see keeps its number and has no content.
    async fn money_is_a_blank_to_an_operator(world) {
        let kristal = world.branch("Kristal").await;
        let operator = kristal.hires("operator").await;
        let (mut owner, mut serves) = (kristal.follows().await, operator.follows().await);
        world.support().credits(&kristal.partner_id, 700).await.ok();
        let order = world.client("Anar").await.orders(&kristal).await;
        assert_eq!(owner.next().await["event"], "balance.changed");
        let blank = serves.next().await;
        assert_eq!(blank, json!({"type": "blank", "seq": serves.seq}));
        let heard = serves.next().await;
        assert_eq!(heard["data"]["order"]["id"], json!(order.id));
        let after = serves.seq - 2;
        let path = format!("/v1/feed/events?audience=branch:{}&after={after}", kristal.partner_id);
        let polled = operator.get(&path).await;
        assert_eq!(polled.ok()["events"][0], blank);
        assert_eq!(kristal.get(&path).await.ok()["events"][0]["event"], "balance.changed");
        operator.get("/v1/partner/balance").await.refused("forbidden");
    }

    /// NOT-6: each device has its own cursor, which never moves back.
    async fn a_cursor_belongs_to_a_device(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let second = anar.second_device().await;
        let mut feed = anar.follows().await;
        let order = anar.orders(&kristal).await;
        feed.next().await;
        feed.acks().await;
        world.advance(seconds(1)).await;
        kristal.accepts(&order).await.ok();
        let (one, two) = (Feed::open(&anar, "client").await, Feed::open(&second, "client").await);
        assert_eq!((&one.hello["acked"], &one.hello["seq"]), (&json!(1), &json!(2)));
        assert_eq!((&two.hello["acked"], &two.hello["seq"]), (&json!(0), &json!(2)));
        anar.post("/v1/feed/ack", json!({"seq": 2})).await.ok();
        anar.post("/v1/feed/ack", json!({"seq": 1})).await.ok();
        assert_eq!(Feed::open(&anar, "client").await.hello["acked"], 2);
        anar.post("/v1/feed/ack", json!({"seq": 3})).await.refused("not_yet_told");
        anar.post("/v1/feed/ack", json!({"seq": -1})).await.refused("malformed");
    }
}

fn told(event: &Value) -> bool {
    event["type"] == "event" && event["data"]["order"].is_object()
}
