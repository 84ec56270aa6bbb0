//! The reads of the incremental proof do not grow with the length of the books, and the checkpoint
//! can be rebuilt from scratch (BAL-6).

use std::time::Instant;

use entity::order;
use sea_orm::{ConnectionTrait as _, IdenStatic as _, Iterable as _};

use super::prover::{folded, node, served, step, whole};
use crate::support::World;
use crate::support::world::Backend;

/// Completed orders beside the real one; `YUMO_PROOF_ORDERS` sets another number to measure.
const COPIES: u64 = 2_000;

async fn copies(world: &World, count: u64) {
    let (uuid, blob) = match world.backend {
        Backend::Sqlite => ("randomblob(16)", "BLOB"),
        Backend::Postgres => ("gen_random_uuid()", "uuid"),
    };
    let columns = order::Column::iter().map(|column| column.as_str().to_owned());
    let columns: Vec<String> = columns.filter(|name| name != "id").collect();
    let named: Vec<String> = columns.iter().map(|name| format!("\"{name}\"")).collect();
    let named = named.join(", ");
    let of_order: Vec<String> = columns.iter().map(|name| format!("o.\"{name}\"")).collect();
    let of_order = of_order.join(", ");
    for sql in [
        format!("CREATE TABLE copies (id {blob})"),
        format!(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count}) \
             INSERT INTO copies SELECT {uuid} FROM n"
        ),
        format!(
            "INSERT INTO \"order\" (id, {named}) SELECT c.id, {of_order} \
             FROM (SELECT * FROM \"order\" LIMIT 1) o CROSS JOIN copies c"
        ),
        "INSERT INTO hold (id, order_id, wallet_id, amount, bonus, allocations, state, at, ended_at, \
         version) SELECT c.id, c.id, wallet_id, amount, bonus, allocations, state, at, ended_at, \
         version FROM (SELECT * FROM hold LIMIT 1) h CROSS JOIN copies c"
            .to_owned(),
        format!(
            "INSERT INTO posting (id, debit, credit, amount, kind, subject, n, partner_id, \
             order_id, at, note) SELECT {uuid}, debit, credit, amount, kind, c.id, n, partner_id, \
             c.id, at, note FROM (SELECT * FROM posting WHERE kind = 'commission' LIMIT 1) p \
             CROSS JOIN copies c"
        ),
        // The credit that pays for them, so that the branch's balance stays the same.
        format!(
            "INSERT INTO posting (id, debit, credit, amount, kind, subject, n, partner_id, at, \
             note) SELECT {uuid}, 'operator:goodwill', debit, amount * {count}, 'goodwill', \
             {uuid}, 1, partner_id, at, note FROM posting WHERE kind = 'commission' LIMIT 1"
        ),
    ] {
        world.app().engine.shared().db.write.execute_unprepared(&sql).await.unwrap();
    }
}

async fn forgets(world: &World) {
    for sql in [
        "DELETE FROM posting WHERE kind = 'goodwill'",
        "DELETE FROM posting WHERE subject IN (SELECT id FROM copies)",
        "DELETE FROM hold WHERE id IN (SELECT id FROM copies)",
        "DELETE FROM \"order\" WHERE id IN (SELECT id FROM copies)",
        "DROP TABLE copies",
        // The statements of docs/operations.md.
        "DELETE FROM checkpoint_account",
        "INSERT INTO checkpoint_pending (posting_id) SELECT id FROM posting WHERE true ON CONFLICT DO NOTHING",
    ] {
        world.app().engine.shared().db.write.execute_unprepared(sql).await.unwrap();
    }
}

both! {
    /// BAL-6: after thousands of orders the incremental proof reads what one more order posted, and
    /// the full one reads everything. Prints how long both took.
    async fn bal_6_the_incremental_proof_reads_what_is_new(world) {
        let count = std::env::var("YUMO_PROOF_ORDERS");
        let count: u64 = count.map_or(COPIES, |text| text.parse().unwrap());
        let (kristal, prover) = (world.branch("Kristal").await, node(world));
        served(world, &kristal).await;
        copies(world, count).await;
        let begun = Instant::now();
        let all = whole(&prover).await;
        let took = begun.elapsed();
        assert!(all.ok, "{all:?}");
        assert!(all.checked["posting"] > count && all.checked["order"] > count);
        println!("{:?}: whole, with the first fold: {took:?}", world.backend);
        world.until(crate::support::instant("2026-11-20T09:00:00Z")).await;
        assert!(step(&prover).await.ok);
        for name in ["first", "second"] {
            served(world, &kristal).await;
            let begun = Instant::now();
            let since = step(&prover).await;
            println!("{:?}: incremental, {name}: {:?}", world.backend, begun.elapsed());
            assert!(since.ok, "{since:?}");
            assert!(since.checked["posting"] <= 2 && since.checked["order"] <= 2, "{since:?}");
        }
        let begun = Instant::now();
        assert!(yumo::proof::prover::on_demand(&world.app().engine).await.unwrap().ok);
        println!("{:?}: whole, nothing to fold: {:?}", world.backend, begun.elapsed());
        forgets(world).await;
        assert!(yumo::proof::prover::on_demand(&world.app().engine).await.unwrap().ok);
        folded(&world.db()).await;
    }
}
