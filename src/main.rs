//! The command line.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Parser, Subcommand};
use entity::support_agent::SupportRole;
use platform::feed::epoch;
use platform::{By, CommandError, telemetry};
use yumo::access::codes::phone;
use yumo::access::people::support::AddSupport;
use yumo::app::{self, App, Overrides};
use yumo::backup::{self, Examined, Permitted, Restored, Saved};
use yumo::config::Settings;
#[cfg(feature = "demo")]
use yumo::demo;
use yumo::policy;
use yumo::policy::check::Finding;
use yumo::policy::{PolicyVersion, draft, read};
use yumo::proof::prover;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Yumo: a real-time booking engine for car care.
#[derive(Parser)]
#[command(version, about)]
struct Cli {
    /// Settings on top of the defaults (TOML).
    #[arg(long, global = true, env = "YUMO_CONFIG")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serves until stopped (Ctrl-C, SIGTERM).
    Serve,
    /// Migrates the database to the newest schema and exits.
    Migrate,
    /// Proves the books from their postings; exit status 1 when they are wrong.
    Check,
    /// Copies an SQLite database into a new file, also while a node serves it, and proves the copy;
    /// exit status 1 when its books are wrong.
    Backup {
        /// The file to create; the keys are stored beside it, as FILE.key.
        file: PathBuf,
        /// Omits the keys, which are kept elsewhere.
        #[arg(long)]
        without_keys: bool,
    },
    /// Replaces an SQLite database that no node serves by a backup.
    Restore {
        /// The backup.
        file: PathBuf,
        /// Moves an existing database aside.
        #[arg(long)]
        replace: bool,
        /// Accepts a backup whose books fail the proof.
        #[arg(long)]
        unproved: bool,
    },
    /// The epoch of the feeds.
    #[command(subcommand)]
    Epoch(EpochCommand),
    /// Runs an engine of its own with a simulator of clients and partners, to watch and to use.
    #[cfg(feature = "demo")]
    Demo(demo::Options),
    /// Prints the OpenAPI description.
    Openapi,
    /// The policy.
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// The operator's staff.
    #[command(subcommand)]
    Support(Support),
}

#[derive(Subcommand)]
enum EpochCommand {
    /// Begins a new epoch: after a restore that was not detected, so that devices take the
    /// snapshot.
    New {
        /// The reason.
        #[arg(long, default_value = "an operator began it")]
        reason: String,
    },
}

#[derive(Subcommand)]
enum PolicyCommand {
    /// Checks the versions in force, or a draft on the newest; exit status 1 on errors.
    Check {
        /// Changes of keys (TOML, as in the policy itself).
        #[arg(long)]
        file: Option<PathBuf>,
    },
}

#[derive(Subcommand)]
enum Support {
    /// Adds a person to the operator's staff.
    Add {
        /// The phone number to sign in with.
        #[arg(long)]
        phone: String,
        /// The role: owner, administrator or manager.
        #[arg(long, default_value = "owner")]
        role: SupportRole,
    },
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Cli::parse()).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("yumo: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(cli: Cli) -> Result<ExitCode, Failure> {
    // reqwest and rustls require a default crypto provider for the process; a second call has no
    // effect.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let settings = Settings::load(cli.config.as_deref())?;
    // The demo writes its log into a file of its own.
    #[cfg(feature = "demo")]
    let is_demo = matches!(cli.command, Command::Demo(_));
    #[cfg(not(feature = "demo"))]
    let is_demo = false;
    if !is_demo {
        telemetry::logs(settings.log.format, &settings.log.filter);
    }
    match cli.command {
        Command::Serve => serve(settings).await?,
        Command::Migrate => {
            app::engine(&settings, Overrides::default()).await?;
        }
        Command::Check => return check(&settings).await,
        Command::Backup { file, without_keys } => {
            return save(&settings, &file, !without_keys).await;
        }
        Command::Restore { file, replace, unproved } => {
            let permitted = Permitted { replace, unproved };
            return restore(&settings, &file, permitted).await;
        }
        Command::Epoch(EpochCommand::New { reason }) => {
            let (engine, _) = app::engine(&settings, Overrides::default()).await?;
            let (db, now) = (&engine.shared().db, engine.shared().clock.now());
            println!("{}", epoch::begin_another(db, &reason, now).await?.id);
        }
        #[cfg(feature = "demo")]
        Command::Demo(options) => {
            let fine = demo::run(settings, &options, stop_signal()?).await?;
            return Ok(if fine { ExitCode::SUCCESS } else { ExitCode::FAILURE });
        }
        Command::Openapi => println!("{}", app::openapi()?),
        Command::Policy(PolicyCommand::Check { file }) => {
            return check_policy(&settings, file.as_deref()).await;
        }
        Command::Support(Support::Add { phone, role }) => {
            let phone = phone::read(&phone, &settings.access);
            let phone =
                phone.map_err(|refused| format!("{}: {}", refused.title, refused.detail))?;
            let (engine, _) = app::engine(&settings, Overrides::default()).await?;
            let by = By::CLOCK;
            let done = engine.execute(by, None, AddSupport { phone, role }).await;
            let done = done.map_err(|stop| format!("{stop:?}"))?;
            println!("{}", done.answer);
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn serve(settings: Settings) -> Result<(), Failure> {
    // Registered before the server listens: whoever sees it listen may stop it at once.
    let stopped = stop_signal()?;
    let app = App::start(settings, Overrides::default()).await?;
    stopped.await?;
    app.stop().await;
    Ok(())
}

async fn check(settings: &Settings) -> Result<ExitCode, Failure> {
    let (engine, _) = app::engine(settings, Overrides::default()).await?;
    let proof = prover::on_demand(&engine).await.map_err(|stop| format!("{stop:?}"))?;
    println!("{}", serde_json::to_string_pretty(&proof)?);
    Ok(if proof.ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn save(settings: &Settings, file: &Path, with_keys: bool) -> Result<ExitCode, Failure> {
    let Saved { examined, keys } = backup::save(settings, file, with_keys).await?;
    println!("{} holds {}.", file.display(), found(&examined));
    match keys {
        Some(keys) => {
            println!("The keys are in {}: keep both, and apart if you can.", keys.display());
        }
        None => {
            println!("The keys are not in it: keep them too, nothing can be read without them.");
        }
    }
    Ok(if examined.violations.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn restore(
    settings: &Settings,
    file: &Path,
    permitted: Permitted,
) -> Result<ExitCode, Failure> {
    let Restored { examined, aside, keys } = backup::restore(settings, file, permitted).await?;
    println!("{} is restored: {}.", file.display(), found(&examined));
    if let Some(aside) = aside {
        println!("The database that was there is in {}.", aside.display());
    }
    if keys {
        println!("Its keys are in {}.", settings.crypto.key_file);
    }
    println!("Devices take the snapshot: another epoch of the feeds has begun.");
    Ok(ExitCode::SUCCESS)
}

fn found(examined: &Examined) -> String {
    let Examined { orders, events, violations, .. } = examined;
    let books = if violations.is_empty() {
        "the books prove right".to_owned()
    } else {
        format!("THE BOOKS DO NOT PROVE RIGHT: {violations:?}")
    };
    format!("{orders} orders and {events} events, every page is intact, {books}")
}

async fn check_policy(settings: &Settings, file: Option<&Path>) -> Result<ExitCode, Failure> {
    let (engine, _) = app::engine(settings, Overrides::default()).await?;
    let shared = engine.shared();
    let now = shared.clock.now();
    let versions = if let Some(file) = file {
        let changes = draft::changes(&std::fs::read_to_string(file)?)?;
        let drafted = read::draft(&shared.db.read, &changes).await;
        let (base, draft) = drafted.map_err(said)?;
        vec![(format!("draft on version {base}"), Arc::new(draft.keys))]
    } else {
        let versions = engine.context().policy.from(now);
        let named = |v: PolicyVersion| (format!("version {}", v.version), v.keys);
        versions.map_err(said)?.into_iter().map(named).collect()
    };
    let mut holds = true;
    for (name, keys) in versions {
        let findings = policy::check::check(&keys, now.date_naive());
        holds &= !policy::check::broken(&findings);
        println!("{name}: {} findings", findings.len());
        for Finding { severity, code, keys, says } in findings {
            println!("  {severity} {code} ({}): {says}", keys.join(", "));
        }
    }
    Ok(if holds { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn said(stop: CommandError) -> String {
    if let CommandError::Refused(no) = stop {
        return format!("{}: {}", no.code, no.detail);
    }
    format!("{stop:?}")
}

/// Registers for Ctrl-C and SIGTERM at once; the future ends with the first of them.
fn stop_signal() -> std::io::Result<impl Future<Output = std::io::Result<()>> + Send> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
        Ok(())
    })
}
