//! Events: their order, their receivers, and acknowledgements.

use std::collections::BTreeSet;

use entity::feed_cursor;
use sea_orm::EntityTrait as _;
use serde_json::Value;

use super::feed_socket::FeedSocket;
use crate::support::{Branch, Client, Order, Person, World, seconds};

/// An order from its offer to its end: six or more events for each side.
async fn lives(world: &World, anar: &Client, kristal: &Branch) -> Order {
    let order = anar.orders(kristal).await;
    kristal.accepts(&order).await.status("confirmed");
    anar.departs(&order).await.status("on_the_way");
    anar.drives_to(world, &order, kristal).await.ok();
    kristal.admits(&order).await.status("active");
    kristal.completes(&order, 1500).await.status("completed");
    order
}

/// A page of the feed by long poll.
async fn polls(person: &Person, audience: &str, after: i64) -> Value {
    let path = format!("/v1/feed/events?audience={audience}&after={after}");
    person.get(&path).await.ok().clone()
}

fn newest(line: &FeedSocket) -> i64 {
    line.hello["seq"].as_i64().unwrap()
}

/// The frame without the time it was read at.
fn told(frame: &Value) -> Value {
    let mut frame = frame.clone();
    assert!(frame["server_now"].is_string(), "{frame}");
    frame.as_object_mut().unwrap().remove("server_now");
    frame
}

/// Waits until this device's stored acknowledgement reaches this number.
async fn acked(world: &World, line: &FeedSocket, seq: i64) {
    let session_id = line.hello["session_id"].as_str().unwrap().parse().unwrap();
    let key = (session_id, line.hello["audience"].as_str().unwrap().to_owned());
    let kept = async {
        loop {
            let row = feed_cursor::Entity::find_by_id(key.clone()).one(&world.db()).await.unwrap();
            if row.is_some_and(|row| row.seq >= seq) {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    let most = std::time::Duration::from_secs(20);
    tokio::time::timeout(most, kept).await.expect("the acknowledgement is kept");
}

both! {
    /// NOT-6: 1, 2, 3 … with the whole order in each, the same to both devices of a client; ORD-9:
    /// only the device that acted gets it marked as its own act.
    async fn two_devices_hear_the_same_story_in_order(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let tablet = anar.second_device().await;
        let (mut phone, mut other) =
            (FeedSocket::open(&anar, "client").await, FeedSocket::open(&tablet, "client").await);
        assert_eq!((newest(&phone), &phone.hello["acked"]), (0, &0.into()));
        assert_eq!(phone.hello["audience"], format!("client:{}", anar.person_id));
        assert_eq!(phone.hello["session_id"], anar.session_id);
        phone.resumes(0).await;
        other.resumes(0).await;
        let order = lives(world, &anar, &kristal).await;
        let last = newest(&FeedSocket::open(&anar, "client").await);
        let (heard, seen) = (phone.numbered(1, last).await, other.numbered(1, last).await);
        let ids: BTreeSet<String> = heard.iter().map(|frame| frame["id"].to_string()).collect();
        assert_eq!(ids.len(), heard.len(), "each event has its own id");
        let mut version = 0;
        for (frame, same) in heard.iter().zip(&seen) {
            assert_eq!((&frame["type"], &frame["id"]), (&"event".into(), &same["id"]));
            assert_eq!(frame["data"], same["data"]);
            assert_eq!(frame["data"]["order"]["id"], order.id);
            let now = frame["data"]["order"]["version"].as_i64().unwrap();
            assert!(now >= version, "{frame}");
            version = now;
            let by_him =
                ["order.requested", "order.departed"].contains(&frame["event"].as_str().unwrap());
            if by_him || frame["event"] == "order.confirmed" {
                assert_eq!(
                    (&frame["own"], &same["own"]),
                    (&by_him.into(), &false.into()),
                    "{frame}"
                );
            }
        }
        assert_eq!(heard.last().unwrap()["event"], "order.completed");
    }

    /// NOT-6, ORD-6: an event is delivered once a device acknowledged it; the acknowledgement is
    /// stored for that device alone.
    async fn an_acknowledged_offer_is_delivered(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let audience = format!("branch:{}", kristal.partner_id);
        let mut line = FeedSocket::open(&kristal, &audience).await;
        let before = newest(&line);
        line.resumes(before).await;
        let order = anar.orders(&kristal).await;
        line.numbered(before + 1, before + 1).await;
        let deliveries = async || world.support().sees(&order).await.ok()["deliveries"].clone();
        assert_eq!(deliveries().await.as_array().unwrap().len(), 0, "handed over is not delivered");
        line.acks(before + 1).await;
        acked(world, &line, before + 1).await;
        let delivered = deliveries().await;
        assert_eq!(delivered[0]["what"], "offer", "{delivered}");
        assert_eq!(FeedSocket::open(&kristal, &audience).await.hello["acked"], before + 1);
        let rufat = kristal.hires("operator").await;
        assert_eq!(FeedSocket::open(&rufat, &audience).await.hello["acked"], 0, "another device");
        kristal.declines(&order).await.status("cancelled");
    }

    /// NOT-6: a device that reconnects goes on at the next number: no duplicate, no gap.
    async fn a_device_that_was_away_goes_on_where_it_was(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let order = lives(world, &anar, &kristal).await;
        let mut whole = FeedSocket::open(&anar, "client").await;
        let last = newest(&whole);
        whole.resumes(0).await;
        let whole = whole.numbered(1, last).await;
        for after in 0..=last {
            let mut line = FeedSocket::open(&anar, "client").await;
            line.resumes(after).await;
            let rest = line.numbered(after + 1, last).await;
            let missed = whole.iter().skip(usize::try_from(after).unwrap());
            assert!(rest.iter().map(told).eq(missed.map(told)), "after {after}");
            assert!(line.answers().await);
        }
        assert_eq!(whole[0]["data"]["order"]["id"], order.id);
    }

    /// NOT-6: the same ids and the same data over a socket and by long poll.
    async fn a_poll_tells_what_a_socket_tells(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        lives(world, &anar, &kristal).await;
        let branch = format!("branch:{}", kristal.partner_id);
        for (person, audience) in [(&anar.person, "client"), (&kristal.person, branch.as_str())] {
            let mut line = FeedSocket::open(person, audience).await;
            let last = newest(&line);
            line.resumes(0).await;
            let frames = line.numbered(1, last).await;
            let page = polls(person, audience, 0).await;
            assert_eq!((&page["seq"], &page["snapshot_needed"]), (&last.into(), &false.into()));
            let events = page["events"].as_array().unwrap();
            assert!(events.iter().map(told).eq(frames.iter().map(told)), "{page}");
            let rest = polls(person, audience, last - 1).await;
            assert_eq!(told(&rest["events"][0]), told(frames.last().unwrap()));
            let none = polls(person, audience, last).await;
            assert_eq!((none["events"].as_array().unwrap().len(), &none["seq"]), (0, &last.into()));
        }
    }

    /// NOT-6: a waiting long poll answers with the next event; acknowledging works over HTTP too.
    async fn a_waiting_poll_hears_the_next_event(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let audience = format!("branch:{}", kristal.partner_id);
        let line = FeedSocket::open(&kristal, &audience).await;
        let seq = newest(&line);
        let path = format!("/v1/feed/events?audience={audience}&after={seq}&wait=25");
        let (waited, order) = tokio::join!(kristal.get(&path), anar.orders(&kristal));
        let event = waited.ok()["events"][0].clone();
        assert_eq!(
            (&event["seq"], &event["event"]),
            (&(seq + 1).into(), &"order.requested".into())
        );
        assert_eq!(event["data"]["order"]["id"], order.id);
        let acks = |seq: i64| {
            kristal.post("/v1/feed/ack", serde_json::json!({"audience": audience, "seq": seq}))
        };
        assert_eq!(acks(seq + 1).await.status, 204);
        acked(world, &line, seq + 1).await;
        assert_eq!(world.support().sees(&order).await.ok()["deliveries"][0]["what"], "offer");
        assert_eq!(acks(seq + 9).await.refused("not_yet_told")["seq"], seq + 1);
        kristal.declines(&order).await.ok();
        kristal.get(&format!("{path}0")).await.refused("malformed");
        world.clock.set(world.now() + seconds(1));
    }
}
