//! The world: a whole engine in this process, its clock controlled by the test, its books checked
//! at the end.

use std::path::PathBuf;
use std::sync::{Arc, Once};

use chrono::TimeDelta;
use entity::value::Instant;
use entity::{strike, timer};
use platform::By;
use platform::clock::{Clock, TestClock, WallClock};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait as _, Database, DatabaseConnection, EntityTrait as _,
    PaginatorTrait as _, QueryFilter as _, QueryOrder as _,
};
use uuid::Uuid;
use yumo::access::people::support::AddSupport;
use yumo::access::{CodeChannel, Codes};
use yumo::app::{App, Overrides};
use yumo::config::{Settings, Synchronous};

use super::ask::instant;
use super::books;
use super::branch::Branch;
use super::client::Client;
use super::mailbox::Mailbox;
use super::people::{Person, Support};
use super::scene::Scene;

/// The database and bus of a world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// `SQLite` and the in-process bus.
    Sqlite,
    /// PostgreSQL and Redis.
    Postgres,
}

/// Every world begins on this Friday, noon in Baku.
pub const BEGINNING: &str = "2026-11-20T08:00:00Z";
/// The most timers that one move of the clock may fire.
const FIRED_MAX: usize = 10_000;
/// A month: a world's clock jumps, which is not an outage.
const HEARTBEAT_MS: u64 = 30 * 86_400_000;
/// After a restart; three of these without a heartbeat are an outage.
const HEARTBEAT_AFTER_RESTART_MS: u64 = 60_000;

/// A running engine with its people.
pub struct World {
    /// The engine's clock.
    pub clock: TestClock,
    /// The state its people share.
    pub scene: Arc<Scene>,
    /// The operator's staff member of the tests.
    pub support: Support,
    /// The database and bus it runs on.
    pub backend: Backend,
    /// The settings the engine was started with.
    pub settings: Settings,
    app: Option<App>,
    mailbox: Arc<Mailbox>,
    folder: PathBuf,
}

/// Runs a test in a fresh world on this backend, then checks the books.
pub fn tell(backend: Backend, story: impl AsyncFnOnce(&mut World)) {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let mut world = World::start(backend).await;
        story(&mut world).await;
        world.closes().await;
    });
}

/// Runs a test in a fresh world with this clock and without running loops.
pub fn tell_really(backend: Backend, clock: WallClock, story: impl AsyncFnOnce(&mut World)) {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let mut world = World::found(backend, Some((clock, true))).await;
        story(&mut world).await;
        world.closes().await;
    });
}

/// Makes two tests of a story: `name::sqlite` and `name::postgres`.
macro_rules! both {
    ($($(#[$meta:meta])* async fn $name:ident($world:ident) $story:block)+) => {$(
        $(#[$meta])*
        async fn $name($world: &mut crate::support::World) $story

        mod $name {
            use crate::support::world::{Backend, tell};

            #[test]
            fn sqlite() {
                tell(Backend::Sqlite, super::$name);
            }

            #[test]
            fn postgres() {
                tell(Backend::Postgres, super::$name);
            }
        }
    )+};
}

impl World {
    /// A fresh engine on a fresh database; its clock stands still until the test moves it.
    pub async fn start(backend: Backend) -> Self {
        Self::found(backend, None).await
    }

    /// A fresh engine whose clock and loops run by themselves, this many times as fast as real
    /// time.
    pub async fn living(backend: Backend, speed: u32) -> Self {
        Self::found(backend, Some((WallClock::from(instant(BEGINNING), speed), false))).await
    }

    async fn found(backend: Backend, living: Option<(WallClock, bool)>) -> Self {
        static CRYPTO: Once = Once::new();
        CRYPTO.call_once(|| {
            let _ = rustls::crypto::ring::default_provider().install_default();
        });
        let folder = std::env::temp_dir().join(format!("yumo-it-{}", Uuid::new_v4().simple()));
        std::fs::create_dir_all(&folder).unwrap();
        let mut settings = settings(backend, &folder).await;
        let clock = TestClock::at(instant(BEGINNING));
        let mailbox = Arc::new(Mailbox::default());
        let app = match living {
            None => boot(&settings, &clock, &mailbox).await,
            Some((living, manual_loops)) => {
                settings.timers.heartbeat_ms = if manual_loops { HEARTBEAT_MS } else { 1000 };
                let clock: Arc<dyn Clock> = Arc::new(living);
                let codes = Some(codes(&mailbox));
                let instead = Overrides { clock: Some(clock), codes, manual_loops };
                App::start(settings.clone(), instead).await.expect("the engine starts")
            }
        };
        let scene = Scene::of(&app, Arc::clone(&mailbox));
        let support = chief(&app, &scene).await;
        Self { clock, scene, support, backend, settings, app: Some(app), mailbox, folder }
    }

    /// The running engine.
    pub fn app(&self) -> &App {
        self.app.as_ref().expect("the engine runs")
    }

    /// The current time of the world.
    pub fn now(&self) -> Instant {
        self.app().engine.shared().clock.now()
    }

    /// How many strikes of this kind a client or a branch has.
    pub async fn marks(&self, subject: &str, kind: &str) -> u64 {
        let subject: Uuid = subject.parse().unwrap();
        let rows = strike::Entity::find().filter(strike::Column::Subject.eq(subject));
        rows.filter(strike::Column::Kind.eq(kind)).count(&self.db()).await.unwrap()
    }

    /// The database, for reading.
    pub fn db(&self) -> DatabaseConnection {
        self.scene.db()
    }

    /// Changes the database directly.
    pub async fn tampers(&self, sql: &str) {
        let done = self.app().engine.shared().db.write.execute_unprepared(sql).await.unwrap();
        assert_eq!(done.rows_affected(), 1, "{sql}");
    }

    /// The operator's staff member of the tests.
    pub fn support(&self) -> &Support {
        &self.support
    }

    /// A new client with a sedan.
    pub async fn client(&self, name: &str) -> Client {
        self.client_with(name, "sedan").await
    }

    /// A new client with a car of this class.
    pub async fn client_with(&self, name: &str, class: &str) -> Client {
        let phone = self.scene.phone();
        Client::buys(Person::signs_in(&self.scene, name, &phone).await, class).await
    }

    /// A new branch: open around the clock, body wash 15.00, full wash 25.00, 50.00 on its balance.
    pub async fn branch(&self, name: &str) -> Branch {
        self.branch_with(name, 5000).await
    }

    /// A new branch with this credit, qəpik.
    pub async fn branch_with(&self, name: &str, credit: i64) -> Branch {
        Branch::opens(&self.support, name, credit).await
    }

    /// Moves the clock by this much; each timer that falls due fires at its own time.
    pub async fn advance(&self, by: TimeDelta) {
        self.until(self.now() + by).await;
    }

    /// Moves the clock to this instant, and not a microsecond further.
    pub async fn until(&self, then: Instant) {
        let scheduler = &self.app().scheduler;
        let beat = TimeDelta::milliseconds(self.settings.timers.heartbeat_ms.cast_signed()) * 2;
        for _ in 0..FIRED_MAX {
            let next = self.next_due().await.map(|due| due + TimeDelta::microseconds(1));
            let next = next.unwrap_or(then).min(then).min(self.now() + beat);
            self.clock.set(next);
            scheduler.beat(false).await.unwrap();
            scheduler.fire_due().await;
            if self.now() >= then {
                return;
            }
        }
        panic!("{FIRED_MAX} timers fired and there is no end");
    }

    async fn next_due(&self) -> Option<Instant> {
        let query = timer::Entity::find().filter(timer::Column::ParkedAt.is_null());
        let first = query.order_by_asc(timer::Column::DueAt).one(&self.db()).await.unwrap();
        first.map(|timer| timer.due_at)
    }

    /// Stops the engine for this long, then starts it again over the same database.
    pub async fn is_down_for(&mut self, gap: TimeDelta) {
        let up = self.now() + gap;
        self.app.take().expect("the engine runs").stop().await;
        self.clock.set(up);
        self.settings.timers.heartbeat_ms = HEARTBEAT_AFTER_RESTART_MS;
        let app = boot(&self.settings, &self.clock, &self.mailbox).await;
        self.scene.moves_to(&app);
        self.app = Some(app);
    }

    /// Restarts the engine at once, over the same database and with other settings.
    pub async fn restarts_with(&mut self, change: impl FnOnce(&mut Settings)) {
        self.app.take().expect("the engine runs").stop().await;
        change(&mut self.settings);
        let app = boot(&self.settings, &self.clock, &self.mailbox).await;
        self.scene.moves_to(&app);
        self.app = Some(app);
    }

    /// Another node on the same database and bus, without running loops.
    pub async fn beside(&self, clock: WallClock) -> App {
        self.beside_with(Arc::new(clock), |_| {}).await
    }

    /// Another node on the same database, with other settings.
    pub async fn beside_with(
        &self,
        clock: Arc<dyn Clock>,
        change: impl FnOnce(&mut Settings),
    ) -> App {
        let mut settings = self.settings.clone();
        change(&mut settings);
        let codes = Some(codes(&self.mailbox));
        let instead = Overrides { clock: Some(clock), codes, manual_loops: true };
        App::start(settings, instead).await.expect("the second node starts")
    }

    /// Checks the books and stops the engine.
    pub async fn closes(mut self) {
        books::check(&self).await;
        self.app.take().expect("the engine runs").stop().await;
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
        assert!(
            self.app.is_none() || std::thread::panicking(),
            "a world must close: its books were not checked"
        );
    }
}

fn codes(mailbox: &Arc<Mailbox>) -> CodeChannel {
    let codes: Arc<dyn Codes> = Arc::<Mailbox>::clone(mailbox);
    CodeChannel(codes)
}

async fn boot(settings: &Settings, clock: &TestClock, mailbox: &Arc<Mailbox>) -> App {
    let clock: Arc<dyn Clock> = Arc::new(clock.clone());
    let instead = Overrides { clock: Some(clock), codes: Some(codes(mailbox)), manual_loops: true };
    App::start(settings.clone(), instead).await.expect("the engine starts")
}

/// The operator's first staff member, created as the command line does it.
async fn chief(app: &App, scene: &Arc<Scene>) -> Support {
    let phone = "+994120000001";
    let role = entity::support_agent::SupportRole::Owner;
    let command = AddSupport { phone: phone.parse().unwrap(), role };
    app.engine.execute(By::CLOCK, None, command).await.unwrap();
    Support(Person::signs_in(scene, "Support", phone).await)
}

async fn settings(backend: Backend, folder: &std::path::Path) -> Settings {
    let mut settings = Settings::load(None).unwrap();
    "127.0.0.1:0".clone_into(&mut settings.http.listen);
    settings.http.workers = 1;
    let http = &mut settings.http;
    // The people of a test act at once, from one address (LIM-9).
    (http.rate_session_burst, http.rate_session_per_s) = (1_000_000, 1_000_000);
    (http.rate_address_burst, http.rate_address_per_s) = (1_000_000, 1_000_000);
    settings.crypto.key_file = folder.join("keys").display().to_string();
    settings.timers.heartbeat_ms = HEARTBEAT_MS;
    let access = &mut settings.access;
    (access.otp_resend_s, access.access_ttl_s) = (0, 30 * 86_400);
    access.otp_per_phone_day = 10_000;
    access.lift_budgets();
    let database = &mut settings.database;
    (database.connections, database.synchronous) = (4, Synchronous::Normal);
    match backend {
        Backend::Sqlite => {
            let file = folder.join("yumo.db");
            database.url = format!("sqlite://{}?mode=rwc", file.display());
        }
        Backend::Postgres => {
            let schema = format!("it_{}", Uuid::new_v4().simple());
            database.url = address("YUMO_TEST_POSTGRES");
            let admin = Database::connect(&database.url).await.unwrap();
            admin.execute_unprepared(&format!("CREATE SCHEMA {schema}")).await.unwrap();
            admin.close().await.unwrap();
            settings.bus.redis_url = address("YUMO_TEST_REDIS");
            settings.bus.channel.clone_from(&schema);
            database.schema = schema;
        }
    }
    settings
}

fn address(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| {
        panic!("{name} is not set: run scripts/test, which starts PostgreSQL and Redis")
    })
}
