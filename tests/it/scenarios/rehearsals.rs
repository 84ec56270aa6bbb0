//! Rehearsals of a draft policy over past orders: money, penalties, bans; nothing is written.

use chrono::TimeDelta;
use entity::value::Instant;
use serde_json::{Value, json};
use yumo::support::rehearsal::{Rehearse, rehearse};

use crate::support::ask::money;
use crate::support::books::everything;
use crate::support::faults::{accepted, leaves_late_paying, lets_go};
use crate::support::policy::{publishes_now, rehearses};
use crate::support::{World, minutes};

/// A tenth of every amount; a fifth for a late cancel, at most 3.00; bookings free until an hour
/// before; four faults ban, four warn.
fn draft() -> Value {
    json!({
        "commission": {"brackets": [{"rate_bp": 1000}]},
        "quick": {"fee_bp": 2000, "fee_cap": 300},
        "booking": {"free_cancel_min": 60},
        "client": {"ban_count": 4},
        "partner": {"warn_count": 4},
    })
}

/// Eleven orders: two completed (15.00 and 25.00), four late cancels by Anar (15.00 each), a
/// no-show of Rauf (25.00), three that Kristal cancels, and a booking (15.00) that Leyla cancels
/// two hours and a half before its start.
async fn a_day(world: &World) -> Instant {
    let from = world.now();
    let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
    let (leyla, rauf) = (world.client("Leyla").await, world.client("Rauf").await);
    let served = accepted(&kristal, &anar).await;
    kristal.admits(&served).await.ok();
    kristal.completes(&served, 1500).await.ok();
    let served = leyla.orders_services(&kristal, &["wash.full"]).await;
    kristal.accepts(&served).await.ok();
    kristal.admits(&served).await.ok();
    kristal.completes(&served, 2500).await.ok();
    leaves_late_paying(world, &kristal, &anar, 4).await;
    lets_go(world, &kristal, &leyla, 3).await;
    let missed = rauf.orders_services(&kristal, &["wash.full"]).await;
    kristal.accepts(&missed).await.ok();
    world.advance(minutes(40)).await;
    rauf.sees(&missed).await.status("cancelled");
    kristal.adds_bay("Bay 1", "wash").await;
    world.until(from + minutes(60)).await;
    let booked = leyla.has_booked(&kristal, from + minutes(60 + 180)).await;
    world.advance(minutes(30)).await;
    assert_eq!(leyla.cancels(&booked).await.money("penalty"), 150);
    world.advance(minutes(1)).await;
    from
}

/// (before, after, difference), qəpik.
fn change(value: &Value) -> (i64, i64, i64) {
    (money(&value["before"]), money(&value["after"]), money(&value["difference"]))
}

fn sanctions(answer: &Value) -> Vec<(i64, i64)> {
    let rows = answer["sanctions"].as_array().unwrap();
    let kinds: Vec<&str> = rows.iter().map(|row| row["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["client_ban", "partner_warning", "partner_visibility", "partner_block"]);
    rows.iter().map(|r| (r["before"].as_i64().unwrap(), r["after"].as_i64().unwrap())).collect()
}

both! {
    /// COM-1, PEN-1, PEN-2, PEN-3, SAN-1, SAN-2: what a draft would have changed, computed by hand;
    /// no row of the database changes.
    async fn a_rehearsal_says_what_would_have_been_and_writes_nothing(world) {
        let from = a_day(world).await;
        let before = everything(&world.db()).await;
        let rehearsed = rehearses(world, draft(), from, world.now()).await;
        assert_eq!(before, everything(&world.db()).await);
        let said = rehearsed.ok();
        assert_eq!((rehearsed.status, &said["base_version"], &said["cut_at"]), (200, &json!(1), &Value::Null));

        let quick = &said["quick"];
        assert_eq!((&quick["orders"], &quick["changed"]), (&json!(10), &json!(7)));
        // 9 % of 15.00 and 8 % of 25.00, then a tenth of both.
        assert_eq!(change(&quick["commission"]), (135 + 200, 150 + 250, 65));
        // Four times a tenth of 15.00, and of 25.00 at most 2.00; then a fifth, at most 3.00.
        assert_eq!(change(&quick["penalties"]), (4 * 150 + 200, 4 * 300 + 300, 700));
        assert_eq!((&quick["penalised_before"], &quick["penalised_after"]), (&json!(5), &json!(5)));
        let booking = &said["booking"];
        assert_eq!((&booking["orders"], &booking["changed"]), (&json!(1), &json!(1)));
        assert_eq!(change(&booking["penalties"]), (150, 0, -150));
        let total = &said["total"];
        assert_eq!((&total["orders"], &total["changed"]), (&json!(11), &json!(8)));
        assert_eq!(change(&total["penalties"]), (950, 1500, 550));
        assert_eq!(change(&total["commission"]), (335, 400, 65));

        // Anar's four faults; Kristal's three.
        assert_eq!(sanctions(said), [(0, 1), (1, 0), (0, 0), (0, 0)]);
        let biggest = said["biggest"].as_array().unwrap();
        let sizes: Vec<i64> = biggest
            .iter()
            .map(|row| change(&row["penalty"]).2.abs() + change(&row["commission"]).2.abs())
            .collect();
        assert_eq!(sizes, [150, 150, 150, 150, 150, 100, 50, 15]);
        let booked = biggest.iter().find(|row| row["kind"] == "booking").unwrap();
        assert_eq!(change(&booked["penalty"]), (150, 0, -150));
    }

    /// PEN-2, SAN-1: cancels that would have been free are no faults either.
    async fn a_longer_grace_makes_late_cancels_free(world) {
        let from = a_day(world).await;
        let longer = json!({"quick": {"unseen_accept_grace_s": 20}, "client": {"ban_count": 4}});
        let said = rehearses(world, longer, from, world.now()).await;
        assert_eq!(change(&said.ok()["total"]["penalties"]), (950, 350, -600));
        assert_eq!(sanctions(&said.json)[0], (0, 0));
    }

    /// ORD-7: each order is compared with the version it was placed under, not with the newest.
    async fn orders_are_compared_with_the_version_they_were_placed_under(world) {
        let from = a_day(world).await;
        let nothing = rehearses(world, json!({}), from, world.now()).await;
        assert_eq!(nothing.ok()["total"]["changed"], 0);
        assert_eq!(nothing.json["biggest"], json!([]));
        publishes_now(world, draft()).await.ok();
        let same = rehearses(world, json!({}), from, world.now()).await;
        assert_eq!(same.ok()["base_version"], 2);
        assert_eq!(change(&same.json["total"]["penalties"]), (950, 1500, 550));
        // Sanctions follow today's version, which is the draft by now.
        assert_eq!(sanctions(&same.json), [(1, 1), (0, 0), (0, 0), (0, 0)]);
        let after = world.now() + minutes(1);
        world.advance(minutes(2)).await;
        let empty = rehearses(world, draft(), after, world.now()).await;
        assert_eq!(empty.ok()["total"]["orders"], 0);
    }

    /// A rehearsal is limited to 92 days and a number of orders, and says where it was cut.
    async fn a_rehearsal_is_bounded(world) {
        let from = a_day(world).await;
        let now = world.now();
        for (from, until) in [(now, now), (now, from), (now - TimeDelta::days(93), now)] {
            rehearses(world, draft(), from, until).await.refused("rehearsal_period_invalid");
        }
        let broken = rehearses(world, json!({"addon": {"ttl_s": 0}}), from, now).await;
        broken.refused("policy_broken");
        rehearses(world, json!({"addon": {"ttl": 9}}), from, now).await.refused("policy_key_unknown");
        rehearses(world, draft(), now - TimeDelta::days(92), now).await.ok();

        let changes = serde_json::from_value(draft()).unwrap();
        let ask = Rehearse { changes, from, until: now, orders_max: 3 };
        let cut = rehearse(&world.app().engine, &ask).await.unwrap();
        assert_eq!(cut.total.orders, 3);
        let rows = everything(&world.db()).await;
        assert!(rows.iter().any(|row| row.starts_with("order ")));
        let cut_at = cut.cut_at.unwrap();
        let whole = rehearses(world, draft(), from, cut_at).await;
        assert_eq!(whole.ok()["total"]["orders"], 3);
        let ask = Rehearse { orders_max: 11, ..ask };
        let all = rehearse(&world.app().engine, &ask).await.unwrap();
        assert_eq!((all.total.orders, all.cut_at), (11, None));
    }
}
