//! Automatic answers that a branch has configured (BK-4, ADD-1).

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::one_bay;
use crate::support::{Order, instant, minutes};

const MICROSECOND: TimeDelta = TimeDelta::microseconds(1);

both! {
    /// BK-4: all bookings are confirmed at once, in the partner's name, by a timer; the commission
    /// is held.
    async fn bk_4_a_branch_confirms_everything_by_itself(world) {
        let (kristal, anar) = one_bay(world).await;
        kristal.sets(json!({"auto_confirm": {"all": true}})).await.ok();
        let mut feed = anar.follows().await;
        let order = anar.books(&kristal, instant("2026-11-20T16:00:00Z")).await;
        world.advance(MICROSECOND).await;
        let seen = anar.sees(&order).await;
        seen.status("confirmed");
        assert_eq!(kristal.balance().await, (5000, 135, 4865));
        let told = feed.hears("order.confirmed").await;
        assert_eq!(told["data"]["actor"]["kind"], "clock");
        // The partner answers a quick order itself.
        let leyla = world.client("Leyla").await;
        let quick = leyla.orders(&kristal).await;
        world.advance(minutes(0)).await;
        leyla.sees(&quick).await.status("requested");
    }

    /// BK-4: only if every service of the booking is one of the configured ones.
    async fn bk_4_a_branch_confirms_some_services_by_itself(world) {
        let (kristal, anar) = one_bay(world).await;
        let only = json!({"auto_confirm": {"service_ids": [kristal.service("wash.body")]}});
        kristal.sets(only).await.ok();
        let order = anar.books(&kristal, instant("2026-11-20T16:00:00Z")).await;
        let both = ["wash.body", "wash.full"];
        let leyla = world.client("Leyla").await;
        let later = instant("2026-11-20T18:00:00Z");
        let other = Order::of(&leyla.asks_to_book(&kristal, &both, later, 4000).await);
        world.advance(MICROSECOND).await;
        anar.sees(&order).await.status("confirmed");
        leyla.sees(&other).await.status("requested");
    }

    /// BK-4, BK-12: bookings that start within certain hours of the branch's local time: Friday
    /// 20:00 to 22:00 in Baku is 16:00 to 18:00 UTC.
    async fn bk_4_a_branch_confirms_by_itself_in_certain_hours(world) {
        let (kristal, anar) = one_bay(world).await;
        let hours = json!([{"weekday": 5, "from_min": 1200, "until_min": 1320}]);
        kristal.sets(json!({"auto_confirm": {"hours": hours}})).await.ok();
        let (leyla, farid) = (world.client("Leyla").await, world.client("Farid").await);
        let before = leyla.books(&kristal, instant("2026-11-20T15:30:00Z")).await;
        let within = anar.books(&kristal, instant("2026-11-20T16:00:00Z")).await;
        let after = farid.books(&kristal, instant("2026-11-20T18:00:00Z")).await;
        world.advance(MICROSECOND).await;
        anar.sees(&within).await.status("confirmed");
        leyla.sees(&before).await.status("requested");
        farid.sees(&after).await.status("requested");
    }

    /// BK-4, BAL-2: if the floor refuses, the booking stays requested, and the partner may still
    /// answer: 5.00 may be held, 3.20 are, and the later requests need 1.35 and then 1.35 more.
    async fn bk_4_where_the_floor_refuses_it_stays_requested(world) {
        let kristal = world.branch_with("Kristal", 0).await;
        kristal.adds_bay("Bay 1", "wash").await;
        let (anar, leyla) = (world.client("Anar").await, world.client("Leyla").await);
        let first = anar.has_booked(&kristal, instant("2026-11-20T14:00:00Z")).await;
        kristal.sets(json!({"auto_confirm": {"all": true}})).await.ok();
        let six = instant("2026-11-20T18:00:00Z");
        let asked = leyla.asks_to_book(&kristal, &["wash.body", "wash.full"], six, 4000).await;
        let second = Order::of(&asked);
        // Before the timer fires, 1.85 more are held for the first: 3.20 no longer fit.
        anar.proposes_add_on(&first, &kristal, "wash.full").await.ok();
        kristal.answers(&first, "add-ons", "accept").await.ok();
        world.advance(MICROSECOND).await;
        leyla.sees(&second).await.status("requested");
        assert_eq!(kristal.balance().await, (0, 320, -320));
        kristal.accepts(&second).await.refused("insufficient_balance");
        world.support().credits(&kristal.partner_id, 200).await.ok();
        kristal.accepts(&second).await.status("confirmed");
        assert_eq!(kristal.balance().await, (200, 640, -440));
    }

    /// ADD-1: a branch accepts add-ons automatically at once, if configured.
    async fn add_1_a_branch_accepts_add_ons_by_itself(world) {
        let (kristal, anar) = one_bay(world).await;
        kristal.sets(json!({"auto_add_on": true})).await.ok();
        let order = anar.has_booked(&kristal, instant("2026-11-20T16:00:00Z")).await;
        anar.proposes_add_on(&order, &kristal, "wash.full").await.ok();
        world.advance(MICROSECOND).await;
        let seen = anar.sees(&order).await;
        assert_eq!((seen.money("total"), &seen.ok()["proposal"]), (4000, &Value::Null));
        assert_eq!(kristal.balance().await.1, 320);
    }

    /// BK-8, BK-4: moves are accepted automatically too, but not once cancelling is no longer free.
    async fn bk_8_a_late_move_needs_the_partners_own_yes(world) {
        let (kristal, anar) = one_bay(world).await;
        kristal.sets(json!({"auto_confirm": {"all": true}})).await.ok();
        let (four, six) = (instant("2026-11-20T16:00:00Z"), instant("2026-11-20T18:00:00Z"));
        let order = anar.books(&kristal, four).await;
        world.advance(MICROSECOND).await;
        anar.proposes_start(&order, six).await.ok();
        world.advance(MICROSECOND).await;
        assert_eq!(anar.sees(&order).await.at("starts_at"), six);
        world.until(six - minutes(180) + MICROSECOND).await;
        anar.proposes_start(&order, four + minutes(180)).await.ok();
        world.advance(MICROSECOND).await;
        let seen = anar.sees(&order).await;
        assert_eq!((seen.at("starts_at"), &seen.ok()["reschedules"]), (six, &json!(1)));
        kristal.answers(&order, "reschedule", "accept").await.status("confirmed");
        assert_eq!(anar.quote(&order).await.money("fee"), 150);
    }

    /// BK-4, BK-8: the timer accepts only the proposal it was armed for, and only while still
    /// configured.
    async fn bk_4_the_clock_agrees_to_nothing_else(world) {
        let (kristal, anar) = one_bay(world).await;
        kristal.sets(json!({"auto_confirm": {"all": true}})).await.ok();
        let (four, six) = (instant("2026-11-20T16:00:00Z"), instant("2026-11-20T18:00:00Z"));
        let order = anar.books(&kristal, four).await;
        world.advance(MICROSECOND).await;
        anar.proposes_start(&order, six).await.ok();
        anar.answers(&order, "reschedule", "decline").await.ok();
        kristal.proposes_start(&order, six).await.ok();
        world.advance(MICROSECOND).await;
        let seen = anar.sees(&order).await;
        assert_eq!((seen.at("starts_at"), &seen.ok()["proposal"]["by"]), (four, &json!("staff")));
        anar.answers(&order, "reschedule", "decline").await.ok();
        anar.proposes_start(&order, six).await.ok();
        kristal.sets(json!({"auto_confirm": null})).await.ok();
        world.advance(MICROSECOND).await;
        assert_eq!(anar.sees(&order).await.at("starts_at"), four);
        kristal.answers(&order, "reschedule", "accept").await.status("confirmed");
    }

    /// ADD-1: services that would end after closing time are not added automatically; staff may
    /// decide to stay longer: open 09:00 to 22:00 in Baku, until 18:00 UTC.
    async fn add_1_the_clock_adds_nothing_past_closing(world) {
        let (kristal, anar) = one_bay(world).await;
        kristal.keeps_hours(&[(540, 1320)]).await.ok();
        kristal.sets(json!({"auto_add_on": true})).await.ok();
        let order = anar.has_booked(&kristal, instant("2026-11-20T17:00:00Z")).await;
        anar.proposes_add_on(&order, &kristal, "wash.full").await.ok();
        world.advance(MICROSECOND).await;
        let seen = anar.sees(&order).await;
        assert_eq!((seen.money("total"), &seen.ok()["proposal"]["kind"]), (1500, &json!("add_on")));
        let agreed = kristal.answers(&order, "add-ons", "accept").await;
        assert_eq!(agreed.at("ends_at"), instant("2026-11-20T18:30:00Z"));
    }
}
