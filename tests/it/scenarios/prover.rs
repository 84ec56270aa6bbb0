//! The checkpoint, the incremental proof, the prover's lease, and what stops acceptances (BAL-6).

use std::collections::BTreeMap;
use std::sync::Arc;

use entity::{checkpoint_account, checkpoint_pending, posting};
use futures_util::{StreamExt as _, stream};
use sea_orm::{
    ConnectionTrait as _, Database, DatabaseConnection, EntityTrait as _, PaginatorTrait as _,
    Statement, TransactionTrait as _,
};
use yumo::app::{Overrides, engine, prover};
use yumo::proof::finding::Proof;
use yumo::proof::prover::{Prover, Round};
use yumo::proof::result;

use super::proofs::id as of;
use crate::support::bonus::serves;
use crate::support::world::{Backend, tell};
use crate::support::{Branch, World, instant};

/// The prover of another node over this world's database.
pub fn node(world: &World) -> Prover {
    prover(&world.app().engine, &world.settings)
}

pub async fn step(prover: &Prover) -> Proof {
    match prover.round().await.unwrap() {
        Round::Step(proof) => proof,
        other @ (Round::Followed | Round::Whole(_)) => panic!("no incremental proof: {other:?}"),
    }
}

pub async fn whole(prover: &Prover) -> Proof {
    match prover.round().await.unwrap() {
        Round::Whole(proof) => proof,
        other @ (Round::Followed | Round::Step(_)) => panic!("no whole proof: {other:?}"),
    }
}

/// A client orders, the branch completes: one commission of 1.35 is posted.
pub async fn served(world: &World, branch: &Branch) {
    let order = world.client("Anar").await.orders(branch).await;
    serves(branch, &order, 1500).await;
}

/// Nothing is pending, and the checkpoint's account sums equal the sums of all postings, added
/// here.
pub async fn folded(db: &DatabaseConnection) {
    assert_eq!(checkpoint_pending::Entity::find().count(db).await.unwrap(), 0);
    let mut sums: BTreeMap<String, i64> = BTreeMap::new();
    for row in posting::Entity::find().all(db).await.unwrap() {
        *sums.entry(row.debit).or_default() -= row.amount.0;
        *sums.entry(row.credit).or_default() += row.amount.0;
    }
    let rows = checkpoint_account::Entity::find().all(db).await.unwrap();
    let kept: BTreeMap<String, i64> =
        rows.into_iter().map(|row| (row.account, row.amount.0)).collect();
    assert_eq!(kept, sums);
}

fn checks(proof: &Proof) -> Vec<&str> {
    proof.violations.iter().map(|violation| violation.check.as_str()).collect()
}

both! {
    /// BAL-6: the first proof is a full one; the next goes on from the checkpoint, reads only new
    /// postings and the rows they concern, and still reports a wrong balance.
    async fn bal_6_the_proof_goes_on_from_the_checkpoint(world) {
        let (kristal, prover) = (world.branch("Kristal").await, node(world));
        for _ in 0..5 {
            served(world, &kristal).await;
        }
        let all = whole(&prover).await;
        assert_eq!((all.ok, all.checked["posting"], all.checked["order"]), (true, 6, 5));
        folded(&world.db()).await;
        served(world, &kristal).await;
        let since = step(&prover).await;
        assert!(since.ok, "{since:?}");
        // The clock is not moved here: orders of this very instant count as completed since the
        // checkpoint. Of the other postings, here the credit, none is read.
        assert_eq!((since.checked["checkpoint_pending"], since.checked["posting"]), (1, 6));
        folded(&world.db()).await;
        world.until(instant("2026-11-20T09:00:00Z")).await;
        assert!(step(&prover).await.ok);
        served(world, &kristal).await;
        let since = step(&prover).await;
        assert_eq!((since.checked["checkpoint_pending"], since.checked["posting"]), (1, 1));
        assert_eq!(since.checked["order"], 1);

        world.tampers("UPDATE wallet SET posted = posted + 1").await;
        assert_eq!(checks(&step(&prover).await), ["wallet_posted", "sum_zero"]);
        world.tampers("UPDATE wallet SET posted = posted - 1").await;
        assert!(step(&prover).await.ok);
    }

    /// BAL-4, BAL-6: a month opens with the same sums, whether earlier postings are folded or not.
    async fn bal_6_a_month_opens_from_the_checkpoint(world) {
        let (kristal, prover) = (world.branch("Kristal").await, node(world));
        served(world, &kristal).await;
        world.until(instant("2026-12-01T08:00:00Z")).await;
        served(world, &kristal).await;
        let lot = crate::support::bonus::grants_branch(world, &kristal, 200, 24).await;
        assert!(!lot.is_empty());
        for round in 0..3 {
            for (month, opening, closing, bonus) in
                [("2026-11", 0, 4865, (0, 0)), ("2026-12", 4865, 4730, (0, 200))]
            {
                let page = kristal.get(&format!("/v1/partner/statements/{month}")).await;
                let balance = (page.money("opening_balance"), page.money("closing_balance"));
                assert_eq!(balance, (opening, closing), "{month}, round {round}");
                let of_bonus = (page.money("opening_bonus"), page.money("closing_bonus"));
                assert_eq!(of_bonus, bonus, "{month}, round {round}");
            }
            assert!(!matches!(prover.round().await.unwrap(), Round::Followed));
        }
    }

    /// BAL-6: a posting changed after it was folded is found by the nightly full proof; then
    /// nothing is accepted until a full proof holds again, whatever the incremental ones say.
    async fn bal_6_a_changed_old_posting_is_found_at_night(world) {
        let (kristal, prover) = (world.branch("Kristal").await, node(world));
        served(world, &kristal).await;
        assert!(whole(&prover).await.ok);
        world.until(instant("2026-11-20T12:00:00Z")).await;
        assert!(step(&prover).await.ok);
        world.tampers("UPDATE posting SET amount = 134 WHERE kind = 'commission'").await;
        assert!(step(&prover).await.ok);
        world.until(instant("2026-11-20T22:59:59Z")).await;
        assert!(step(&prover).await.ok);
        world.until(instant("2026-11-20T23:00:00Z")).await;
        let night = whole(&prover).await;
        let found = checks(&night);
        assert!(found.contains(&"checkpoint_sum") && found.contains(&"commission_paid"), "{night:?}");
        let offer = world.client("Leyla").await.orders(&kristal).await;
        kristal.accepts(&offer).await.refused_as("books_wrong", "requested");
        assert!(!whole(&prover).await.ok);
        kristal.accepts(&offer).await.refused_as("books_wrong", "requested");
        world.tampers("UPDATE posting SET amount = 135 WHERE kind = 'commission'").await;
        assert!(whole(&prover).await.ok);
        kristal.accepts(&offer).await.status("confirmed");
        assert!(step(&prover).await.ok);
    }

    /// BAL-6: a commission that was never posted is reported at once, until it is repaired; the
    /// checkpoint folds nothing meanwhile.
    async fn bal_6_a_missing_posting_stays_named(world) {
        let (kristal, prover) = (world.branch("Kristal").await, node(world));
        assert!(whole(&prover).await.ok);
        let order = world.client("Anar").await.orders(&kristal).await;
        serves(&kristal, &order, 1500).await;
        let at = of(world, &order.id);
        world.tampers(&format!("UPDATE \"order\" SET final_amount = 2500 WHERE id = {at}")).await;
        for hour in 9..12 {
            assert_eq!(checks(&step(&prover).await), ["commission_paid"], "{hour}");
            world.until(instant(&format!("2026-11-20T{hour:02}:00:00Z"))).await;
        }
        assert_eq!(checkpoint_pending::Entity::find().count(&world.db()).await.unwrap(), 1);
        world.tampers(&format!("UPDATE \"order\" SET final_amount = 1500 WHERE id = {at}")).await;
        assert!(step(&prover).await.ok);
        folded(&world.db()).await;
    }

    /// BAL-6: one node proves at a time; another takes over when the lease expires or is released.
    async fn bal_6_one_node_proves_at_a_time(world) {
        let (first, second) = (node(world), node(world));
        assert!(whole(&first).await.ok);
        assert_eq!(second.round().await.unwrap(), Round::Followed);
        assert!(step(&first).await.ok);
        assert_eq!(second.round().await.unwrap(), Round::Followed);
        world.tampers("UPDATE proof_state SET lease_until_us = 0").await;
        assert!(step(&second).await.ok);
        assert_eq!(first.round().await.unwrap(), Round::Followed);
        second.stop().await;
        assert!(step(&first).await.ok);
        assert_eq!(second.round().await.unwrap(), Round::Followed);
    }

    /// BAL-6: proofs beside concurrent commits: each posting is folded once, and none is left out.
    async fn bal_6_nothing_is_skipped_beside_concurrent_commits(world) {
        let (kristal, other) = (world.branch("Kristal").await, world.branch("Sahil").await);
        let prover = node(world);
        assert!(whole(&prover).await.ok);
        let credit = |n: usize| {
            let branch = if n.is_multiple_of(2) { &kristal } else { &other };
            world.support().credits(&branch.partner_id, 100 + i64::try_from(n).unwrap())
        };
        // The acts of one person are numbered, so only a few of them run concurrently.
        let credits = stream::iter((0..24).map(credit)).buffer_unordered(4).collect::<Vec<_>>();
        let proving = async {
            for _ in 0..6 {
                assert!(step(&prover).await.ok);
            }
        };
        let (credits, ()) = tokio::join!(credits, proving);
        for credit in credits {
            credit.ok();
        }
        assert!(step(&prover).await.ok);
        folded(&world.db()).await;
        assert_eq!(kristal.balance().await.0 + other.balance().await.0, 10_000 + 2_400 + 276);
    }

    /// BAL-6: if the proof fails to run three times in a row, for a reason no outage explains,
    /// nothing is accepted; when it runs again, acceptances resume.
    async fn bal_6_an_unprovable_state_stops_acceptances(world) {
        let (kristal, prover) = (world.branch("Kristal").await, node(world));
        let offer = world.client("Anar").await.orders(&kristal).await;
        assert!(whole(&prover).await.ok);
        let db = &world.app().engine.shared().db.write;
        db.execute_unprepared("ALTER TABLE reservation RENAME TO reservation_away").await.unwrap();
        let standing = Arc::clone(&world.app().engine.context().standing);
        for holds in [true, true, false, false] {
            assert!(prover.round().await.is_err());
            assert_eq!(standing.holds(), holds);
        }
        kristal.accepts(&offer).await.refused_as("books_wrong", "requested");
        db.execute_unprepared("ALTER TABLE reservation_away RENAME TO reservation").await.unwrap();
        assert!(step(&prover).await.ok);
        kristal.accepts(&offer).await.status("confirmed");
    }
}

/// A separate connection to this world's schema.
async fn beside(world: &World) -> DatabaseConnection {
    let mut options = sea_orm::ConnectOptions::new(&world.settings.database.url);
    options.set_schema_search_path(&world.settings.database.schema).max_connections(2);
    Database::connect(options).await.unwrap()
}

/// BAL-6: a transaction that began first and commits last: its postings are older, by id and by
/// time, than those the checkpoint holds already, and are folded all the same.
#[test]
fn bal_6_a_late_commit_is_not_skipped_on_postgres() {
    tell(Backend::Postgres, async |world: &mut World| {
        let (kristal, prover) = (world.branch("Kristal").await, node(world));
        assert!(whole(&prover).await.ok);
        let late = commits_later(world).await;
        served(world, &kristal).await;
        assert!(step(&prover).await.ok);
        folded(&world.db()).await;
        late.commit().await.unwrap();
        assert_eq!(checkpoint_pending::Entity::find().count(&world.db()).await.unwrap(), 2);
        let proof = step(&prover).await;
        assert!(proof.ok, "{proof:?}");
        folded(&world.db()).await;
    });
}

/// Two postings written by hand and not committed yet: one has the lowest possible id, both are a
/// year old.
#[expect(clippy::disallowed_methods, reason = "a second writer beside the engine")]
async fn commits_later(world: &World) -> sea_orm::DatabaseTransaction {
    let late = beside(world).await.begin().await.unwrap();
    let (received, elsewhere) = ("operator:received", "operator:elsewhere");
    for (id, n, debit, credit) in [(1, 1, received, elsewhere), (2, 2, elsewhere, received)] {
        let sql = format!(
            "INSERT INTO posting (id, debit, credit, amount, kind, subject, n, at, note) VALUES \
             ('00000000-0000-7000-8000-{id:012}', '{debit}', '{credit}', 500, 'goodwill', \
             '00000000-0000-7000-8000-000000000009', {n}, '2025-11-20T08:00:00Z', '')"
        );
        late.execute_unprepared(&sql).await.unwrap();
    }
    late
}

/// BAL-6: a database that cancels the prover's statements, however often, stops no acceptance.
#[test]
fn bal_6_a_transient_failure_stops_nothing_on_postgres() {
    tell(Backend::Postgres, async |world: &mut World| {
        let (kristal, prover) = (world.branch("Kristal").await, node(world));
        let offer = world.client("Anar").await.orders(&kristal).await;
        assert!(whole(&prover).await.ok);
        let beside = beside(world).await;
        for _ in 0..4 {
            let locked = locks(&beside, "reservation").await;
            let (round, ()) = tokio::join!(prover.round(), cancels_who_waits(&beside));
            assert!(round.is_err());
            locked.rollback().await.unwrap();
        }
        kristal.accepts(&offer).await.status("confirmed");
        assert!(step(&prover).await.ok);
    });
}

#[expect(clippy::disallowed_methods, reason = "a lock beside the engine")]
async fn locks(db: &DatabaseConnection, table: &str) -> sea_orm::DatabaseTransaction {
    let locked = db.begin().await.unwrap();
    let lock = format!("LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE");
    locked.execute_unprepared(&lock).await.unwrap();
    locked
}

/// Cancels the statement that waits for a lock, as a statement time-out would.
async fn cancels_who_waits(db: &DatabaseConnection) {
    let sql = "SELECT count(pg_cancel_backend(pid)) AS n FROM pg_locks \
               WHERE NOT granted AND relation = 'reservation'::regclass";
    let found = || Statement::from_string(sea_orm::DatabaseBackend::Postgres, sql);
    loop {
        let row = db.query_one_raw(found()).await.unwrap().unwrap();
        if row.try_get::<i64>("", "n").unwrap() > 0 {
            return;
        }
        tokio::task::yield_now().await;
    }
}

/// BAL-6: what one node found, the others read at their next poll.
#[test]
fn bal_6_other_nodes_learn_what_the_prover_found_on_postgres() {
    tell(Backend::Postgres, async |world: &mut World| {
        let (kristal, prover) = (world.branch("Kristal").await, node(world));
        let clock: Arc<dyn platform::Clock> = Arc::new(world.clock.clone());
        let instead = Overrides { clock: Some(clock), codes: None, manual_loops: true };
        let (other, _) = engine(&world.settings, instead).await.unwrap();
        let standing = Arc::clone(&other.context().standing);
        assert!(whole(&prover).await.ok && standing.holds());
        world.tampers("UPDATE wallet SET posted = posted + 1").await;
        assert!(!step(&prover).await.ok);
        result::learn(&other).await.unwrap();
        assert!(!standing.holds());
        world.tampers("UPDATE wallet SET posted = posted - 1").await;
        assert!(step(&prover).await.ok);
        result::learn(&other).await.unwrap();
        assert!(standing.holds());
        assert_eq!(kristal.balance().await.0, 5000);
        assert!(world.settings.timers.proof_learn_s <= 5);
    });
}
