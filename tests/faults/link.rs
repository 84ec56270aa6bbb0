//! A TCP proxy in front of PostgreSQL that can be frozen (nothing passes, as when the server is
//! suspended), cut (connections end and new ones are closed at once, as when it is stopped), or
//! silent (connections are forgotten without a word, as a firewall does it).

use std::future::pending;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::wait::pause;

/// When the server gives up a connection that was forgotten.
const GIVEN_UP: Duration = Duration::from_secs(3);

/// What the proxy does with what it is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// Forwards them.
    Open,
    /// Keeps them until it is open again.
    Frozen,
    /// Closes every connection.
    Cut,
    /// Forgets every connection, for ever: whoever made it hears nothing more. The server's end is
    /// given up after a while, as its keepalive would do.
    Silent,
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

async fn serve(mut near: TcpStream, target: String, state: watch::Receiver<Flow>) {
    if *state.borrow() == Flow::Cut {
        return;
    }
    let Ok(mut far) = TcpStream::connect(target).await else { return };
    near.set_nodelay(true).unwrap();
    far.set_nodelay(true).unwrap();
    let silent = {
        let ((near_in, near_out), (far_in, far_out)) = (near.split(), far.split());
        tokio::select! {
            biased;
            ended = ends(state.clone()) => ended == Flow::Silent,
            () = pass(near_in, far_out, state.clone()) => false,
            () = pass(far_in, near_out, state.clone()) => false,
        }
    };
    if silent {
        pause(GIVEN_UP).await;
        drop(far);
        pending::<()>().await;
    }
}

/// Waits until connections end, or are forgotten.
async fn ends(mut state: watch::Receiver<Flow>) -> Flow {
    let ended = state.wait_for(|flow| matches!(flow, Flow::Cut | Flow::Silent)).await;
    ended.map_or(Flow::Cut, |flow| *flow)
}

async fn pass(mut from: ReadHalf<'_>, mut to: WriteHalf<'_>, mut state: watch::Receiver<Flow>) {
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
