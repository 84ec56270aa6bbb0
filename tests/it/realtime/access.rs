//! Lifetime and number of sockets (LIM-8, ACC-4).

use std::sync::Arc;

use serde_json::json;

use super::feed_socket::FeedSocket;
use crate::support::world::{Backend, World, tell};
use crate::support::{Person, instant, seconds};
use crate::wire::raw::Raw;

async fn ticket(person: &Person) -> String {
    let taken = Raw::of(person, "POST", "/v1/auth/tickets").json(&json!({})).send().await;
    taken.ok(201)["ticket"].as_str().unwrap().to_owned()
}

/// Opens a socket as a browser does; returns the close code if it is closed before any `hello`.
async fn browses(person: &Person, audience: &str, ticket: &str) -> Result<u16, u16> {
    let query = format!("audience={audience}&ticket={ticket}");
    FeedSocket::turned_away(person, &query, &[]).await
}

async fn again(person: &mut Person) {
    let body = json!({"refresh_token": person.refresh_token});
    let tokens = Raw::of(person, "POST", "/v1/auth/refresh").token("").json(&body).send().await;
    let tokens = tokens.ok(200).clone();
    person.takes(&tokens);
}

async fn with_feed(world: &mut World, change: impl FnOnce(&mut yumo::config::FeedSettings)) {
    change(&mut world.settings.feed);
    world.is_down_for(seconds(1)).await;
}

both! {
    /// LIM-8: a socket lives for a minute after its access token expired, and longer if the device
    /// presents a new one of the same session.
    async fn lim_8_a_socket_renews_its_access(world) {
        world.settings.access.access_ttl_s = 900;
        world.is_down_for(seconds(1)).await;
        let mut anar = Person::signs_in(&world.scene, "Anar", &world.scene.phone()).await;
        let mut line = FeedSocket::open(&anar, "client").await;
        let mut silent = FeedSocket::open(&anar, "client").await;
        let expires_at = instant(line.hello["expires_at"].as_str().unwrap());
        assert_eq!(expires_at.timestamp(), (world.now() + seconds(900)).timestamp());
        world.clock.set(expires_at);
        let stranger = Person::signs_in(&world.scene, "Leyla", &world.scene.phone()).await;
        for (bad, code) in [
            (anar.token.as_str(), "token_expired"),
            (&stranger.token, "unauthenticated"),
            ("x", "unauthenticated"),
        ] {
            line.says(&json!({"type": "renew", "token": bad})).await;
            let said = line.frame().await;
            assert_eq!((&said["type"], &said["code"]), (&json!("problem"), &json!(code)));
        }
        again(&mut anar).await;
        line.says(&json!({"type": "renew", "token": anar.token})).await;
        let renewed = line.frame().await;
        assert_eq!(renewed["type"], "renewed");
        let until = instant(renewed["expires_at"].as_str().unwrap());
        assert_eq!(until.timestamp(), (expires_at + seconds(900)).timestamp());
        world.clock.set(expires_at + seconds(60));
        assert_eq!(silent.closed().await, 4002);
        assert!(line.answers().await, "it was renewed");
        world.clock.set(until + seconds(60));
        assert_eq!(line.closed().await, 4002);
    }

    /// LIM-8: the sockets of one session and of one account are limited; closing one makes room,
    /// and other accounts are unaffected.
    async fn lim_8_sockets_are_counted(world) {
        with_feed(world, |feed| {
            (feed.sockets_per_session, feed.sockets_per_account) = (2, 3);
        })
        .await;
        let (anar, leyla) = (world.client("Anar").await, world.client("Leyla").await);
        let tablet = anar.second_device().await;
        let mut first = FeedSocket::open(&anar, "client").await;
        let second = FeedSocket::open(&anar, "client").await;
        let asked = Raw::of(&anar, "GET", "/v1/feed").send().await;
        asked.problem(429, "too_many_sockets");
        assert_eq!(browses(&anar, "client", &ticket(&anar).await).await, Ok(4029));
        let third = FeedSocket::open(&tablet, "client").await;
        let asked = Raw::of(&tablet, "GET", "/v1/feed").send().await;
        asked.problem(429, "too_many_sockets");
        assert!(FeedSocket::open(&leyla, "client").await.answers().await);
        first.sends(tokio_tungstenite::tungstenite::Message::Close(None)).await;
        first.ends().await;
        let mut room = FeedSocket::when_there_is_room(&anar, "client").await;
        assert!(room.answers().await);
        drop((second, third));
    }

    /// LIM-8: resumes and snapshots of one session are rate-limited; the refusal gives the time to
    /// wait.
    async fn lim_8_resumes_and_snapshots_are_rationed(world) {
        with_feed(world, |feed| (feed.resumes_per_min, feed.snapshots_per_min) = (3, 2)).await;
        let (anar, leyla) = (world.client("Anar").await, world.client("Leyla").await);
        let mut line = FeedSocket::open(&anar, "client").await;
        for _ in 0..4 {
            line.resumes(0).await;
        }
        let said = line.frame().await;
        assert_eq!((&said["type"], &said["code"]), (&json!("problem"), &json!("too_many_resumes")));
        assert!((1..=20).contains(&said["retry_after_s"].as_i64().unwrap()), "{said}");
        assert!(line.answers().await, "the socket stays");
        let snapshot = async |person: &Person| Raw::of(person, "GET", "/v1/feed/snapshot").send().await;
        snapshot(&anar).await.ok(200);
        snapshot(&anar).await.ok(200);
        let no = snapshot(&anar).await;
        no.problem(429, "too_many_snapshots");
        let wait: u64 = no.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=30).contains(&wait), "{wait}");
        snapshot(&leyla).await.ok(200);
        let mut hers = FeedSocket::open(&leyla, "client").await;
        hers.resumes(0).await;
        assert!(hers.answers().await);
    }

    /// LIM-8: a browser cannot read a status: ended access gets a close code after accepting.
    async fn lim_8_a_browser_is_told_by_a_close_code(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let branch = format!("branch:{}", kristal.partner_id);
        assert_eq!(browses(&anar, &branch, &ticket(&anar).await).await, Ok(4003));
        let late = ticket(&anar).await;
        anar.ask("DELETE", "/v1/auth/sessions").send().await.ok();
        assert_eq!(browses(&anar, "client", &late).await, Ok(4001));
        // An invalid ticket is refused before the socket opens.
        assert_eq!(browses(&anar, "client", "x").await, Err(401));
    }
}

/// LIM-8, ACC-4: a node without the other node's bus messages: a role is removed and a session
/// ended on the other node. Its sockets end all the same, as it polls the database.
#[test]
fn lim_8_a_deaf_node_ends_sockets_too() {
    tell(Backend::Postgres, async |world| {
        let kristal = world.branch("Kristal").await;
        let (rufat, anar) = (kristal.hires("operator").await, world.client("Anar").await);
        let audience = format!("branch:{}", kristal.partner_id);
        let clock = Arc::new(world.clock.clone());
        let deaf = world
            .beside_with(clock, |settings| {
                settings.bus.channel.push_str("_deaf");
                settings.feed.look_s = 1;
            })
            .await;
        world.scene.moves_to(&deaf);
        let mut staff = FeedSocket::open(&rufat, &audience).await;
        let mut owners = FeedSocket::open(&kristal, &audience).await;
        let mut client = FeedSocket::open(&anar, "client").await;
        for line in [&mut staff, &mut owners, &mut client] {
            line.resumes(0).await;
            assert!(line.answers().await);
        }
        world.scene.moves_to(world.app());
        let path = format!("/v1/partner/staff/{}", rufat.person_id);
        assert_eq!(kristal.ask("DELETE", &path).send().await.status, 204);
        assert_eq!(anar.ask("DELETE", "/v1/auth/sessions").send().await.status, 204);
        assert_eq!(staff.closed().await, 4003);
        assert_eq!(client.closed().await, 4001);
        assert!(owners.answers().await, "the owner's stays");
        deaf.stop().await;
    });
}
