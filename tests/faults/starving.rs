//! Peers that hold connections without progress: bodies and heads that never end, silent sockets,
//! frames that declare more than the machine's memory. None of it depends on the database, so it
//! runs on SQLite; every attack is bounded in number and time.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use nix::sys::resource::{Resource, getrlimit};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

use crate::city::City;
use crate::ground::{Backend, Ground};
use crate::server::Server;
use crate::wait::pause;
use crate::wire::Request;

/// How long the server may take to close what it must close; its own time-outs are a second or two.
const PATIENCE: Duration = Duration::from_mins(1);
/// The pause between two bytes of a slow head.
const SLOW: Duration = Duration::from_millis(300);
/// Silent sockets, where the machine lets a process open so many.
const IDLE: usize = 10_000;
const HALF_HEADS: usize = 2_000;
/// Sockets from one address, so that 28,000 ports are enough and no address is refused.
const PER_ADDRESS: usize = 200;
/// Memory that an oversized frame may make the server allocate, KiB.
const KEPT_KIB: u64 = 32 * 1024;

async fn ground() -> Ground {
    let mut ground = Ground::new(Backend::Sqlite).await;
    for (name, value) in [
        ("YUMO__HTTP__HEAD_TIMEOUT_S", "1"),
        ("YUMO__HTTP__IDLE_TIMEOUT_S", "4"),
        ("YUMO__HTTP__BODY_TIMEOUT_S", "1"),
        ("YUMO__HTTP__CONNECTIONS_PER_ADDRESS", "256"),
    ] {
        ground.set(name, value);
    }
    ground
}

/// The n-th address of this machine's loopback network.
fn from(n: usize) -> SocketAddr {
    format!("127.0.{}.{}:0", 1 + n / 200, 1 + n % 200).parse().unwrap()
}

async fn connect(from: SocketAddr, server: &Server) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(from).unwrap();
    socket.connect(server.addr()).await.unwrap()
}

/// Sends this, and waits until the server closes the connection.
async fn ends(mut stream: TcpStream, sent: &[u8]) {
    // It may have been closed already.
    let _ = stream.write_all(sent).await;
    let read = async {
        let mut bytes = [0_u8; 4096];
        while stream.read(&mut bytes).await.is_ok_and(|n| n > 0) {}
    };
    tokio::time::timeout(PATIENCE, read).await.expect("the connection is held open");
}

/// Sends a byte now and then until the server closes the connection.
async fn trickles(mut stream: TcpStream, bytes: &[u8]) {
    let began = Instant::now();
    let mut answer = [0_u8; 4096];
    for byte in bytes.iter().cycle() {
        assert!(began.elapsed() < PATIENCE, "a slow head is waited for");
        if stream.write_all(&[*byte]).await.is_err() {
            return;
        }
        let read = tokio::time::timeout(SLOW, stream.read(&mut answer)).await;
        if matches!(read, Ok(Ok(0) | Err(_))) {
            return;
        }
    }
}

/// Another client is answered.
async fn others_are_served(server: &Server, during: &str) {
    let began = Instant::now();
    let answer = server.wire.sure("", &Request::get("/health/ready")).await;
    assert_eq!(answer.status, 200, "{during}: {}", answer.text);
    assert!(began.elapsed() < PATIENCE, "{during}: answered after {:?}", began.elapsed());
}

/// A chunked body that never ends holds a connection no longer than a request may take, whether its
/// route reads it, refuses it first, or reads none.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_in_chunks_that_never_ends_is_ended() {
    let mut ground = ground().await;
    // A handler that takes longer than a head may: its answer starts a new phase of the connection.
    ground.set("YUMO__HTTP__BODY_TIMEOUT_S", "3");
    let server = Server::start(&ground).await;
    let head = |route: &str| {
        format!("{route} HTTP/1.1\r\nHost: yumo\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{{\"a\"")
    };
    let routes = ["POST /v1/auth/otp", "POST /v1/client/orders", "GET /health/live", "POST /none"];
    let mut held = Vec::new();
    for n in 0..240 {
        let (stream, text) = (connect(from(n), &server).await, head(routes[n % routes.len()]));
        held.push(async move { ends(stream, text.as_bytes()).await });
    }
    let (_, ()) = tokio::join!(join_all(held), others_are_served(&server, "unfinished bodies"));
}

/// The head of a request has a deadline: the first of a connection, and every later one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_head_that_never_ends_is_ended() {
    let ground = ground().await;
    let server = Server::start(&ground).await;
    let slow = b"GET /health/live HTTP/1.1\r\nHost: yumo\r\nX-Slow: ";
    let first = (0..150).map(|n| {
        let server = &server;
        async move { trickles(connect(from(n), server).await, slow).await }
    });
    let later = (150..300).map(|n| {
        let server = &server;
        async move {
            let mut stream = connect(from(n), server).await;
            stream.write_all(b"GET /health/live HTTP/1.1\r\nHost: yumo\r\n\r\n").await.unwrap();
            let mut answer = [0_u8; 512];
            let n = stream.read(&mut answer).await.unwrap();
            assert!(answer[..n].starts_with(b"HTTP/1.1 200"));
            trickles(stream, slow).await;
        }
    });
    tokio::join!(join_all(first), join_all(later), others_are_served(&server, "slow heads"));
}

/// Ten thousand silent sockets and two thousand with half a head are closed, and others are served
/// meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sockets_that_say_nothing_are_ended() {
    let ground = ground().await;
    let server = Server::start(&ground).await;
    let (_, may_open) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    let room = usize::try_from(may_open).unwrap_or(usize::MAX).saturating_sub(1_000);
    let (idle, half) = (IDLE.min(room * 5 / 6), HALF_HEADS.min(room / 6));
    eprintln!("{idle} idle sockets, {half} half heads");
    let mut open = Vec::new();
    for n in 0..idle + half {
        open.push(connect(from(n / PER_ADDRESS), &server).await);
        if n % 1_000 == 0 {
            others_are_served(&server, "opening").await;
        }
    }
    let ending = open.into_iter().enumerate().map(|(n, stream)| {
        let sent: &[u8] = if n < idle { b"" } else { b"GET /health/live HTTP/1.1\r\nHo" };
        ends(stream, sent)
    });
    tokio::join!(join_all(ending), others_are_served(&server, "12,000 silent sockets"));
    others_are_served(&server, "afterwards").await;
}

/// The connections of one address are limited; other addresses are served all the while.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_address_leaves_room_for_others() {
    let mut ground = ground().await;
    ground.set("YUMO__HTTP__CONNECTIONS_PER_ADDRESS", "50");
    ground.set("YUMO__HTTP__HEAD_TIMEOUT_S", "600");
    let server = Server::start(&ground).await;
    let mut open = Vec::new();
    for _ in 0..200 {
        open.push(connect(from(0), &server).await);
    }
    others_are_served(&server, "200 from one address").await;
    let asked = open.iter_mut().map(|stream| async {
        // Refused ones may be closed already.
        let _ = stream.write_all(b"GET /health/live HTTP/1.1\r\nHost: yumo\r\n\r\n").await;
        let mut answer = [0_u8; 512];
        stream.read(&mut answer).await.is_ok_and(|n| n > 0)
    });
    let answered = join_all(asked).await.into_iter().filter(|answered| *answered).count();
    assert_eq!(answered, 50);
}

/// A WebSocket frame that declares 2^62 bytes is refused before its payload: close code 1009, and
/// nothing of it is buffered.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frame_that_declares_too_much_is_refused_by_its_head() {
    let ground = ground().await;
    let city = City::found(&ground, 0, 1, 0).await;
    let server = Server::start(&ground).await;
    let token = &city.clients[0].token;
    let mut stream = connect(from(0), &server).await;
    let head = format!(
        "GET /v1/feed HTTP/1.1\r\nHost: yumo\r\nAuthorization: Bearer {token}\r\n\
         Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Protocol: yumo.v1\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = vec![0_u8; 4096];
    let n = stream.read(&mut answer).await.unwrap();
    assert!(answer[..n].starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&answer[..n]));
    let before = server.resident_kib();
    let (mut read, mut write) = stream.into_split();
    let sending = async {
        // FIN, text; masked, 64 bits of length: 2^62.
        let mut head = vec![0x81, 0xff, 0x40, 0, 0, 0, 0, 0, 0, 0];
        head.extend([1, 2, 3, 4]);
        if write.write_all(&head).await.is_err() {
            return;
        }
        let body = vec![0_u8; 1 << 20];
        // 128 MiB at most: it is refused long before.
        for _ in 0..128 {
            if write.write_all(&body).await.is_err() {
                return;
            }
        }
    };
    let reading = async {
        let mut told = Vec::new();
        let mut bytes = [0_u8; 4096];
        while let Ok(n @ 1..) = read.read(&mut bytes).await {
            told.extend_from_slice(&bytes[..n]);
        }
        told
    };
    let both = async { tokio::join!(reading, sending) };
    let (told, ()) = tokio::time::timeout(PATIENCE, both).await.expect("it is held open");
    let after = server.resident_kib();
    // A close frame: 0x88, its length, the code in network byte order: 1009 is 0x03f1.
    let closed = told.windows(4).any(|w| w[0] == 0x88 && w[2..4] == [0x03, 0xf1]);
    assert!(closed, "not closed with 1009: {told:?}");
    assert!(after < before + KEPT_KIB, "{before} KiB before, {after} KiB after");
    others_are_served(&server, "after the frame").await;
}

/// An answer that the peer does not read is abandoned, and its connection closed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_nobody_takes_is_given_up() {
    let mut ground = ground().await;
    ground.set("YUMO__HTTP__STALL_TIMEOUT_S", "1");
    let server = Server::start(&ground).await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut stream = socket.connect(server.addr()).await.unwrap();
    // Far more than the kernel buffers for one socket is requested, and none of it read.
    let ask = b"GET /openapi.json HTTP/1.1\r\nHost: yumo\r\n\r\n".repeat(64);
    stream.write_all(&ask).await.unwrap();
    let gone = async {
        while server.connections().await > 1 {
            pause(SLOW).await;
        }
    };
    tokio::time::timeout(PATIENCE, gone).await.expect("the answer is kept for ever");
    drop(stream);
}
