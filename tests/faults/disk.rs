//! A full disk: the real binary on a small tmpfs, filled under load, twice. Commands are answered
//! with 503 while nothing can be written, the node reports not ready and recovers by itself, and
//! every acknowledged step is there at the end.

use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::Ordering;

use crate::city::City;
use crate::ground::{Ground, MACHINE};
use crate::load::{Load, until, until_ready};
use crate::server::Server;
use crate::truth;

const DISK_MIB: u32 = 48;
const CLIENTS: usize = 12;
/// Steps that must be answered before the disk fills, and after it has room again.
const STEPS: usize = 60;
/// Set in the process that runs in its own mount namespace.
const INSIDE: &str = "FAULTS_INSIDE_NAMESPACE";

/// Runs this test again in a new mount namespace, where it may mount a small disk that is gone when
/// it ends; as root, or in a user namespace. True in that second process.
async fn has_its_own_mounts(test: &str) -> bool {
    if std::env::var_os(INSIDE).is_some() {
        return true;
    }
    let _alone = MACHINE.lock().await;
    let works = |how: &&str| {
        let mut attempt = Command::new("unshare");
        attempt.args([how, "mount", "-t", "tmpfs", "yumo", "/tmp"]);
        attempt.output().is_ok_and(|done| done.status.success())
    };
    let how = ["-m", "-Urm"].into_iter().find(works);
    let how = how.expect("a namespace to mount a tmpfs in: root, or unprivileged user namespaces");
    let mut inner = tokio::process::Command::new("unshare");
    inner.arg(how).arg("--").arg(std::env::current_exe().unwrap());
    inner.args([test, "--exact", "--nocapture"]).env(INSIDE, "1");
    assert!(inner.status().await.unwrap().success(), "{test} failed in its namespace");
    false
}

/// Fills the disk.
fn fill(file: &Path) {
    let mut file = std::fs::File::create(file).unwrap();
    for size in [1 << 20, 1 << 12, 1] {
        while file.write_all(&vec![b'x'; size]).is_ok() {}
    }
}

async fn fills_twice(killed: bool) {
    let ground = Ground::on_a_small_disk(DISK_MIB).await;
    let city = City::found(&ground, 1, CLIENTS, 1_000_000).await;
    let (load, filler) = (Load::default(), ground.file("filler"));
    let mut server = Server::start(&ground).await;
    let wire = std::mem::replace(&mut server.wire, crate::wire::Wire::to(""));
    let breaking = async {
        for round in 0..2 {
            let before = load.answered();
            until("progress", async || load.answered() >= before + STEPS).await;
            let before = load.unavailable.load(Ordering::Relaxed);
            fill(&filler);
            let refused = async || load.unavailable.load(Ordering::Relaxed) >= before + CLIENTS;
            until("refusals", refused).await;
            until_ready(&wire, false).await;
            load.is_all_there(&wire, &city.support).await;
            if killed && round == 1 {
                server.kill();
                std::fs::remove_file(&filler).unwrap();
                return;
            }
            std::fs::remove_file(&filler).unwrap();
            until_ready(&wire, true).await;
        }
        let before = load.answered();
        until("progress at the end", async || load.answered() >= before + STEPS).await;
        load.stop();
    };
    tokio::join!(load.run(&city, &wire), breaking);
    let alarm = server.errors().iter().any(|line| line.contains("storage_unwritable"));
    assert!(alarm, "an alarm says so: {:?}", server.errors());
    if !killed {
        server.stop().await;
    }
    let server = Server::start(&ground).await;
    println!("{} steps, {:?} times 503", load.answered(), load.unavailable);
    load.is_all_there(&server.wire, &city.support).await;
    truth::books_are_right(&ground, server, &city.support).await;
}

/// ORD-2, ORD-4: every acknowledged step survives a clean shutdown.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_loses_nothing_that_was_answered() {
    if has_its_own_mounts("disk::a_full_disk_loses_nothing_that_was_answered").await {
        fills_twice(false).await;
    }
}

/// ORD-2, ORD-4: every acknowledged step survives a kill while nothing could be written.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_and_a_kill_lose_nothing_that_was_answered() {
    if has_its_own_mounts("disk::a_full_disk_and_a_kill_lose_nothing_that_was_answered").await {
        fills_twice(true).await;
    }
}
