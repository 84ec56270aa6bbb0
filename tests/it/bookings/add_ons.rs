//! More services before the car is admitted (ADD-1), and by support (ADD-3).

use chrono::TimeDelta;
use serde_json::json;

use super::one_bay;
use crate::support::booking::hours;
use crate::support::{instant, minutes, seconds};

const MICROSECOND: TimeDelta = TimeDelta::microseconds(1);

both! {
    /// ADD-1: price, duration, hold, capacity and end change together: 15.00 + 25.00 at 8 %.
    async fn add_1_an_add_on_changes_everything_together(world) {
        let (kristal, anar) = one_bay(world).await;
        let four = instant("2026-11-20T16:00:00Z");
        let order = anar.has_booked(&kristal, four).await;
        let proposed = anar.proposes_add_on(&order, &kristal, "wash.full").await;
        let proposal = &proposed.status("confirmed")["proposal"];
        assert_eq!((&proposal["kind"], &proposal["total"]["amount"]), (&json!("add_on"), &json!(4000)));
        assert_eq!(proposal["expires_at"], "2026-11-20T08:02:00Z");
        assert_eq!(kristal.balance().await, (5000, 135, 4865));
        let agreed = kristal.answers(&order, "add-ons", "accept").await;
        assert_eq!((agreed.money("total"), agreed.at("ends_at")), (4000, four + minutes(90)));
        assert_eq!(kristal.balance().await, (5000, 320, 4680));
        let leyla = world.client("Leyla").await;
        let five = four + hours(1);
        leyla.asks_to_book(&kristal, &["wash.body"], five, 1500).await.refused("slot_taken");
        leyla.books(&kristal, four + minutes(90)).await;
    }

    /// ADD-1: if the bay is not free long enough nothing changes, unless another bay is free.
    async fn add_1_not_without_a_bay(world) {
        let (kristal, anar) = one_bay(world).await;
        let four = instant("2026-11-20T16:00:00Z");
        let order = anar.has_booked(&kristal, four).await;
        world.client("Leyla").await.has_booked(&kristal, four + minutes(30)).await;
        anar.proposes_add_on(&order, &kristal, "wash.full").await.ok();
        let version = kristal.version(&order).await;
        kristal.answers(&order, "add-ons", "accept").await.refused("bay_not_free");
        assert_eq!((kristal.version(&order).await, kristal.balance().await.1), (version, 270));
        let second = kristal.adds_bay("Bay 2", "wash").await;
        let agreed = kristal.answers(&order, "add-ons", "accept").await;
        assert_eq!(agreed.status("confirmed")["place"]["bay_id"], json!(second));
        assert_eq!(kristal.balance().await.1, 320 + 135);
    }

    /// ADD-1, BAL-2: the floor applies to the additional hold: from −2.70 one of 1.85 still fits
    /// above −5.00; a second does not, and changes nothing.
    async fn add_1_the_floor_applies(world) {
        let kristal = world.branch_with("Kristal", 0).await;
        kristal.adds_bay("Bay 1", "wash").await;
        let (anar, leyla) = (world.client("Anar").await, world.client("Leyla").await);
        let order = anar.has_booked(&kristal, instant("2026-11-20T16:00:00Z")).await;
        let other = leyla.has_booked(&kristal, instant("2026-11-20T18:00:00Z")).await;
        assert_eq!(kristal.balance().await, (0, 270, -270));
        anar.proposes_add_on(&order, &kristal, "wash.full").await.ok();
        kristal.answers(&order, "add-ons", "accept").await.ok();
        assert_eq!(kristal.balance().await, (0, 455, -455));
        leyla.proposes_add_on(&other, &kristal, "wash.full").await.ok();
        let before = kristal.sees(&other).await;
        let refused = kristal.answers(&other, "add-ons", "accept").await;
        refused.refused("insufficient_balance");
        assert_eq!(kristal.sees(&other).await.ok()["version"], before.ok()["version"]);
        assert_eq!(kristal.sees(&other).await.money("total"), 1500);
        assert_eq!(kristal.balance().await, (0, 455, -455));
    }

    /// ADD-1: two minutes to answer; the client may withdraw it; proposing the same again is
    /// refused.
    async fn add_1_an_unanswered_add_on_is_over(world) {
        let (kristal, anar) = one_bay(world).await;
        let order = anar.has_booked(&kristal, instant("2026-11-20T16:00:00Z")).await;
        anar.proposes_add_on(&order, &kristal, "wash.body").await.refused("services_invalid");
        anar.proposes_add_on(&order, &kristal, "wash.full").await.ok();
        anar.answers(&order, "add-ons", "decline").await.status("confirmed");
        anar.proposes_add_on(&order, &kristal, "wash.full").await.ok();
        world.advance(seconds(120)).await;
        assert_eq!(anar.sees(&order).await.ok()["proposal"]["kind"], "add_on");
        world.advance(MICROSECOND).await;
        assert_eq!(anar.sees(&order).await.ok()["proposal"], json!(null));
        assert_eq!(anar.sees(&order).await.money("total"), 1500);
    }

    /// ADD-1: the same for a quick order on the way; its arrival deadline does not move.
    async fn add_1_on_the_way_of_a_quick_order(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let order = anar.orders(&kristal).await;
        kristal.accepts(&order).await.ok();
        anar.departs(&order).await.status("on_the_way");
        anar.proposes_add_on(&order, &kristal, "wash.full").await.ok();
        let stale = kristal.version(&order).await - 1;
        let id = kristal.sees(&order).await.ok()["proposal"]["id"].as_str().unwrap().to_owned();
        let path = format!("/v1/partner/orders/{}/add-ons/{id}/accept", order.id);
        let old = kristal.ask("POST", &path).seen(stale).body(json!({})).send().await;
        old.refused("stale_version");
        let agreed = kristal.answers(&order, "add-ons", "accept").await;
        assert_eq!(agreed.status("on_the_way")["total"]["amount"], 4000);
        assert_eq!(agreed.at("arrival_deadline"), instant("2026-11-20T08:25:01Z"));
        anar.proposes_start(&order, instant("2026-11-20T16:00:00Z")).await.refused("not_for_this_kind");
    }

    /// ADD-2, COM-3: while the car is served the partner adds services on the spot: the commission
    /// follows, and the bay is held for as long as it is free: until the next booking, an hour
    /// later.
    async fn add_2_services_are_added_on_the_spot(world) {
        let (kristal, anar) = one_bay(world).await;
        let four = instant("2026-11-20T16:00:00Z");
        let order = anar.has_booked(&kristal, four).await;
        world.client("Leyla").await.has_booked(&kristal, four + minutes(60)).await;
        world.until(four).await;
        kristal.admits(&order).await.status("active");
        let more = kristal.changes_services(&order, &["wash.body", "wash.full"]).await;
        assert_eq!(more.status("active")["total"]["amount"], 4000);
        assert_eq!(more.at("planned_end"), four + minutes(90));
        assert_eq!(more.ok()["place"]["until"], "2026-11-20T17:00:00Z");
        assert_eq!(kristal.balance().await.1, 320 + 135);
        let less = kristal.changes_services(&order, &["wash.body"]).await;
        assert_eq!(less.ok()["place"]["until"], "2026-11-20T16:30:00Z");
        kristal.completes(&order, 1500).await.status("completed");
        assert_eq!(kristal.balance().await, (4865, 135, 4730));
    }

    /// ADD-3, ORD-8: a change by support closes an open proposal, which is based on the earlier
    /// agreement.
    async fn add_3_support_closes_what_was_proposed(world) {
        let (kristal, anar) = one_bay(world).await;
        let order = anar.has_booked(&kristal, instant("2026-11-20T16:00:00Z")).await;
        let six = instant("2026-11-20T18:00:00Z");
        anar.proposes_start(&order, six).await.ok();
        let path = format!("/v1/support/orders/{}/adjust", order.id);
        let full = [kristal.service("wash.full")];
        let body = json!({"act": "change_services", "reason": "On the phone", "service_ids": full});
        let version = kristal.version(&order).await;
        let changed = world.support().ask("POST", &path).seen(version).body(body).send().await;
        assert_eq!(changed.status("confirmed")["proposal"], json!(null));
        assert_eq!(changed.money("total"), 2500);
        world.client("Leyla").await.books(&kristal, six).await;
    }

    /// ADD-3: support changes the services of a confirmed booking, with a reason.
    async fn add_3_support_does_it_by_hand(world) {
        let (kristal, anar) = one_bay(world).await;
        let four = instant("2026-11-20T16:00:00Z");
        let order = anar.has_booked(&kristal, four).await;
        let path = format!("/v1/support/orders/{}/adjust", order.id);
        let both = [kristal.service("wash.body"), kristal.service("wash.full")];
        let body = json!({"act": "change_services", "reason": "On the phone", "service_ids": both});
        let support = world.support();
        let version = kristal.version(&order).await;
        let changed = support.ask("POST", &path).seen(version).body(body).send().await;
        assert_eq!(changed.status("confirmed")["total"]["amount"], 4000);
        assert_eq!(changed.at("ends_at"), four + minutes(90));
        let silent = json!({"act": "change_services", "reason": " ", "service_ids": both});
        let version = kristal.version(&order).await;
        let refused = support.ask("POST", &path).seen(version).body(silent).send().await;
        refused.refused("reason_required");
        assert_eq!(kristal.balance().await.1, 320);
    }
}
