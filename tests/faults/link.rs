//! A TCP proxy in front of PostgreSQL that can be frozen (nothing passes, as when the server is
//! suspended) or cut (connections end and new ones are closed at once, as when it is stopped).

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What the proxy does with the bytes it receives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// Forwards them.
    Open,
    /// Keeps them until it is open again.
    Frozen,
    /// Closes every connection.
    Cut,
}

/// A running proxy; it ends with the test's runtime.
pub struct Proxy {
    /// Its listening address.
    pub addr: SocketAddr,
    flow: watch::Sender<Flow>,
}

impl Proxy {
    /// Starts an open one in front of this address.
    pub async fn to(target: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (flow, state) = watch::channel(Flow::Open);
        let addr = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                tokio::spawn(serve(near, target.clone(), state.clone()));
            }
        });
        Self { addr, flow }
    }

    /// Switches what it does from now on.
    pub fn set(&self, flow: Flow) {
        self.flow.send_replace(flow);
    }
}

async fn serve(near: TcpStream, target: String, mut state: watch::Receiver<Flow>) {
    if *state.borrow() == Flow::Cut {
        return;
    }
    let Ok(far) = TcpStream::connect(target).await else { return };
    near.set_nodelay(true).unwrap();
    far.set_nodelay(true).unwrap();
    let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
    tokio::select! {
        () = pass(near_in, far_out, state.clone()) => {}
        () = pass(far_in, near_out, state.clone()) => {}
        _ = state.wait_for(|flow| *flow == Flow::Cut) => {}
    }
}

async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut state: watch::Receiver<Flow>) {
    let mut bytes = vec![0; 16 * 1024];
    loop {
        let Ok(n @ 1..) = from.read(&mut bytes).await else { return };
        if state.wait_for(|flow| *flow == Flow::Open).await.is_err() {
            return;
        }
        if to.write_all(&bytes[..n]).await.is_err() {
            return;
        }
    }
}
