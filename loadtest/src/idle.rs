//! Measurement of the server's memory per idle authenticated socket.

use crate::check::check;
use crate::cpu;
use crate::feeds::Feeds;
use crate::options::Idle;
use crate::report::Report;
use crate::scene::{Scene, policy};
use client::{Credentials, Frame, Incoming, Socket, StopSignal};
use futures_util::{StreamExt, TryStreamExt};
use simulator::Person;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;
use tokio::task::JoinSet;

/// Sockets opened concurrently.
const OPENINGS_MAX: usize = 64;
/// How long the server is left idle before its memory is read.
const SETTLE: Duration = Duration::from_secs(2);

/// Sockets held open in the background; dropping it closes them.
pub struct IdleSockets {
    tasks: JoinSet<()>,
    lost: Arc<AtomicU64>,
}

impl IdleSockets {
    /// How many were opened.
    pub fn len(&self) -> usize {
        self.tasks.len()
    }

    /// How many the server has closed since.
    pub fn lost(&self) -> u64 {
        self.lost.load(Relaxed)
    }
}

/// Runs the measurement.
pub async fn run(options: &Idle) -> Result<Report, String> {
    let scene = Scene::set(&options.place, 1, 1).await?;
    let count = usize::try_from(options.sockets).unwrap_or(0);
    let people = scene.listeners(0, count).await?;
    settle(&scene.stop).await;
    let before = scene.server.pid().and_then(cpu::rss_kib);
    let held = open_sockets(people).await?;
    settle(&scene.stop).await;
    let opened = scene.server.pid().and_then(cpu::rss_kib);
    scene.stop.rest(Duration::from_secs(options.seconds.into())).await;
    let after = scene.server.pid().and_then(cpu::rss_kib);

    let mut report = Report::default();
    report.say("policy", policy());
    report.say("sockets", held.len());
    report.say("sockets_lost", held.lost());
    for (name, rss) in [("before", before), ("opened", opened), ("after", after)] {
        report.say(&format!("rss_kib_{name}"), rss.map_or("-".to_owned(), |kib| kib.to_string()));
    }
    if let (Some(before), Some(after)) = (before, after) {
        let bytes = after.saturating_sub(before) * 1024 / u64::from(options.sockets.max(1));
        report.say("rss_bytes_per_socket", bytes);
    }
    if held.lost() > 0 {
        report.violation(format!("{} idle sockets were closed by the server", held.lost()));
    }
    check(&mut report, &scene, &Feeds::new()).await;
    drop(held);
    scene.strike().await?;
    Ok(report)
}

async fn settle(stop: &StopSignal) {
    stop.rest(SETTLE).await;
}

/// Opens a socket for each person and keeps them open, answering pings.
pub async fn open_sockets(people: Vec<Arc<Person>>) -> Result<IdleSockets, String> {
    let opening = people.into_iter().map(|person| async move { open(&person).await });
    let sockets: Vec<Socket> =
        futures_util::stream::iter(opening).buffer_unordered(OPENINGS_MAX).try_collect().await?;
    let lost = Arc::<AtomicU64>::default();
    let mut tasks = JoinSet::new();
    for socket in sockets {
        tasks.spawn(hold(socket, lost.clone()));
    }
    Ok(IdleSockets { tasks, lost })
}

async fn open(person: &Person) -> Result<Socket, String> {
    let token = person.token().await.map_err(|trouble| trouble.to_string())?;
    let opened = Socket::open(person.node(), "client", Credentials::Token(&token)).await;
    let mut socket = opened.map_err(|shut| format!("an idle socket: {shut:?}"))?;
    let Incoming::Frame(Frame::Hello { epoch, seq }) = socket.next().await else {
        return Err("an idle socket did not say hello".to_owned());
    };
    socket.resume(seq, &epoch).await.map_err(|trouble| trouble.to_string())?;
    Ok(socket)
}

async fn hold(mut socket: Socket, lost: Arc<AtomicU64>) {
    loop {
        match socket.next().await {
            Incoming::Frame(_) | Incoming::Unreadable(_) => {}
            Incoming::End(_) => {
                lost.fetch_add(1, Relaxed);
                return;
            }
        }
    }
}
