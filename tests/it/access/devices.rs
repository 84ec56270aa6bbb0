//! The list of devices, and signing devices out.

use serde_json::Value;

use super::{me, refreshes};
use crate::realtime::feed_socket::FeedSocket;
use crate::support::{Person, seconds};
use crate::wire::raw::Raw;

async fn devices(person: &Person) -> Vec<Value> {
    let list = Raw::of(person, "GET", "/v1/auth/sessions").send().await;
    list.ok(200)["items"].as_array().unwrap().clone()
}

async fn ends(person: &Person, session_id: &str) -> crate::wire::raw::Answer {
    Raw::of(person, "DELETE", &format!("/v1/auth/sessions/{session_id}")).send().await
}

both! {
    /// ACC-1: everybody sees their own devices, newest first, with the current one marked.
    async fn anar_sees_his_devices(world) {
        let anar = world.client("Anar").await.person;
        world.client("Leyla").await;
        world.clock.set(world.now() + seconds(5));
        let tablet = anar.second_device().await;
        let list = devices(&anar).await;
        let ids: Vec<&str> = list.iter().map(|device| device["id"].as_str().unwrap()).collect();
        assert_eq!(ids, [&tablet.session_id, &anar.session_id]);
        let current: Vec<bool> = list.iter().map(|device| device["current"] == true).collect();
        assert_eq!(current, [false, true]);
        assert_eq!(list[1]["device"], "Anar's phone");
        assert_eq!(list[0]["created_at"], serde_json::to_value(world.now()).unwrap());
        let first = list[1]["last_seen_at"].clone();
        refreshes(&anar, &anar.refresh_token).await.ok(200);
        assert_ne!(devices(&anar).await[1]["last_seen_at"], first, "it was seen again");
    }

    /// ACC-1: signing a device out ends its socket and its refresh token at once.
    async fn a_lost_phone_is_signed_out(world) {
        let phone = world.client("Anar").await.person;
        let tablet = phone.second_device().await;
        let (mut lost, mut kept) =
            (FeedSocket::open(&phone, "client").await, FeedSocket::open(&tablet, "client").await);
        me(&phone).await.ok(200);
        assert_eq!(ends(&tablet, &phone.session_id).await.status, 204);
        me(&phone).await.problem(401, "session_ended");
        refreshes(&phone, &phone.refresh_token).await.problem(401, "refresh_invalid");
        assert_eq!(lost.closed().await, 4001);
        ends(&tablet, &phone.session_id).await.problem(404, "no_such_session");
        assert!(kept.answers().await);
        assert_eq!(devices(&tablet).await.len(), 1);
    }

    /// ACC-1: signing out everywhere ends all of the person's sessions, and nobody else's.
    async fn anar_signs_out_everywhere(world) {
        let phone = world.client("Anar").await.person;
        let (tablet, leyla) = (phone.second_device().await, world.client("Leyla").await);
        let mut lines = [FeedSocket::open(&phone, "client").await, FeedSocket::open(&tablet, "client").await];
        let mut hers = FeedSocket::open(&leyla, "client").await;
        assert_eq!(Raw::of(&phone, "DELETE", "/v1/auth/sessions").send().await.status, 204);
        for device in [&phone, &tablet] {
            me(device).await.problem(401, "session_ended");
            refreshes(device, &device.refresh_token).await.problem(401, "refresh_invalid");
        }
        for line in &mut lines {
            assert_eq!(line.closed().await, 4001);
        }
        me(&leyla).await.ok(200);
        assert!(hers.answers().await);
        me(&phone.second_device().await).await.ok(200);
    }

    /// ACC-1: another person's device is not found.
    async fn nobody_signs_anothers_device_out(world) {
        let (anar, leyla) = (world.client("Anar").await, world.client("Leyla").await);
        ends(&leyla, &anar.session_id).await.problem(404, "no_such_session");
        me(&anar).await.ok(200);
    }

    /// ACC-1: with fifty-one devices the least recently seen one is signed out.
    async fn the_fifty_first_device_takes_the_place_of_the_oldest(world) {
        let first = world.client("Anar").await.person;
        for _ in 1..yumo::access::sessions::session::SESSIONS_MAX {
            world.clock.set(world.now() + seconds(1));
            first.second_device().await;
        }
        me(&first).await.ok(200);
        world.clock.set(world.now() + seconds(1));
        let newest = first.second_device().await;
        me(&first).await.problem(401, "session_ended");
        assert_eq!(devices(&newest).await.len(), yumo::access::sessions::session::SESSIONS_MAX);
    }
}
