//! Concurrent placings: a limit that admits one of two never admits both.

use futures_util::future::join_all;
use serde_json::json;

use super::{branches, garage, offers};
use crate::support::bonus::grants_branch;
use crate::support::booking::text;
use crate::support::{Order, Reply, instant};

/// How often each race is run.
const TRIES: usize = 25;

/// The number of successes; all others were refused with this code.
#[track_caller]
fn yes(replies: &[Reply], code: &str) -> usize {
    for reply in replies.iter().filter(|reply| reply.status != 201) {
        reply.refused(code);
    }
    replies.iter().filter(|reply| reply.status == 201).count()
}

both! {
    /// BAL-3: a balance of zero covers one commission of 4.00 down to the floor of −5.00: of three
    /// clients who place concurrently one gets an offer, the others are refused.
    async fn bal_3_placings_at_one_instant_never_share_a_balance(world) {
        let mut kristal = world.branch_with("Kristal", 0).await;
        offers(&mut kristal, "polish", 5000).await;
        for n in 0..TRIES {
            let mut clients = Vec::new();
            for m in 0..3 {
                clients.push(world.client(&format!("Client {n} {m}")).await);
            }
            let sent = clients.iter().map(|client| client.places(&kristal, &["polish"], 5000));
            let replies = join_all(sent).await;
            assert_eq!(yes(&replies, "partner_cannot_take"), 1, "try {n}");
            let won = replies.iter().position(|reply| reply.status == 201).unwrap();
            kristal.declines(&Order::of(&replies[won])).await.ok();
        }
    }

    /// BAL-3: with 4.00 of bonus in addition there is room for two of five, and accepting one does
    /// not change the room of the other.
    async fn bal_3_placings_at_one_instant_share_the_bonus_once(world) {
        let mut kristal = world.branch_with("Kristal", 0).await;
        offers(&mut kristal, "polish", 5000).await;
        grants_branch(world, &kristal, 400, 48).await;
        for n in 0..TRIES / 5 {
            let mut clients = Vec::new();
            for m in 0..5 {
                clients.push(world.client(&format!("Client {n} {m}")).await);
            }
            let sent = clients.iter().map(|client| client.places(&kristal, &["polish"], 5000));
            let replies = join_all(sent).await;
            assert_eq!(yes(&replies, "partner_cannot_take"), 2, "try {n}");
            let won: Vec<Order> =
                replies.iter().filter(|reply| reply.status == 201).map(Order::of).collect();
            let late = world.client(&format!("Late {n}")).await;
            let (accepted, third) = tokio::join!(
                kristal.accepts(&won[0]),
                late.places(&kristal, &["polish"], 5000),
            );
            accepted.status("confirmed");
            third.refused("partner_cannot_take");
            world.support().adjusts(&won[0], "force_cancel", None).await.ok();
            kristal.declines(&won[1]).await.ok();
        }
    }

    /// BAL-6: the sum of the commissions of unanswered offers is proved too.
    async fn bal_6_the_proof_names_a_sum_of_offers_that_is_wrong(world) {
        let kristal = world.branch("Kristal").await;
        world.client("Anar").await.orders(&kristal).await;
        world.tampers("UPDATE wallet SET pending = 134 WHERE pending = 135").await;
        let proof = world.support().proof().await;
        let found = &proof.ok()["violations"];
        assert_eq!(found.as_array().unwrap().len(), 1, "{found}");
        assert_eq!(found[0]["check"], "wallet_pending");
        assert_eq!(found[0]["id"], kristal.partner_id.as_str());
        world.tampers("UPDATE wallet SET pending = 135 WHERE pending = 134").await;
    }

    /// BK-11: a quick order that occupies the car from 08:15:01Z, and a booking of it half an hour
    /// ahead at another branch: one of them is placed, whichever commits first.
    async fn bk_11_one_car_is_never_placed_twice_at_one_instant(world) {
        let (kristal, shine) = (world.branch("Kristal").await, world.branch("Shine").await);
        shine.adds_bay("Bay 1", "wash").await;
        let start = instant("2026-11-20T08:30:00Z");
        for n in 0..TRIES {
            let anar = world.client(&format!("Anar {n}")).await;
            let (quick, booked) = tokio::join!(
                anar.places(&kristal, &["wash.body"], 1500),
                anar.asks_to_book(&shine, &["wash.body"], start, 1500),
            );
            let replies = [quick, booked];
            assert_eq!(yes(&replies, "car_booked"), 1, "try {n}");
            let won = replies.iter().find(|reply| reply.status == 201).unwrap();
            anar.cancels(&Order::of(won)).await.status("cancelled");
        }
    }

    /// BK-8, BK-11: the same for a quick order and a booking that is being moved to its time.
    async fn bk_11_a_move_and_a_quick_order_never_share_the_car(world) {
        let (kristal, shine) = (world.branch("Kristal").await, world.branch("Shine").await);
        for n in 0..TRIES {
            let bay = shine.adds_bay(&format!("Bay {n}"), "wash").await;
            let anar = world.client(&format!("Anar {n}")).await;
            let visit = anar.has_booked(&shine, instant("2026-11-21T08:00:00Z")).await;
            let path = format!("/v1/client/orders/{}/reschedule", visit.id);
            let start = json!({"starts_at": text(instant("2026-11-20T08:30:00Z"))});
            let (quick, moved) = tokio::join!(
                anar.places(&kristal, &["wash.body"], 1500),
                anar.post(&path, start),
            );
            let both = [quick.status == 201, moved.status == 200];
            assert_eq!(both.iter().filter(|yes| **yes).count(), 1, "{} {}", quick.json, moved.json);
            let lost = if both[0] { &moved } else { &quick };
            lost.refused("car_booked");
            shine.edits_bay(&bay, json!({"active": false})).await.ok();
        }
    }

    /// LIM-1: four concurrent requests of one client, each for another car at another branch: two
    /// are placed.
    async fn lim_1_placings_at_one_instant_are_counted_one_by_one(world) {
        let places = branches(world, 4).await;
        for n in 0..TRIES / 2 {
            let anar = world.client(&format!("Anar {n}")).await;
            let cars = garage(&anar, 4).await;
            let pairs = cars.iter().zip(&places);
            let sent = pairs.map(|(car, at)| car.places(at, &["wash.body"], 1500));
            let replies = join_all(sent).await;
            assert_eq!(yes(&replies, "too_many_requests_pending"), 2, "try {n}");
        }
    }

    /// LIM-7: of three cars added concurrently only the twentieth is accepted.
    async fn lim_7_the_last_car_is_added_once(world) {
        let anar = world.client("Anar").await;
        garage(&anar, 19).await;
        let car = |n: i64| {
            let body = json!({"plate": format!("77-ZZ-{n:03}"), "make": "Lada", "class": "sedan"});
            anar.post("/v1/client/cars", body)
        };
        let replies = join_all((0..3).map(car)).await;
        assert_eq!(yes(&replies, "too_many_cars"), 1);
    }
}
