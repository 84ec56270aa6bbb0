//! The server under measurement: started here, or already running.

use crate::options::EngineAddress;
use client::Mailbox;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;

/// How long a server may take to listen.
const START_WAIT_MAX: Duration = Duration::from_mins(1);
/// How long it may take to stop.
const STOP_WAIT_MAX: Duration = Duration::from_secs(20);
/// Delay before reading again at the end of the log.
const LOG_WAIT: Duration = Duration::from_millis(50);
/// Last lines of its output shown when it fails.
const LAST_WORDS_MAX: usize = 12;

/// A reachable server.
pub struct Server {
    /// Its addresses.
    pub base_urls: Vec<String>,
    /// Where its one-time codes arrive.
    pub codes: Arc<Mailbox>,
    child: Option<Child>,
    folder: Option<PathBuf>,
}

/// A reader of the server's log: one-time codes, listening address and last lines.
#[derive(Clone)]
struct Ear {
    codes: Arc<Mailbox>,
    addr: watch::Sender<Option<String>>,
    last_words: Arc<Mutex<Vec<String>>>,
}

impl Ear {
    fn new() -> Self {
        let (addr, _) = watch::channel(None);
        Self { codes: Arc::default(), addr, last_words: Arc::default() }
    }

    fn hear(&self, line: &str) {
        if let Ok(entry) = serde_json::from_str::<Value>(line)
            && let Some(fields) = entry.get("fields")
        {
            let field = |name: &str| fields.get(name).and_then(Value::as_str);
            match field("message") {
                Some("one-time code") => {
                    if let (Some(phone), Some(code)) = (field("phone"), field("code")) {
                        self.codes.deliver(phone, code);
                    }
                    return;
                }
                Some("listening") => {
                    self.addr.send_replace(field("addr").map(str::to_owned));
                    return;
                }
                Some(_) | None => {}
            }
        }
        let mut words = self.last_words.lock().unwrap_or_else(PoisonError::into_inner);
        if words.len() >= LAST_WORDS_MAX {
            words.remove(0);
        }
        words.push(line.to_owned());
    }

    fn last_words(&self) -> String {
        self.last_words.lock().unwrap_or_else(PoisonError::into_inner).join("\n")
    }

    async fn listen(self, log: impl AsyncRead + Unpin) {
        let mut lines = BufReader::new(log).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            self.hear(&line);
        }
    }

    /// Reads a log that keeps growing.
    async fn follow(self, log: tokio::fs::File) {
        let mut reader = BufReader::new(log);
        let mut line = String::new();
        loop {
            match reader.read_line(&mut line).await {
                Ok(0) => {
                    let _pause = tokio::time::timeout(LOG_WAIT, std::future::pending::<()>()).await;
                }
                Ok(_) if line.ends_with('\n') => {
                    self.hear(&line);
                    line.clear();
                }
                Ok(_) => {}
                Err(_) => return,
            }
        }
    }
}

impl Server {
    /// Starts a server, or uses a running one.
    pub async fn open(place: &EngineAddress) -> Result<Self, String> {
        place.check()?;
        match &place.spawn {
            Some(binary) => Self::spawn(binary, place).await,
            None => Self::attach(place).await,
        }
    }

    async fn attach(place: &EngineAddress) -> Result<Self, String> {
        let ear = Ear::new();
        if let Some(path) = &place.server_log {
            let log = tokio::fs::File::open(path).await;
            let log = log.map_err(|fault| format!("{}: {fault}", path.display()))?;
            tokio::spawn(ear.clone().follow(log));
        }
        Ok(Self { base_urls: place.base_url.clone(), codes: ear.codes, child: None, folder: None })
    }

    async fn spawn(binary: &Path, place: &EngineAddress) -> Result<Self, String> {
        let folder = std::env::temp_dir().join(format!("yumo-loadtest-{}", std::process::id()));
        let made = tokio::fs::create_dir_all(&folder).await;
        made.map_err(|fault| format!("{}: {fault}", folder.display()))?;
        let settings = settings(place, &folder)?;
        prepare(binary, &settings, &place.support_phone).await?;
        let mut child = Command::new(binary)
            .arg("serve")
            .envs(settings)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|fault| format!("{}: {fault}", binary.display()))?;
        let ear = Ear::new();
        if let Some(out) = child.stdout.take() {
            tokio::spawn(ear.clone().listen(out));
        }
        if let Some(err) = child.stderr.take() {
            tokio::spawn(ear.clone().listen(err));
        }
        let mut addr = ear.addr.subscribe();
        let listening = tokio::time::timeout(START_WAIT_MAX, addr.wait_for(Option::is_some));
        let heard = tokio::select! {
            heard = listening => heard.ok().and_then(Result::ok).and_then(|addr| addr.clone()),
            _ended = child.wait() => None,
        };
        let Some(addr) = heard else {
            let _gone = child.start_kill().is_ok();
            return Err(format!(
                "the server did not listen; its last words:\n{}",
                ear.last_words()
            ));
        };
        let base_urls = vec![format!("http://{addr}")];
        Ok(Self { base_urls, codes: ear.codes, child: Some(child), folder: Some(folder) })
    }

    /// Its process, when it was started here.
    pub fn pid(&self) -> Option<u32> {
        self.child.as_ref().and_then(Child::id)
    }

    /// Stops a server started here and waits for its exit.
    pub async fn stop(mut self) -> Result<(), String> {
        let Some(mut child) = self.child.take() else { return Ok(()) };
        if let Some(pid) = child.id() {
            let asked = Command::new("kill").arg("-TERM").arg(pid.to_string()).status().await;
            asked.map_err(|fault| format!("kill: {fault}"))?;
        }
        let ended = tokio::time::timeout(STOP_WAIT_MAX, child.wait()).await;
        if let Some(folder) = self.folder.take() {
            let _left_behind = tokio::fs::remove_dir_all(folder).await;
        }
        match ended {
            Ok(Ok(status)) if status.success() => Ok(()),
            Ok(Ok(status)) => Err(format!("the server ended with {status}")),
            Ok(Err(fault)) => Err(fault.to_string()),
            Err(_late) => Err(format!("the server did not stop within {STOP_WAIT_MAX:?}")),
        }
    }
}

/// The settings of a server started here.
fn settings(place: &EngineAddress, folder: &Path) -> Result<Vec<(String, String)>, String> {
    let file = |name: &str| folder.join(name).display().to_string();
    let database = format!("sqlite://{}?mode=rwc", file("yumo.db"));
    let mut settings: Vec<(String, String)> = [
        ("YUMO__DATABASE__URL", place.database_url.clone().unwrap_or(database)),
        ("YUMO__CRYPTO__KEY_FILE", file("yumo.key")),
        ("YUMO__HTTP__LISTEN", "127.0.0.1:0".to_owned()),
        ("YUMO__LOG__FORMAT", "json".to_owned()),
        ("YUMO__ACCESS__OTP_CHANNEL", "log".to_owned()),
        ("YUMO__ACCESS__OTP_PER_ADDRESS_HOUR", "1000000".to_owned()),
        ("YUMO__ACCESS__OTP_PER_ADDRESS_DAY", "1000000".to_owned()),
        // All requests come from a few addresses.
        ("YUMO__HTTP__CONNECTIONS_PER_ADDRESS", "1000000".to_owned()),
        ("YUMO__HTTP__RATE_SESSION_BURST", "1000000".to_owned()),
        ("YUMO__HTTP__RATE_SESSION_PER_S", "1000000".to_owned()),
        ("YUMO__HTTP__RATE_ADDRESS_BURST", "1000000".to_owned()),
        ("YUMO__HTTP__RATE_ADDRESS_PER_S", "1000000".to_owned()),
        ("YUMO__ACCESS__OTP_PER_BLOCK_HOUR", "1000000".to_owned()),
        ("YUMO__ACCESS__OTP_PER_BLOCK_DAY", "1000000".to_owned()),
        ("YUMO__ACCESS__OTP_PER_PREFIX_HOUR", "1000000".to_owned()),
        ("YUMO__ACCESS__OTP_PER_ALL_HOUR", "1000000".to_owned()),
    ]
    .map(|(key, value)| (key.to_owned(), value))
    .into();
    if let Some(redis) = &place.redis_url {
        settings.push(("YUMO__BUS__REDIS_URL".to_owned(), redis.clone()));
    }
    for setting in &place.settings {
        let (key, value) = setting.split_once('=').ok_or(format!("--set {setting}: no `=`"))?;
        settings.push((key.to_owned(), value.to_owned()));
    }
    Ok(settings)
}

/// Migrates the database and creates the first support agent.
async fn prepare(binary: &Path, settings: &[(String, String)], phone: &str) -> Result<(), String> {
    for arguments in [&["migrate"][..], &["support", "add", "--phone", phone]] {
        let mut run = Command::new(binary);
        run.args(arguments).envs(settings.iter().cloned()).stdin(Stdio::null());
        let out = run.output().await;
        let out = out.map_err(|fault| format!("{}: {fault}", binary.display()))?;
        if !out.status.success() {
            let said = String::from_utf8_lossy(&out.stderr);
            let told = String::from_utf8_lossy(&out.stdout);
            return Err(format!("yumo {}: {}\n{said}{told}", arguments.join(" "), out.status));
        }
    }
    Ok(())
}
