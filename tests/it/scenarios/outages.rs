//! Our own outages: deadlines move, nobody is penalised, a report lists the orders affected
//! (OUT-1).

use chrono::TimeDelta;
use serde_json::json;

use crate::support::{instant, minutes, seconds};

const MICROSECOND: TimeDelta = TimeDelta::microseconds(1);

both! {
    /// OUT-1: an arrival deadline inside [08:20, 08:30) moves to 08:30 + (08:25:01 − 08:20); one at
    /// 08:30 sharp or later stays; nobody is overdue for it, and the report names the moved one.
    async fn a_deadline_inside_our_outage_moves_and_others_stay(world) {
        let kristal = world.branch("Kristal").await;
        let (anar, leyla) = (world.client("Anar").await, world.client("Leyla").await);
        let inside = anar.orders(&kristal).await;
        kristal.accepts(&inside).await.ok();
        world.until(instant("2026-11-20T08:04:59Z")).await;
        let sharp = leyla.orders(&kristal).await;
        let accepted = kristal.accepts(&sharp).await;
        assert_eq!(accepted.at("arrival_deadline"), instant("2026-11-20T08:30:00Z"));
        world.until(instant("2026-11-20T08:20:00Z")).await;
        world.is_down_for(minutes(10)).await;

        let moved = anar.sees(&inside).await;
        moved.status("confirmed");
        assert_eq!(moved.at("arrival_deadline"), instant("2026-11-20T08:35:01Z"));
        assert_eq!(moved.json["overdue"], false);
        let stayed = leyla.sees(&sharp).await;
        assert_eq!(stayed.at("arrival_deadline"), instant("2026-11-20T08:30:00Z"));
        let polled = anar.get("/v1/feed/events?after=0").await;
        let last = polled.ok()["events"].as_array().unwrap().last().unwrap().clone();
        assert_eq!(last["event"], "order.deadline_moved");

        let report = world.support().outages().await;
        let outage = &report.ok()["items"][0];
        assert_eq!(outage["down_at"], "2026-11-20T08:20:00Z");
        assert_eq!(outage["up_at"], "2026-11-20T08:30:00Z");
        assert_eq!(outage["orders_touched"], 1);
        assert_eq!(outage["order_ids"], json!([inside.id]));

        world.until(instant("2026-11-20T08:35:01Z")).await;
        assert_eq!(anar.sees(&inside).await.ok()["overdue"], false);
        world.advance(MICROSECOND).await;
        assert_eq!(anar.sees(&inside).await.ok()["overdue"], true);
        assert_eq!(leyla.sees(&sharp).await.ok()["overdue"], true);
        assert_eq!(anar.penalties().await.ok()["items"], json!([]));
    }

    /// OUT-1: an offer that expired ten seconds into the outage lives 60 s after its end.
    async fn an_offer_inside_our_outage_lives_a_minute_more(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let order = anar.orders(&kristal).await;
        world.advance(seconds(22)).await;
        world.is_down_for(minutes(10)).await;
        anar.sees(&order).await.status("requested");
        // Down from 08:00:22, up at 08:10:22; the grace would have ended at 08:00:32.
        world.until(instant("2026-11-20T08:11:22Z")).await;
        anar.sees(&order).await.status("requested");
        kristal.accepts(&order).await.status("confirmed");
    }

    /// OUT-1, ORD-6: a moved offer that stays unanswered expires at its new deadline, not before.
    async fn a_moved_offer_ends_at_its_new_time(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let order = anar.orders(&kristal).await;
        world.advance(seconds(22)).await;
        world.is_down_for(minutes(10)).await;
        world.until(instant("2026-11-20T08:11:25Z")).await;
        assert_eq!(anar.sees(&order).await.status("cancelled")["undelivered"], true);
        assert_eq!(world.marks(&kristal.partner_id, "ignored").await, 0);
        assert_eq!(kristal.balance().await, (5000, 0, 5000));
    }

    /// OUT-1: the partner's time to decide moves too: no no-show results from our outage.
    async fn nobody_becomes_a_no_show_while_we_are_away(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let order = anar.orders(&kristal).await;
        kristal.accepts(&order).await.ok();
        world.until(instant("2026-11-20T08:30:00Z")).await;
        assert_eq!(anar.sees(&order).await.ok()["overdue"], true);
        // The decision was due at 08:35:01, five minutes and a second into the outage.
        world.is_down_for(minutes(60)).await;
        let moved = anar.sees(&order).await;
        moved.status("confirmed");
        assert_eq!(moved.at("decision_deadline"), instant("2026-11-20T09:35:01Z"));
        kristal.admits(&order).await.status("active");
        assert_eq!(world.marks(&anar.person_id, "client_no_show").await, 0);
    }

    /// OUT-1: automatic completion moves, as the branch could not complete the order: planned end
    /// 08:30 and twelve hours, down 20:25, up 20:35, so at 20:40.
    async fn out_1_the_time_to_complete_moves(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let order = anar.orders(&kristal).await;
        kristal.accepts(&order).await.ok();
        let active = kristal.admits(&order).await;
        assert_eq!(active.at("planned_end"), instant("2026-11-20T08:30:00Z"));
        world.until(instant("2026-11-20T20:25:00Z")).await;
        world.is_down_for(minutes(10)).await;
        world.until(instant("2026-11-20T20:40:00Z")).await;
        anar.sees(&order).await.status("active");
        world.advance(MICROSECOND).await;
        anar.sees(&order).await.status("completed");
    }

    /// OUT-1, ORD-3: the version seen before the outage is still valid if nothing else has changed.
    async fn out_1_an_offer_seen_before_our_outage_is_accepted_after_it(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let order = anar.orders(&kristal).await;
        world.advance(seconds(22)).await;
        world.is_down_for(minutes(10)).await;
        let path = format!("/v1/partner/orders/{}/accept", order.id);
        let accept = kristal.ask("POST", &path).seen(1).body(json!({}));
        accept.send().await.status("confirmed");
        let complete = format!("/v1/partner/orders/{}/complete", order.id);
        kristal.admits(&order).await.status("active");
        // A change made by people since then is refused.
        let body = json!({"final_amount": 1500});
        let old = kristal.ask("POST", &complete).seen(2).body(body).send().await;
        old.refused_as("stale_version", "active");
    }

    /// OUT-1, QO-6: an extension after an outage counts from the moved deadline, not the old one.
    async fn an_extension_after_an_outage_gives_time(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let order = anar.orders(&kristal).await;
        kristal.accepts(&order).await.ok();
        world.until(instant("2026-11-20T08:30:00Z")).await;
        world.is_down_for(minutes(60)).await;
        // The decision moved to 09:35:01, so the deadline is 09:25:01, and ten minutes more.
        let given = kristal.extends(&order).await;
        given.status("confirmed");
        assert_eq!(given.at("arrival_deadline"), instant("2026-11-20T09:35:01Z"));
        assert_eq!(given.ok()["overdue"], false);
        world.until(instant("2026-11-20T09:44:59Z")).await;
        anar.sees(&order).await.status("confirmed");
        assert_eq!(world.marks(&anar.person_id, "client_no_show").await, 0);
    }
}
