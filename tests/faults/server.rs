//! A server under test: the real binary as a separate process, killed when dropped.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Read as _};
use std::net::SocketAddr;
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::sync::watch;

use crate::ground::Ground;
use crate::wait::pause;
use crate::wire::{Request, Wire};

/// How long a start, a code or a stop may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// The output of the server so far.
#[derive(Clone, Default)]
struct Said {
    addr: Option<String>,
    codes: HashMap<String, String>,
    errors: Vec<String>,
    last: String,
    ended: bool,
}

/// A running server.
pub struct Server {
    child: Child,
    said: watch::Receiver<Said>,
    /// The HTTP client of it.
    pub wire: Wire,
    /// Time from the start of the process until it listened.
    pub start: Duration,
}

fn yumo(ground: &Ground, args: &[&str]) -> Command {
    // A permissive umask: unless the program restricts them, everybody may read its files.
    let mut command = Command::new("sh");
    command.args(["-c", "umask 022; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_yumo")]);
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("YUMO_")) {
        command.env_remove(name);
    }
    command.args(args).envs(ground.settings());
    command
}

/// Runs another subcommand to its end.
pub fn run(ground: &Ground, args: &[&str]) -> Output {
    yumo(ground, args).output().unwrap()
}

/// A small demo, killed when dropped.
pub struct Demo(Child);

impl Demo {
    /// Starts one on this database.
    pub fn start(ground: &Ground, db: &std::path::Path) -> Self {
        let few = ["--plain", "--listen", "127.0.0.1:0", "--partners", "1", "--clients", "1"];
        let mut demo = yumo(ground, &["demo", "--db"]);
        Self(demo.arg(db).args(few).stdout(Stdio::null()).spawn().unwrap())
    }

    /// True while it runs.
    pub fn runs(&mut self) -> bool {
        self.0.try_wait().unwrap().is_none()
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Runs a command that must fail by itself; returns its output.
pub async fn refused(ground: &Ground, args: &[&str]) -> String {
    let mut command = yumo(ground, args);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let deadline = Instant::now() + PATIENCE;
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if Instant::now() > deadline {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!("{args:?} went on");
        }
        pause(Duration::from_millis(20)).await;
    };
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(!status.success(), "{args:?}: {said}");
    said
}

impl Server {
    /// Starts one and waits until it listens.
    pub async fn start(ground: &Ground) -> Self {
        Self::begin(ground).listens().await
    }

    /// Starts one without waiting until it listens.
    pub fn begin(ground: &Ground) -> Starting {
        let started = Instant::now();
        let mut child = yumo(ground, &["serve"]).stdout(Stdio::piped()).spawn().unwrap();
        let (sender, said) = watch::channel(Said::default());
        let log = child.stdout.take().unwrap();
        std::thread::spawn(move || read(log, &sender));
        Starting { child, said, started }
    }

    /// SIGKILL: the process is gone when this returns.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Sends it a signal: `-STOP` suspends it, `-CONT` lets it go on.
    pub fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([name, &pid]).status().unwrap().success());
    }

    /// SIGTERM: a clean shutdown.
    pub async fn stop(mut self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        let ended = self.said.wait_for(|said| said.ended);
        tokio::time::timeout(PATIENCE, ended).await.expect("it stops in time").unwrap();
        assert!(self.child.wait().unwrap().success());
    }

    /// The one-time code last sent to this phone.
    pub async fn code(&self, phone: &str) -> String {
        let mut said = self.said.clone();
        let sent = said.wait_for(|said| said.codes.contains_key(phone));
        let said = tokio::time::timeout(PATIENCE, sent).await.expect("a code comes").unwrap();
        said.codes[phone].clone()
    }

    /// Its listening address.
    pub fn addr(&self) -> SocketAddr {
        self.wire.host().parse().unwrap()
    }

    /// Resident memory of the process, KiB.
    pub fn resident_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    /// The number of open connections it reports, including the one that asks.
    pub async fn connections(&self) -> u64 {
        let metrics = self.wire.sure("", &Request::get("/metrics")).await.text;
        let line = metrics.lines().find(|line| line.starts_with("yumo_http_connections "));
        line.unwrap().split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits until this alarm is logged.
    pub async fn alarm(&self, name: &str) -> String {
        let mut said = self.said.clone();
        let name = format!("\"alarm\":\"{name}\"");
        let raised = said.wait_for(|said| said.errors.iter().any(|line| line.contains(&name)));
        let said = tokio::time::timeout(PATIENCE, raised).await.expect("the alarm comes").unwrap();
        said.errors.iter().find(|line| line.contains(&name)).unwrap().clone()
    }

    /// The errors and alarms it logged.
    pub fn errors(&self) -> Vec<String> {
        self.said.borrow().errors.clone()
    }
}

/// A starting server; its process keeps running if this is dropped before it listens.
pub struct Starting {
    child: Child,
    said: watch::Receiver<Said>,
    started: Instant,
}

impl Starting {
    /// Waits until it listens.
    pub async fn listens(mut self) -> Server {
        let listens = self.said.wait_for(|said| said.addr.is_some() || said.ended);
        let now = tokio::time::timeout(PATIENCE, listens).await.expect("it starts in time");
        let now = now.unwrap().clone();
        let addr = now.addr.unwrap_or_else(|| panic!("it did not start: {}", now.last));
        let Self { child, said, started } = self;
        Server { child, said, wire: Wire::to(&addr), start: started.elapsed() }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("faults it logged: {:#?}", self.errors());
        }
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read(log: ChildStdout, said: &watch::Sender<Said>) {
    for line in BufReader::new(log).lines().map_while(Result::ok) {
        let event: Value = serde_json::from_str(&line).unwrap_or_default();
        let field = |name: &str| event["fields"][name].as_str().unwrap_or_default().to_owned();
        said.send_modify(|said| {
            match field("message").as_str() {
                "listening" => said.addr = Some(field("addr")),
                "one-time code" => {
                    said.codes.insert(field("phone"), field("code"));
                }
                _ => {}
            }
            if event["level"] == "ERROR" || event["fields"].get("alarm").is_some() {
                said.errors.push(line.clone());
            }
            said.last = line;
        });
    }
    said.send_modify(|said| said.ended = true);
}
