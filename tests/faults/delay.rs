//! A proxy with latency: it delays the bytes between a node and its database by some milliseconds.

use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use crate::wait::pause;

/// Listens on a free port and forwards everything after the delay `by`.
pub async fn delaying(to: String, by: Duration) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((near, _)) = listener.accept().await {
            let Ok(far) = TcpStream::connect(&to).await else { continue };
            near.set_nodelay(true).unwrap();
            far.set_nodelay(true).unwrap();
            let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
            pump(near_in, far_out, by);
            pump(far_in, near_out, by);
        }
    });
    addr.to_string()
}

fn pump(
    mut from: impl AsyncRead + Unpin + Send + 'static,
    mut into: impl AsyncWrite + Unpin + Send + 'static,
    by: Duration,
) {
    let (sender, mut receiver) = mpsc::channel::<(Instant, Vec<u8>)>(1024);
    tokio::spawn(async move {
        let mut bytes = vec![0; 64 * 1024];
        while let Ok(n @ 1..) = from.read(&mut bytes).await {
            if sender.send((Instant::now() + by, bytes[..n].to_vec())).await.is_err() {
                return;
            }
        }
    });
    tokio::spawn(async move {
        while let Some((due, bytes)) = receiver.recv().await {
            pause(due.saturating_duration_since(Instant::now())).await;
            if into.write_all(&bytes).await.is_err() {
                return;
            }
        }
        let _ = into.shutdown().await;
    });
}
