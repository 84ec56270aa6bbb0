//! File permissions: only the owner may read the files, whatever the umask says.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::ground::{Backend, Ground};
use crate::server::{self, Server};
use crate::wait::pause;

fn mode(path: &Path) -> u32 {
    let metadata = fs::metadata(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    metadata.permissions().mode() & 0o777
}

fn private(folder: &Path, names: &[&str]) {
    for name in names {
        assert_eq!(mode(&folder.join(name)), 0o600, "{name}");
    }
}

const SERVING: [&str; 6] =
    ["yumo.db", "yumo.db-wal", "yumo.db-shm", "yumo.db.epoch", "yumo.db.lock", "yumo.key"];

/// ACC-5: keys, databases and backups are created with mode 0600, and wider modes are tightened.
#[tokio::test(flavor = "multi_thread")]
async fn files_are_their_owners_alone() {
    let ground = Ground::new(Backend::Sqlite).await;
    let folder = ground.folder();
    let mut server = Server::start(&ground).await;
    private(folder, &SERVING);
    let backup = folder.join("backup.db");
    assert!(server::run(&ground, &["backup", backup.to_str().unwrap()]).status.success());
    private(folder, &["backup.db", "backup.db.key"]);
    server.kill();
    for name in SERVING {
        fs::set_permissions(folder.join(name), fs::Permissions::from_mode(0o644)).unwrap();
    }
    Server::start(&ground).await.kill();
    private(folder, &SERVING);
    assert!(
        server::run(&ground, &["restore", backup.to_str().unwrap(), "--replace"]).status.success()
    );
    private(folder, &["yumo.db", "yumo.db.epoch"]);
}

/// ACC-5: the same for the demo: its database, keys, log, and the tokens of its logins.
#[tokio::test(flavor = "multi_thread")]
async fn the_files_of_the_demo_are_their_owners_alone() {
    let ground = Ground::new(Backend::Sqlite).await;
    let folder = ground.folder();
    fs::write(folder.join("d.log"), "").unwrap();
    fs::set_permissions(folder.join("d.log"), fs::Permissions::from_mode(0o644)).unwrap();
    let db = folder.join("d.db");
    let mut demo = server::Demo::start(&ground, &db);
    let env: PathBuf = folder.join("d.env");
    let deadline = Instant::now() + Duration::from_mins(1);
    while !env.exists() {
        assert!(demo.runs() && Instant::now() < deadline, "no tokens were written");
        pause(Duration::from_millis(20)).await;
    }
    private(folder, &["d.db", "d.db-wal", "d.db-shm", "d.key", "d.log", "d.env"]);
}
