//! Backups of an SQLite database: a backup misses nothing acknowledged, and a database restored by
//! whatever means begins a new feed epoch.

use std::fs;
use std::path::{Path, PathBuf};

use client::Audience;
use client::feed::{self, Position};
use futures_util::future::join_all;
use platform::db::{Db, DbLimits, DbOptions};
use sea_orm::{ConnectionTrait as _, EntityTrait as _};
use serde_json::{Value, json};

use crate::city::{Branch, City};
use crate::ground::{Backend, Ground};
use crate::server::{self, Server};
use crate::truth;
use crate::wire::{Request, Wire};

const CREDIT: i64 = 1_000_000;
/// Clients who place before the backup, and others who place while it runs.
const BEFORE: usize = 6;
const MEANWHILE: usize = 12;

/// How a database is restored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// The database file alone, copied by hand.
    File,
    /// All files of the folder, copied by hand.
    Folder,
    /// `yumo backup` and `yumo restore`.
    Restore,
}

/// Tops up a branch; each credit emits one event to the branch's feed.
struct CreditDesk<'a> {
    branch: &'a Branch,
    support: &'a str,
    next: i64,
}

impl CreditDesk<'_> {
    async fn tells(&mut self, wire: &Wire, events: i64) {
        for _ in 0..events {
            self.next += 1;
            let money = json!({"amount": self.next, "reason": "kassa"});
            let path = format!("/v1/support/partners/{}/credits", self.branch.id);
            wire.sure(self.support, &Request::post(path, &money)).await.yes();
        }
    }

    /// The branch's feed after this cursor of an epoch.
    async fn after(&self, wire: &Wire, seq: i64, epoch: Option<&str>) -> Value {
        let position = Position { after: Some(seq), epoch: epoch.map(ToOwned::to_owned) };
        let ask = feed::poll(&self.audience(), &position, 0);
        wire.sure(&self.branch.owner, &ask).await.yes()
    }

    /// The newest cursor, and the epoch.
    async fn standing(&self, wire: &Wire) -> (i64, String) {
        let ask = feed::snapshot(&self.audience());
        let snapshot = wire.sure(&self.branch.owner, &ask).await.yes();
        (snapshot["seq"].as_i64().unwrap(), snapshot["epoch"].as_str().unwrap().to_owned())
    }

    fn audience(&self) -> String {
        Audience::Branch(self.branch.id.clone()).name()
    }
}

/// The database and the files beside it.
fn files(ground: &Ground) -> Vec<PathBuf> {
    let all = fs::read_dir(ground.folder()).unwrap().map(|entry| entry.unwrap().path());
    all.filter(|path| name(path).starts_with("yumo.db")).collect()
}

fn name(path: &Path) -> &str {
    path.file_name().unwrap().to_str().unwrap()
}

fn copies(ground: &Ground, way: Way, to: &Path) {
    fs::create_dir_all(to).unwrap();
    match way {
        Way::Restore => succeeds(ground, &["backup", text(&to.join("yumo.db"))]),
        Way::File => {
            fs::copy(ground.folder().join("yumo.db"), to.join("yumo.db")).unwrap();
        }
        Way::Folder => {
            for file in files(ground) {
                fs::copy(&file, to.join(name(&file))).unwrap();
            }
        }
    }
}

fn puts_back(ground: &Ground, way: Way, from: &Path) {
    if way == Way::Restore {
        return succeeds(ground, &["restore", text(&from.join("yumo.db")), "--replace"]);
    }
    for log in ["yumo.db-wal", "yumo.db-shm"] {
        // There is none after a clean shutdown.
        let _ = fs::remove_file(ground.folder().join(log));
    }
    for file in fs::read_dir(from).unwrap().map(|entry| entry.unwrap().path()) {
        fs::copy(&file, ground.folder().join(name(&file))).unwrap();
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn succeeds(ground: &Ground, args: &[&str]) {
    let done = server::run(ground, args);
    assert!(done.status.success(), "{args:?}: {done:?}");
}

/// NOT-6: the database is copied, ten events are emitted, the copy is restored, twelve other events
/// are emitted; a device whose cursor is fourteen must take the snapshot and gets no event of the
/// other epoch.
#[tokio::test(flavor = "multi_thread")]
async fn a_device_of_a_lost_history_takes_the_snapshot() {
    let ground = Ground::new(Backend::Sqlite).await;
    let city = City::found(&ground, 1, 0, CREDIT).await;
    let mut desk = CreditDesk { branch: &city.branches[0], support: &city.support, next: 0 };
    for way in [Way::File, Way::Folder, Way::Restore] {
        let server = Server::start(&ground).await;
        let (first, epoch) = desk.standing(&server.wire).await;
        desk.tells(&server.wire, 4).await;
        server.stop().await;
        let copy = ground.folder().join(format!("{way:?}"));
        copies(&ground, way, &copy);

        let mut server = Server::start(&ground).await;
        desk.tells(&server.wire, 5).await;
        server.kill();
        let mut server = Server::start(&ground).await;
        desk.tells(&server.wire, 5).await;
        let reached = first + 14;
        let same = (reached, epoch.clone());
        assert_eq!(desk.standing(&server.wire).await, same, "{way:?}: a crash is no restore");
        server.kill();

        puts_back(&ground, way, &copy);
        let server = Server::start(&ground).await;
        if way != Way::Restore {
            server.alarm("feed_epoch_changed").await;
        }
        desk.tells(&server.wire, 12).await;
        for named in [Some(&*epoch), None] {
            let told = desk.after(&server.wire, reached, named).await;
            assert_eq!(told["snapshot_needed"], true, "{way:?} {named:?}: {told}");
            assert_eq!(told["events"], json!([]), "{way:?} {named:?}");
        }
        let (newest, other) = desk.standing(&server.wire).await;
        assert_eq!(newest, first + 16, "{way:?}");
        assert_ne!(other, epoch, "{way:?}");
        let told = desk.after(&server.wire, first + 4, Some(&other)).await;
        assert_eq!(told["events"].as_array().unwrap().len(), 12, "{way:?}: {told}");
        server.stop().await;
    }
}

/// Everything acknowledged before a backup began is in it, concurrent commands are in it whole or
/// not at all, and after a restore people continue from the backup.
#[tokio::test(flavor = "multi_thread")]
async fn a_backup_under_load_holds_what_was_acknowledged() {
    let mut ground = Ground::new(Backend::Sqlite).await;
    let city = City::found(&ground, 3, BEFORE + MEANWHILE, CREDIT).await;
    let server = Server::start(&ground).await;
    let place = async |n: usize| {
        city.clients[n].places(&server.wire, &city.branches[n % city.branches.len()]).await
    };
    let before = join_all((0..BEFORE).map(place)).await;
    let backup = ground.folder().join("backup.db");
    let backing_up = async {
        tokio::task::block_in_place(|| succeeds(&ground, &["backup", text(&backup)]));
    };
    let placing = join_all((BEFORE..BEFORE + MEANWHILE).map(place));
    let ((), meanwhile) = tokio::join!(backing_up, placing);
    for (args, why) in [
        (["backup", text(&backup)], "is there already"),
        (["restore", text(&backup)], "serves"),
        (["restore", "nowhere.db"], "serves"),
    ] {
        let said = server::refused(&ground, &args).await;
        assert!(said.contains(why), "{args:?}: {said}");
    }
    truth::books_are_right(&ground, server, &city.support).await;
    let live: Vec<String> = orders(&ground).await;
    assert!(before.iter().chain(&meanwhile).all(|order| live.contains(order)));

    let own = format!("sqlite://{}?mode=rw", backup.display());
    let url = ground.settings().find(|(name, _)| *name == "YUMO__DATABASE__URL").unwrap().1;
    let url = url.to_owned();
    ground.set("YUMO__DATABASE__URL", &own);
    succeeds(&ground, &["check"]);
    ground.set("YUMO__DATABASE__URL", &url);

    let said = server::refused(&ground, &["restore", text(&backup)]).await;
    assert!(said.contains("--replace"), "{said}");
    assert_eq!(orders(&ground).await, live, "a refused restore changes nothing");
    // The keys are lost with the database; those beside the backup are used.
    for file in files(&ground).into_iter().chain([ground.folder().join("yumo.key")]) {
        fs::remove_file(file).unwrap();
    }
    succeeds(&ground, &["restore", text(&backup)]);
    let server = Server::start(&ground).await;
    for (client, order) in city.clients.iter().zip(&before) {
        let orders = truth::orders_of(&server.wire, &client.token).await;
        assert_eq!(orders.as_slice(), std::slice::from_ref(order));
    }
    truth::books_are_right(&ground, server, &city.support).await;
}

async fn orders(ground: &Ground) -> Vec<String> {
    let db = ground.db().await;
    let orders = entity::order::Entity::find().all(&db.read).await.unwrap();
    db.read.close().await.unwrap();
    db.write.close().await.unwrap();
    orders.into_iter().map(|order| order.id.to_string()).collect()
}

/// A damaged backup is refused, and nothing is changed.
#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_backup_is_refused() {
    let ground = Ground::new(Backend::Sqlite).await;
    let city = City::found(&ground, 1, 1, CREDIT).await;
    let backup = ground.folder().join("backup.db");
    succeeds(&ground, &["backup", text(&backup)]);
    let whole = fs::read(&backup).unwrap();
    let mut wrong = whole.clone();
    wrong.truncate(whole.len() / 2);
    fs::write(&backup, &wrong).unwrap();
    server::refused(&ground, &["restore", text(&backup), "--replace"]).await;
    fs::write(&backup, &whole).unwrap();
    let url = format!("sqlite://{}?mode=rw", backup.display());
    let options = DbOptions {
        url,
        connections: 1,
        sync_full: true,
        schema: None,
        limits: DbLimits::default(),
    };
    let copy = Db::open(&options).await.unwrap();
    copy.write.execute_unprepared("UPDATE wallet SET posted = posted + 1").await.unwrap();
    copy.read.close().await.unwrap();
    copy.write.close().await.unwrap();
    let said = server::refused(&ground, &["restore", text(&backup), "--replace"]).await;
    assert!(said.contains("do not prove right"), "{said}");
    let server = Server::start(&ground).await;
    truth::books_are_right(&ground, server, &city.support).await;
}
