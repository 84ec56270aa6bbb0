//! Sockets over several nodes: a device has as many as it may on all of them together (LIM-8).

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::city::City;
use crate::ground::{Backend, Ground};
use crate::link::{Flow, Proxy};
use crate::server::Server;
use crate::wait::pause;

const MOST: usize = 4;
/// Longer than nodes remember the sockets of a node that died.
const PATIENCE: Duration = Duration::from_mins(1);
/// Longer than a node needs to find Redis again, and to notice that it is away.
const TOLD: Duration = Duration::from_secs(3);

/// Opens a socket; nothing where that is refused.
async fn opens(server: &Server, token: &str) -> Option<TcpStream> {
    let mut stream = TcpStream::connect(server.addr()).await.unwrap();
    let head = format!(
        "GET /v1/feed HTTP/1.1\r\nHost: yumo\r\nAuthorization: Bearer {token}\r\n\
         Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Protocol: yumo.v1\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = vec![0_u8; 4096];
    let n = stream.read(&mut answer).await.unwrap();
    let answer = String::from_utf8_lossy(&answer[..n]);
    if answer.starts_with("HTTP/1.1 101") {
        return Some(stream);
    }
    assert!(answer.starts_with("HTTP/1.1 429") && answer.contains("too_many_sockets"), "{answer}");
    None
}

/// Opens as many as it may.
async fn all(server: &Server, token: &str) -> Vec<TcpStream> {
    let mut open = Vec::new();
    while let Some(stream) = opens(server, token).await {
        open.push(stream);
        assert!(open.len() <= MOST, "more than a device may have");
    }
    open
}

async fn until_opens(server: &Server, token: &str, when: &str) -> TcpStream {
    let began = Instant::now();
    loop {
        if let Some(stream) = opens(server, token).await {
            return stream;
        }
        assert!(began.elapsed() < PATIENCE, "{when}: no socket is opened");
        pause(Duration::from_millis(200)).await;
    }
}

/// LIM-8: two nodes count a device's sockets together; what was closed, and what a node had that
/// died, counts no more; without Redis each node counts by itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_has_its_sockets_on_all_nodes_together() {
    let mut ground = Ground::new(Backend::Cluster).await;
    let city = City::found(&ground, 0, 2, 0).await;
    let url = std::env::var("YUMO_TEST_REDIS").unwrap();
    let redis = Proxy::to(url.trim_start_matches("redis://").to_owned()).await;
    ground.set("YUMO__BUS__REDIS_URL", &format!("redis://{}", redis.addr));
    ground.set("YUMO__FEED__SOCKETS_PER_SESSION", &MOST.to_string());
    let (mut one, two) = (Server::start(&ground).await, Server::start(&ground).await);
    let [anar, leyla] = [0, 1].map(|n: usize| city.clients[n].token.as_str());
    pause(TOLD).await;

    let mut open = all(&one, anar).await;
    assert_eq!(open.len(), MOST);
    assert!(opens(&two, anar).await.is_none(), "more on the other node");
    drop(open.pop());
    let moved = until_opens(&two, anar, "after one was closed").await;
    assert!(opens(&one, anar).await.is_none());

    redis.set(Flow::Cut);
    pause(TOLD).await;
    let (here, there) = (all(&one, leyla).await, all(&two, leyla).await);
    assert_eq!((here.len(), there.len()), (MOST, MOST), "each node counts by itself");
    redis.set(Flow::Open);
    drop(there);
    pause(TOLD).await;
    assert!(opens(&two, leyla).await.is_none(), "the other node's are known again");

    one.kill();
    drop((open, here));
    until_opens(&two, leyla, "after their node died").await;
    drop(moved);
    two.stop().await;
}
