//! The composition root: starts settings, database, bus, engine, edges and loops, and stops them.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::middleware::from_fn;
use actix_web::web::Data;
use actix_web::{App as Actix, web};
use chrono::TimeDelta;
use tokio::sync::watch;
use tokio::task::JoinSet;
use utoipa_actix_web::AppExt as _;

use crate::access::people::person;
use crate::access::{CodeChannel, Sessions};
use crate::api::http::middleware::limits::RateLimits;
use crate::api::ws::Stopping;
use crate::api::ws::hub::Hub;
use crate::api::ws::limits::SocketLimits as FeedLimits;
use crate::api::{Edge, http, tcp};
use crate::billing::payments::callback;
use crate::config::Settings;
use crate::context::{Context, Engine};
use crate::jobs::outbox_worker::OutboxWorker;
use crate::jobs::scheduler::Scheduler;
use crate::orders::actions;
use crate::orders::view::ActionRules;
use crate::partners::capacity::availability;
use crate::policy::{Registry, watch as versions};
use crate::proof::prover::{Prover, ProverSettings};
use crate::proof::result;
use crate::providers;
use crate::startup::serving::ServingLock;
use crate::startup::{keyring, reseal};
use crate::{access, bonus};
use platform::bus::Bus;
use platform::bus::local::LocalBus;
use platform::bus::redis::RedisBus;
use platform::clock::{WallClock, pause};
use platform::crypto::Keys;
use platform::db::Db;
use platform::db::sqlite_file;
use platform::engine::idempotency;
use platform::rate_limit::shared::share;
use platform::scheduler::heartbeat;
use platform::scheduler::node_lock::StartLock;
use platform::{Clock, CommandError, Fault, feed, outbox, telemetry};

/// How often old rows are deleted.
const FORGET_EVERY: Duration = Duration::from_hours(1);

/// Replacements that tests and the demo pass instead of the defaults.
#[derive(Default)]
pub struct Overrides {
    /// The clock; by default the real one.
    pub clock: Option<Arc<dyn Clock>>,
    /// The channel of one-time codes; by default the configured one.
    pub codes: Option<CodeChannel>,
    /// The scheduler's loops do not run: a test takes each step itself.
    pub manual_loops: bool,
}

/// A running engine.
pub struct App {
    /// The engine, through which every command runs.
    pub engine: Engine,
    /// The scheduler.
    pub scheduler: Arc<Scheduler>,
    /// The address it listens on.
    pub addr: SocketAddr,
    server: ServerHandle,
    stopping: Stopping,
    stop: watch::Sender<bool>,
    loops: JoinSet<()>,
    serving: ServingLock,
}

/// An error that prevented the start.
#[derive(Debug, thiserror::Error)]
#[error("the engine could not start: {0}")]
pub struct NotStarted(String);

impl From<CommandError> for NotStarted {
    fn from(stop: CommandError) -> Self {
        Self(format!("{stop:?}"))
    }
}

impl From<Fault> for NotStarted {
    fn from(fault: Fault) -> Self {
        Self(fault.to_string())
    }
}

impl From<sea_orm::DbErr> for NotStarted {
    fn from(error: sea_orm::DbErr) -> Self {
        Self(format!("the database: {error}"))
    }
}

impl From<std::io::Error> for NotStarted {
    fn from(error: std::io::Error) -> Self {
        Self(error.to_string())
    }
}

/// The engine without its edges: database migrated, policy loaded, keys opened.
///
/// # Errors
/// When something it needs cannot be reached.
pub async fn engine(
    settings: &Settings,
    instead: Overrides,
) -> Result<(Engine, Arc<Keys>), NotStarted> {
    // Installs the metrics recorder before anything records.
    telemetry::metrics();
    let clock = instead.clock.unwrap_or_else(|| Arc::new(WallClock::real()));
    // One node migrates at a time: the others wait, and find nothing left to do.
    let starting = StartLock::take(&settings.db_options()).await?;
    let db = Db::open(&settings.db_options()).await?;
    migration::migrate(db.write.unlimited()).await?;
    let keys = Arc::new(keys(settings, &db).await?);
    reseal::rows(&db, &keys, clock.now()).await?;
    let policy = Arc::new(Registry::open(&db.read, &db.write, clock.now()).await?);
    starting.release().await?;
    let bus: Arc<dyn Bus> = if settings.clustered() {
        let bus = RedisBus::connect(&settings.bus.redis_url, &settings.bus.channel).await;
        Arc::new(bus.map_err(|error| NotStarted(format!("Redis: {error}")))?)
    } else {
        Arc::new(LocalBus::new())
    };
    let follow = (bus.listen(), Arc::clone(&policy), db.read.clone(), Arc::clone(&clock));
    tokio::spawn(versions::follow(follow.0, follow.1, follow.2, follow.3));
    let codes = instead.codes.unwrap_or_else(|| settings.access.otp_channel.open());
    let gateways = providers::open(&settings.payments, &settings.public_url(), &keys);
    let gateways = gateways.map_err(NotStarted)?;
    let context = Context {
        policy,
        access: Arc::new(settings.access.clone()),
        codes,
        code_alarms: Arc::default(),
        standing: Arc::default(),
        plans: Arc::default(),
        gateways: Arc::new(gateways),
        actions: ActionRules(actions::of),
    };
    Ok((Engine::new(db, Arc::clone(&keys), clock, bus, context), keys))
}

/// The keys of this database: created only while it has no people, and verified against those its
/// people were encrypted with.
async fn keys(settings: &Settings, db: &Db) -> Result<Keys, NotStarted> {
    let somebody = person::newest(&db.read).await?;
    let keys = keyring::open(&settings.crypto, somebody.is_none())?;
    if somebody.is_some_and(|person| !person::opens(&keys, &person)) {
        let why = "the keys do not open what this database holds: give those it was written under";
        return Err(NotStarted(why.to_owned()));
    }
    Ok(keys)
}

impl App {
    /// Starts everything; the server is listening when this returns.
    ///
    /// # Errors
    /// When something it needs cannot be reached.
    pub async fn start(settings: Settings, instead: Overrides) -> Result<Self, NotStarted> {
        let manual_loops = instead.manual_loops;
        let serving = ServingLock::begin(&settings).await?;
        let listener = TcpListener::bind(&settings.http.listen)?;
        let addr = listener.local_addr()?;
        let (engine, keys) = engine(&settings, instead).await?;
        let (db, now) = (&engine.shared().db, engine.shared().clock.now());
        let file = sqlite_file::of(&settings.database.url);
        engine.shared().epoch.begin(db, file.as_deref(), now).await?;
        versions::report(&engine.context().policy, engine.shared().clock.now())?;
        let scheduler =
            Arc::new(Scheduler::new(engine.clone(), &settings.timers, settings.clustered()));
        scheduler.begin().await?;
        result::learn(&engine).await?;
        let (stop, stopped) = watch::channel(false);
        let mut loops = if manual_loops { JoinSet::new() } else { scheduler.run(&stopped) };
        if !manual_loops {
            keep_house(&mut loops, &engine, &settings, &stopped);
            serving.watch(&mut loops, &engine, &settings, &stopped);
        }
        let shared = engine.shared();
        let sessions =
            Sessions::new(settings.access.clone(), Arc::clone(&keys), shared.bus.as_ref());
        let settings = Arc::new(settings);
        let limits = RateLimits::of(&settings.http);
        let feed = Arc::new(FeedLimits::of(&settings));
        if settings.clustered() {
            let (url, channel) = (settings.bus.redis_url.clone(), settings.bus.channel.clone());
            let buckets = limits.all().into_iter().chain(feed.buckets()).collect();
            loops.spawn(until(stopped.clone(), share(buckets, url.clone(), channel)));
            loops.spawn(until(stopped.clone(), Arc::clone(&feed).keep(url)));
        }
        let edge = Data::new(Edge {
            engine: engine.clone(),
            keys,
            settings: Arc::clone(&settings),
            sessions: Arc::new(sessions),
            limits,
            feed,
        });
        let stopping = Stopping::default();
        let server = serve(listener, edge, stopping.clone(), settings.http_workers())?;
        tracing::info!(addr = %addr, "listening");
        Ok(Self { engine, scheduler, addr, server, stopping, stop, loops, serving })
    }

    /// Stops in order: asks sockets to reconnect elsewhere, finishes work in progress, writes a
    /// last heartbeat.
    pub async fn stop(mut self) {
        self.stopping.begin();
        self.server.stop(true).await;
        self.stop.send_replace(true);
        while self.loops.join_next().await.is_some() {}
        if let Err(stop) = self.scheduler.beat(true).await {
            tracing::warn!(?stop, "the last beat did not land");
        }
        self.engine.shared().epoch.renew();
        // Closing the last connection checkpoints SQLite's log into its file.
        let db = &self.engine.shared().db;
        for pool in [db.read.clone(), db.write.clone()] {
            if let Err(error) = pool.close().await {
                tracing::warn!(%error, "the database was not closed in good order");
            }
        }
        self.serving.end().await;
        tracing::info!("stopped");
    }
}

fn serve(
    listener: TcpListener,
    edge: Data<Edge>,
    stopping: Stopping,
    workers: usize,
) -> Result<ServerHandle, NotStarted> {
    let http = edge.settings.http.clone();
    let origins = http.allowed_origins.clone();
    let document = document()?;
    let application = move || {
        let (path, query) = http::strict();
        let (app, _) = Actix::new()
            .into_utoipa_app()
            .app_data(edge.clone())
            .app_data(path)
            .app_data(query)
            .app_data(Hub::new(edge.clone(), stopping.clone()))
            .configure(http::configure)
            .split_for_parts();
        app.service(http::docs(document.clone()))
            .default_service(web::to(http::problem::nowhere))
            .wrap(from_fn(http::redact::redact))
            .wrap(from_fn(http::middleware::outer::outer))
            .wrap(http::middleware::outer::cors(&origins))
    };
    let server = tcp::serve(listener, &http, workers, application)?;
    let handle = server.handle();
    tokio::spawn(server);
    Ok(handle)
}

/// The description of the API, as it is published.
fn document() -> Result<serde_json::Value, NotStarted> {
    http::route_table::check().map_err(NotStarted)?;
    let (_, api) = Actix::new()
        .into_utoipa_app()
        .openapi(http::description())
        .configure(http::configure)
        .split_for_parts();
    http::described::complete(&api).map_err(|error| NotStarted(error.to_string()))
}

/// The description of the API, as text.
///
/// # Errors
/// When it is no JSON.
pub fn openapi() -> Result<String, NotStarted> {
    serde_json::to_string_pretty(&document()?).map_err(|error| NotStarted(error.to_string()))
}

/// Runs a loop until the engine stops.
async fn until(mut stopped: watch::Receiver<bool>, endless: impl Future<Output = ()>) {
    tokio::select! { () = endless => {}, _ = stopped.wait_for(|stopped| *stopped) => {} }
}

/// The slow loops: the standing proof (BAL-6), and deleting expired rows.
fn keep_house(
    loops: &mut JoinSet<()>,
    engine: &Engine,
    settings: &Settings,
    stopped: &watch::Receiver<bool>,
) {
    let (prover, mut stop) = (prover(engine, settings), stopped.clone());
    loops.spawn(async move {
        tokio::select! {
            () = prover.run() => {}
            () = prover.follow() => {}
            _ = stop.wait_for(|s| *s) => {}
        }
        prover.stop().await;
    });
    keep_policy(loops, engine, settings, stopped);
    let worker = OutboxWorker::new(engine.clone());
    loops.spawn(until(stopped.clone(), async move { worker.run().await }));
    let (forgetting, mut stop) = (engine.clone(), stopped.clone());
    let keep = TimeDelta::days(settings.feed.keep_days);
    loops.spawn(async move {
        let forget = async {
            loop {
                if let Err(error) = forget_old(&forgetting, keep).await {
                    tracing::warn!(%error, "old rows could not be forgotten");
                }
                pause(FORGET_EVERY).await;
            }
        };
        tokio::select! { () = forget => {}, _ = stop.wait_for(|s| *s) => {} }
    });
}

/// The prover of this node, with its settings.
#[must_use]
pub fn prover(engine: &Engine, settings: &Settings) -> Prover {
    let timers = &settings.timers;
    let pace = ProverSettings {
        every_s: timers.proof_s,
        learn_s: timers.proof_learn_s,
        whole_hour_utc: timers.proof_whole_hour_utc,
    };
    Prover::new(engine.clone(), pace)
}

/// Polls for new policy versions, in case a notification was lost.
fn keep_policy(
    loops: &mut JoinSet<()>,
    engine: &Engine,
    settings: &Settings,
    stopped: &watch::Receiver<bool>,
) {
    let (engine, mut stop) = (engine.clone(), stopped.clone());
    let every = Duration::from_secs(settings.feed.look_s.max(1));
    loops.spawn(async move {
        let look = async {
            loop {
                pause(every).await;
                let shared = engine.shared();
                let policy = &engine.context().policy;
                versions::refresh(policy, &shared.db.read, shared.clock.now()).await;
            }
        };
        tokio::select! { () = look => {}, _ = stop.wait_for(|s| *s) => {} }
    });
}

async fn forget_old(engine: &Engine, keep: TimeDelta) -> Result<(), sea_orm::DbErr> {
    let shared = engine.shared();
    let (db, now) = (&shared.db.write, shared.clock.now());
    idempotency::forget(db, now - TimeDelta::hours(idempotency::KEPT_HOURS)).await?;
    feed::forget(db, now - keep).await?;
    heartbeat::forget(db, now - keep).await?;
    access::codes::otp::forget(db, now).await?;
    bonus::code::forget(db, now).await?;
    availability::forget(db, now - keep).await?;
    callback::forget(db, now - keep).await?;
    outbox::forget(db, now - TimeDelta::days(outbox::KEPT_DAYS)).await?;
    Ok(())
}
