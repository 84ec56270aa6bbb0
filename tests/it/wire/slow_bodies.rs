//! Request bodies that do not arrive: the wait for them is bounded.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::World;

/// Sends a head that declares this many bytes, none of them, and reads the answer: its status line,
/// and how long it took.
async fn declares(world: &World, bytes: usize) -> (String, Duration) {
    let began = Instant::now();
    let mut line = TcpStream::connect(world.scene.addr()).await.unwrap();
    let head = format!(
        "POST /v1/auth/otp HTTP/1.1\r\nHost: yumo\r\nContent-Type: application/json\r\n\
         Content-Length: {bytes}\r\n\r\n"
    );
    line.write_all(head.as_bytes()).await.unwrap();
    let mut answer = [0_u8; 512];
    let read = tokio::time::timeout(Duration::from_mins(1), line.read(&mut answer));
    let n = read.await.expect("the request is held open").unwrap();
    let text = String::from_utf8_lossy(&answer[..n]).into_owned();
    (text.lines().next().unwrap_or_default().to_owned(), began.elapsed())
}

both! {
    /// The wire conventions: an oversized body is refused when it is declared, and a late body is
    /// not waited for any longer.
    async fn a_body_that_never_comes_holds_nothing_open(world) {
        // An oversized body is refused without waiting, however long the time-out is.
        world.restarts_with(|settings| settings.http.body_timeout_s = 600).await;
        let (status, _) = declares(world, 1 << 30).await;
        assert_eq!(status, "HTTP/1.1 413 Payload Too Large");
        world.restarts_with(|settings| settings.http.body_timeout_s = 1).await;
        let (status, after) = declares(world, 30).await;
        assert_eq!(status, "HTTP/1.1 408 Request Timeout");
        assert!(after >= Duration::from_secs(1), "{after:?}");
    }
}
