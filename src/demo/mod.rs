//! `yumo demo`: an engine with simulated people, to watch and to try out.
//!
//! The engine is the real one, on `SQLite`, with an accelerated clock. The simulated people sign
//! in, hold tokens and act only over HTTP and WebSocket; deadlines they let pass are handled by
//! scheduled timers. The user sees the whole life of many orders at once ([`view`]), and can act
//! too ([`logins`]). A second start resumes with the same file at the time where the first one
//! stopped ([`time`]).

use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use client::{Mailbox, Node, stop_pair};
use entity::support_agent::SupportRole;
use fakes::epoint::Epoint;
use serde_json::{Value, json};
use simulator::{Config, Simulation};
use tokio::sync::watch;

use crate::access::CodeChannel;
use crate::access::people::support::AddSupport;
use crate::app::{App, Overrides};
use crate::config::Settings;
use crate::proof::prover;
use platform::clock::{WallClock, pause};
use platform::{By, Clock as _};

pub mod books;
pub mod codes;
pub mod demo_logins;
pub mod failed;
pub mod files;
pub mod gauges;
pub mod options;
pub mod payment_provider;
pub mod screen;
pub mod state;
pub mod time;
pub mod view;

use demo_logins::{DemoLogins, SUPPORT_PHONE};
pub use failed::DemoFailed;
use files::DemoFiles;
pub use options::Options;
use screen::{Screen, say};
use state::{DemoState, Watcher};

/// The interval at which the screen is drawn, and that of the lines printed without a screen.
const DRAW_EVERY: Duration = Duration::from_millis(500);
const LINE_EVERY: Duration = Duration::from_secs(5);

/// The starting balance of a branch, qəpik: low, so that it soon needs a top-up.
const CREDIT_QEPIK: i64 = 2_000;

/// The stop signal: Ctrl-C, SIGTERM, or the time limit.
type StopRequest<'a> = Pin<&'a mut (dyn Future<Output = io::Result<()>> + Send)>;

/// Runs the demo until it is stopped; returns whether no invariant was violated.
///
/// # Errors
/// When it cannot start, or the terminal is closed.
pub async fn run(
    given: Settings,
    options: &Options,
    requested: impl Future<Output = io::Result<()>> + Send,
) -> Result<bool, DemoFailed> {
    let place = DemoFiles::beside(&options.db);
    place.begin_log()?;
    let listen =
        files::free(&options.listen).map_err(|e| DemoFailed(format!("{}: {e}", options.listen)))?;
    if listen != options.listen {
        say(&format!("{} is taken: a free port serves instead.", options.listen))?;
    }
    let mut settings = files::settings(given, options, &place, listen);
    let base = time::base(&settings).await?;
    let clock = WallClock::from(base, options.speed);
    if clock.now() < base {
        return Err(DemoFailed::because("the clock would go back behind what is written already"));
    }
    let provider = payment_provider::open(&mut settings)?;
    let mailbox = Arc::new(Mailbox::default());
    let instead = Overrides {
        clock: Some(Arc::new(clock)),
        codes: Some(CodeChannel(Arc::new(codes::Post(Arc::clone(&mailbox))))),
        manual_loops: false,
    };
    let app = App::start(settings, instead).await?;
    tokio::pin!(requested);
    let lived = live(&app, options, &place, (mailbox, provider), requested.as_mut()).await;
    place.remove_env();
    let proof = prover::on_demand(&app.engine).await;
    app.stop().await;
    let Some(state) = lived? else { return Ok(true) };
    let ok = proof?.ok;
    say(&summary(&state, options, &place, ok))?;
    Ok(ok && state.figures.violations == 0)
}

/// Raised per-client limits of the policy: simulated people order more often than real ones.
fn limits() -> Value {
    json!({"client": {
        "open_orders_max": 20, "pending_max": 10, "pair_open_max": 5, "placings_per_h": 100,
        "withdrawn_max": 100,
    }})
}

/// What the demo says before it sets up the simulation.
fn heading_of_setup(base_url: &str, partners: impl std::fmt::Display, limits: &Value) -> String {
    format!(
        "{base_url} serves; setting up {partners} simulated branches …\nThe policy published for \
         the simulation raises what one client may place: {limits}"
    )
}

/// Sets up the simulator, runs it and shows it. `None` if it was stopped before that was done.
async fn live(
    app: &App,
    options: &Options,
    place: &DemoFiles,
    (codes, provider): (Arc<Mailbox>, Option<Epoint>),
    mut requested: StopRequest<'_>,
) -> Result<Option<DemoState>, DemoFailed> {
    let phone = SUPPORT_PHONE.parse().map_err(|_| DemoFailed::because("the agent has no phone"))?;
    let agent = AddSupport { phone, role: SupportRole::Owner };
    app.engine.execute(By::CLOCK, None, agent).await?;
    let base_url = base_url(app.addr);
    if let Some(provider) = &provider {
        payment_provider::call_back_at(provider, &base_url);
    }
    let (switch, stop) = stop_pair();
    let limits = limits();
    let config = Config {
        base_urls: vec![base_url.clone()],
        seed: options.seed,
        partners: options.partners.into(),
        clients: options.clients.into(),
        speed: options.speed.into(),
        support_phone: SUPPORT_PHONE.to_owned(),
        credit_qepik: CREDIT_QEPIK,
        cards: provider.is_some(),
        policy: Some(limits.clone()),
        ..Config::default()
    };
    let began = app.engine.shared().clock.now();
    say(&heading_of_setup(&base_url, options.partners, &limits))?;
    let founding = async {
        let simulation = Simulation::set_up(config, codes, stop).await?;
        simulation.shared().clock_sync.read(app.engine.shared().clock.now());
        let logins = DemoLogins::arrive(&simulation, &base_url).await?;
        logins.leave_tokens(place).await?;
        Ok::<_, DemoFailed>((simulation, logins))
    };
    let (simulation, logins) = tokio::select! {
        founded = founding => founded?,
        requested = requested.as_mut() => return requested.map(|()| None).map_err(DemoFailed::from),
    };
    let census = simulation.census();
    let (tell, proved) = watch::channel(None);
    let people = (options.clients, options.partners);
    let (engine, node) = (app.engine.clone(), Node::at(&base_url)?);
    let mut watcher = Watcher::new(
        engine,
        Arc::clone(&census),
        node,
        proved,
        DemoState::first(began, options.speed, people),
    );
    let guide = logins.guide(place);
    say(&guide.join("\n"))?;
    let staying = tokio::spawn(logins.stay(place.clone(), tell));
    let living = tokio::spawn(simulation.run());
    let heading = format!(
        "{base_url} (API at /docs/, metrics at /metrics) · Ctrl-C stops, the next start goes on"
    );
    let shown = tokio::select! {
        failed = show(&mut watcher, options, &heading, &guide) => Err(failed),
        requested = requested.as_mut() => requested,
        () = ended(options) => Ok(()),
    };
    // If the terminal is closed this fails, and the demo stops all the same.
    let _ = say("Stopping the simulated people …");
    switch.send_replace(true);
    let home = living.await.and(staying.await);
    home.map_err(|fault| DemoFailed(format!("the simulation: {fault}")))?;
    shown?;
    if let Some(provider) = &provider {
        payment_provider::report_breaches(provider, &census);
    }
    Ok(Some(watcher.last_look().await.clone()))
}

/// Updates the display until the terminal is closed.
async fn show(
    watcher: &mut Watcher,
    options: &Options,
    heading: &str,
    guide: &[String],
) -> io::Error {
    if options.plain || !Screen::is_there() {
        loop {
            if let Err(error) = say(&view::one_line(watcher.read().await)) {
                return error;
            }
            pause(LINE_EVERY).await;
        }
    }
    let mut screen = match Screen::open().await {
        Ok(screen) => screen,
        Err(error) => return error,
    };
    loop {
        let lines = view::screen(watcher.read().await, heading, guide, screen.rows());
        if let Err(error) = screen.show(lines) {
            return error;
        }
        tokio::select! { () = pause(DRAW_EVERY) => {}, () = screen.resized() => {} }
    }
}

async fn ended(options: &Options) {
    match options.stop_after {
        Some(secs) => pause(Duration::from_secs(secs.into())).await,
        None => std::future::pending().await,
    }
}

/// The address of the engine for the simulator and the user.
fn base_url(mut addr: SocketAddr) -> String {
    if addr.ip().is_unspecified() {
        addr.set_ip(Ipv4Addr::LOCALHOST.into());
    }
    format!("http://{addr}")
}

fn summary(state: &DemoState, options: &Options, place: &DemoFiles, books_ok: bool) -> String {
    let mut lines = view::summary(state, books_ok);
    let program = std::env::args().next().unwrap_or_default();
    lines.extend([
        "Prove the books yourself:".to_owned(),
        format!("  YUMO__DATABASE__URL='{}' \\", place.url()),
        format!("  YUMO__CRYPTO__KEY_FILE='{}' {program} check", place.keys.display()),
        format!("The next start goes on in {} where this one stopped.", options.db.display()),
    ]);
    lines.join("\n")
}
