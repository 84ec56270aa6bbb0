//! How a connection ends, and how a device continues.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::feed_socket::FeedSocket;
use crate::support::{Person, instant, seconds};

both! {
    /// NOT-6: a restarting server closes with 1012, answers polls, and feeds go on afterwards.
    async fn a_restart_is_told_and_nothing_is_lost(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let audience = format!("branch:{}", kristal.partner_id);
        let (mut his, mut theirs) =
            (FeedSocket::open(&anar, "client").await, FeedSocket::open(&kristal, &audience).await);
        let seq = theirs.hello["seq"].as_i64().unwrap();
        his.resumes(0).await;
        theirs.resumes(seq).await;
        let order = anar.orders(&kristal).await;
        his.numbered(1, 1).await;
        theirs.numbered(seq + 1, seq + 1).await;
        let poll = polls(&anar, 1).await;
        // It was sent before this request, to the same worker: so it has been processed.
        kristal.get("/v1/partner/branch").await.ok();
        let (his, theirs, ()) =
            tokio::join!(his.closed(), theirs.closed(), world.is_down_for(seconds(1)));
        assert_eq!((his, theirs), (1012, 1012));
        let polled = answer(poll).await;
        assert!(polled.starts_with("HTTP/1.1 200"), "{polled}");
        assert!(polled.contains("\"events\":[]"), "{polled}");
        kristal.accepts(&order).await.status("confirmed");
        let mut back = FeedSocket::open(&anar, "client").await;
        back.resumes(1).await;
        assert_eq!(back.numbered(2, 2).await[0]["event"], "order.confirmed");
        let mut branch = FeedSocket::open(&kristal, &audience).await;
        branch.resumes(seq + 1).await;
        assert_eq!(branch.numbered(seq + 2, seq + 2).await[0]["event"], "order.confirmed");
    }

    /// NOT-6: a device that sends nothing, not even a pong, is closed with 4008.
    async fn a_silent_device_is_let_go(world) {
        world.settings.feed.silence_s = 1;
        world.is_down_for(seconds(1)).await;
        let anar = world.client("Anar").await;
        let mut line = FeedSocket::open(&anar, "client").await;
        assert_eq!(line.closed().await, 4008);
        FeedSocket::open(&anar, "client").await;
    }

    /// ACC-1, LIM-8: a socket outlives the token it was opened with by a minute, but not the
    /// session.
    async fn a_socket_outlives_its_token(world) {
        let kristal = world.branch("Kristal").await;
        let anar = world.client("Anar").await;
        let mut line = FeedSocket::open(&anar, "client").await;
        line.resumes(0).await;
        let expires_at = instant(line.hello["expires_at"].as_str().unwrap());
        world.clock.set(expires_at + seconds(59));
        anar.get("/v1/auth/me").await.refused("token_expired");
        let (mut anar, mut kristal) = (anar, kristal);
        for person in [&mut anar.person, &mut kristal.person] {
            let again = person.second_device().await;
            *person = again;
        }
        let support = world.support().second_device().await;
        world.support.0 = support;
        let order = anar.orders(&kristal).await;
        assert_eq!(line.numbered(1, 1).await[0]["event"], "order.requested");
        kristal.declines(&order).await.ok();
        anar.ask("DELETE", "/v1/auth/sessions").send().await.ok();
        assert_eq!(line.closed().await, 4001);
    }
}

/// Polls for events after this cursor, on a connection that is already being served, without
/// waiting for the answer.
async fn polls(person: &Person, after: i64) -> TcpStream {
    let mut socket = TcpStream::connect(person.scene.addr()).await.unwrap();
    socket.write_all(b"GET /health/live HTTP/1.1\r\nHost: here\r\n\r\n").await.unwrap();
    let mut heard = Vec::new();
    while !heard.ends_with(b"{\"live\":true}") {
        assert!(socket.read_buf(&mut heard).await.unwrap() > 0, "{heard:?}");
    }
    let ask = format!(
        "GET /v1/feed/events?after={after}&wait=25 HTTP/1.1\r\nHost: here\r\n\
         Authorization: Bearer {}\r\n\r\n",
        person.token,
    );
    socket.write_all(ask.as_bytes()).await.unwrap();
    socket
}

/// Everything received until the connection was closed.
async fn answer(mut socket: TcpStream) -> String {
    let mut text = String::new();
    let all = socket.read_to_string(&mut text);
    tokio::time::timeout(Duration::from_secs(20), all).await.expect("it is answered").unwrap();
    text
}
