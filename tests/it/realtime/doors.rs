//! Permission to open a feed: tickets, origins, audiences.

use futures_util::future::join_all;
use serde_json::json;

use super::feed_socket::FeedSocket;
use crate::support::{Person, World, seconds};
use crate::wire::raw::{Answer, Raw};

async fn ticket(person: &Person, audience: Option<&str>) -> String {
    let body = audience.map_or_else(|| json!({}), |audience| json!({"audience": audience}));
    let taken = Raw::of(person, "POST", "/v1/auth/tickets").json(&body).send().await;
    assert_eq!(
        (taken.header("cache-control"), &taken.json["expires_in_s"]),
        (Some("no-store"), &30.into())
    );
    taken.ok(201)["ticket"].as_str().unwrap().to_owned()
}

/// A browser opens the socket with a ticket, from a page of this origin.
async fn browses(
    person: &Person,
    audience: &str,
    ticket: &str,
    origin: &str,
) -> Result<FeedSocket, u16> {
    let query = format!("audience={audience}&ticket={ticket}");
    FeedSocket::dial(person, &query, &[("origin", origin)]).await
}

fn own(world: &World) -> String {
    format!("http://{}", world.scene.addr())
}

/// The answer to a browser without the upgrade: every refusal comes before that.
async fn told(person: &Person, query: &str) -> Answer {
    Raw::of(person, "GET", &format!("/v1/feed?{query}")).token("").send().await
}

both! {
    /// ACC-1: a ticket opens one socket, even if it is used eight times concurrently.
    async fn a_ticket_serves_once(world) {
        let anar = world.client("Anar").await;
        let first = ticket(&anar, Some("client")).await;
        let mut line = browses(&anar, "client", &first, &own(world)).await.unwrap();
        assert_eq!(line.hello["session_id"], anar.session_id);
        assert!(line.answers().await);
        told(&anar, &format!("audience=client&ticket={first}"))
            .await
            .problem(401, "ticket_invalid");
        let (second, own) = (ticket(&anar, None).await, own(world));
        let all = join_all((0..8).map(|_| browses(&anar, "client", &second, &own))).await;
        assert_eq!(all.iter().filter(|line| line.is_ok()).count(), 1);
        assert!(all.iter().all(|line| line.as_ref().err().is_none_or(|status| *status == 401)));
    }

    /// ACC-1: a ticket is bound to its audience, expires after thirty seconds, and cannot be
    /// forged.
    async fn a_ticket_is_bound(world) {
        let kristal = world.branch("Kristal").await;
        let branch = format!("branch:{}", kristal.partner_id);
        let for_client = ticket(&kristal, Some("client")).await;
        let query = format!("audience={branch}&ticket={for_client}");
        told(&kristal, &query).await.problem(401, "ticket_invalid");
        browses(&kristal, "client", &for_client, &own(world)).await.unwrap();
        let free = ticket(&kristal, None).await;
        browses(&kristal, &branch, &free, &own(world)).await.unwrap();
        let old = ticket(&kristal, None).await;
        world.clock.set(world.now() + seconds(30));
        browses(&kristal, "client", &old, &own(world)).await.unwrap();
        let older = ticket(&kristal, None).await;
        world.clock.set(world.now() + seconds(31));
        for bad in [older.as_str(), "", "x", "a.b", &format!("x{older}"), &kristal.token] {
            told(&kristal, &format!("ticket={bad}")).await.problem(401, "ticket_invalid");
        }
    }

    /// ACC-1: a ticket of a device that was signed out opens nothing.
    async fn a_ticket_ends_with_its_session(world) {
        let anar = world.client("Anar").await;
        let taken = ticket(&anar, None).await;
        Raw::of(&anar, "DELETE", "/v1/auth/sessions").send().await;
        told(&anar, &format!("ticket={taken}")).await.problem(401, "session_ended");
    }

    /// NOT-6: pages of other origins are refused, and use up no ticket.
    async fn a_page_from_elsewhere_opens_nothing(world) {
        world.settings.http.allowed_origins = vec!["https://panel.yumo.az".to_owned()];
        world.is_down_for(seconds(1)).await;
        let anar = world.client("Anar").await;
        let taken = ticket(&anar, None).await;
        for page in ["https://evil.az", "null", "http://127.0.0.1", "https://panel.yumo.az.evil.az"]
        {
            assert_eq!(browses(&anar, "client", &taken, page).await.err(), Some(403), "{page}");
            let asked = Raw::of(&anar, "GET", "/v1/feed").header("Origin", page).send().await;
            asked.problem(403, "origin_not_allowed");
        }
        browses(&anar, "client", &taken, "https://panel.yumo.az").await.unwrap();
        let second = ticket(&anar, None).await;
        browses(&anar, "client", &second, &own(world)).await.unwrap();
    }

    /// NOT-6: everybody follows only their own feeds, by socket, poll, snapshot or ack.
    async fn anothers_feed_is_nobodys(world) {
        let (kristal, mirror) = (world.branch("Kristal").await, world.branch("Mirror").await);
        let (anar, leyla) = (world.client("Anar").await, world.client("Leyla").await);
        let branch = format!("branch:{}", kristal.partner_id);
        let foreign = [
            (&anar.person, branch.as_str(), 403, "audience_not_yours"),
            (&mirror.person, &branch, 403, "audience_not_yours"),
            (&kristal.person, "support", 403, "audience_not_yours"),
            (&anar.person, "support", 403, "audience_not_yours"),
            (&anar.person, &format!("client:{}", leyla.person_id), 400, "malformed"),
            (&anar.person, "branch:zz", 400, "malformed"),
            (&anar.person, "everybody", 400, "malformed"),
        ];
        for (person, audience, status, code) in foreign {
            for path in ["", "/events", "/snapshot"] {
                let path = format!("/v1/feed{path}?audience={audience}");
                Raw::of(person, "GET", &path).send().await.problem(status, code);
            }
            let body = json!({"audience": audience, "seq": 0});
            let ack = Raw::of(person, "POST", "/v1/feed/ack").json(&body).send().await;
            ack.problem(status, code);
            let taken = ticket(person, Some(audience)).await;
            told(person, &format!("audience={audience}&ticket={taken}"))
                .await
                .problem(status, code);
        }
        FeedSocket::open(&kristal, &branch).await;
        FeedSocket::open(world.support(), "support").await;
    }
}
