//! Limits on one client, and on one side of an order (LIM-1, LIM-5).

use super::{branches, garage};
use crate::support::{Branch, Client, Order, World, minutes, seconds};

/// Orders, is admitted and served, this many times.
async fn served(client: &Client, branch: &Branch, times: usize) {
    for _ in 0..times {
        let order = client.orders(branch).await;
        branch.accepts(&order).await.ok();
        branch.admits(&order).await.ok();
        branch.completes(&order, 1500).await.ok();
    }
}

/// An accepted order: open, but no longer unanswered.
async fn confirmed(client: &Client, branch: &Branch) -> Order {
    let order = client.orders(branch).await;
    branch.accepts(&order).await.status("confirmed");
    order
}

/// Anar with four cars.
async fn anar(world: &World) -> Vec<Client> {
    garage(&world.client("Anar").await, 4).await
}

both! {
    /// LIM-1: three open orders; a fourth only after one of them ended.
    async fn lim_1_three_open_orders(world) {
        let (places, cars) = (branches(world, 4).await, anar(world).await);
        let first = confirmed(&cars[0], &places[0]).await;
        confirmed(&cars[1], &places[1]).await;
        cars[2].orders(&places[2]).await;
        let refused = cars[3].tries(&places[3], &["wash.body"]).await;
        assert_eq!(refused.refused("too_many_open_orders")["limit"], 3);
        places[0].admits(&first).await.ok();
        places[0].completes(&first, 1500).await.ok();
        cars[3].orders(&places[3]).await;
    }

    /// LIM-1: two unanswered requests, one of them at one branch; each refusal names its limit and
    /// when it ends: with the offer, 30 s after it was placed.
    async fn lim_1_two_unanswered_requests(world) {
        let (places, cars) = (branches(world, 3).await, anar(world).await);
        cars[0].orders(&places[0]).await;
        let again = cars[1].tries(&places[0], &["wash.body"]).await;
        assert_eq!(again.refused("request_pending_here")["limit"], 1);
        assert_eq!(again.status, 409);
        assert_eq!(again.at("until"), world.now() + seconds(30));
        world.advance(seconds(10)).await;
        cars[1].orders(&places[1]).await;
        let third = cars[2].tries(&places[2], &["wash.body"]).await;
        assert_eq!(third.refused("too_many_requests_pending")["limit"], 2);
        assert_eq!(third.at("until"), world.now() + seconds(20));
        world.advance(seconds(23)).await;
        cars[2].orders(&places[2]).await;
    }

    /// LIM-1: ten placings within an hour, including declined ones; the eleventh when the first is
    /// an hour old.
    async fn lim_1_ten_placings_an_hour(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let begins = world.now();
        for _ in 0..10 {
            let order = anar.orders(&kristal).await;
            kristal.declines(&order).await.ok();
            world.advance(minutes(1)).await;
        }
        let refused = anar.tries(&kristal, &["wash.body"]).await;
        assert_eq!(refused.refused("too_many_placings")["limit"], 10);
        assert_eq!(refused.status, 429);
        assert_eq!(refused.at("until"), begins + minutes(60));
        assert_eq!(refused.json["retry_after_s"], 50 * 60 + 1);
        world.until(begins + minutes(60)).await;
        anar.orders(&kristal).await;
    }

    /// LIM-1: twice as much after ten completed orders without a strike: a second request at one
    /// branch, a third one in all, an eleventh placing in an hour; a strike removes it again.
    async fn lim_1_trust_is_earned_and_lost(world) {
        let (places, cars) = (branches(world, 3).await, anar(world).await);
        served(&cars[0], &places[0], 9).await;
        cars[0].orders(&places[0]).await;
        cars[1].tries(&places[0], &["wash.body"]).await.refused("too_many_placings");
        world.advance(minutes(61)).await;
        served(&cars[0], &places[0], 1).await;
        let waiting = cars[0].orders(&places[0]).await;
        cars[1].orders(&places[0]).await;
        cars[2].orders(&places[1]).await;
        cars[3].tries(&places[0], &["wash.body"]).await.refused("request_pending_here");
        // Accepted, and cancelled when that costs 1.50.
        places[0].accepts(&waiting).await.ok();
        world.advance(seconds(11)).await;
        let late = cars[0].cancels(&waiting).await;
        assert_eq!(late.status("cancelled")["reason"], "client_cancelled");
        cars[3].tries(&places[0], &["wash.body"]).await.refused("request_pending_here");
        cars[3].tries(&places[2], &["wash.body"]).await.refused("too_many_requests_pending");
    }

    /// LIM-5: ten proposals and withdrawals within a minute from one side of one order; the other
    /// side is free to act, and a minute later so is the first.
    async fn lim_5_ten_acts_a_minute_from_each_side(world) {
        let kristal = world.branch("Kristal").await;
        let anar = world.client("Anar").await;
        let order = confirmed(&anar, &kristal).await;
        let mut feed = kristal.follows().await;
        for _ in 0..5 {
            anar.proposes_add_on(&order, &kristal, "wash.full").await.ok();
            feed.hears("order.add_on_proposed").await;
            anar.answers(&order, "add-ons", "decline").await.ok();
            feed.hears("order.add_on_declined").await;
        }
        let refused = anar.proposes_add_on(&order, &kristal, "wash.full").await;
        assert_eq!(refused.refused("too_many_acts")["limit"], 10);
        assert_eq!(refused.status, 429);
        assert_eq!(refused.at("until"), world.now() + minutes(1));
        kristal.admits(&order).await.status("active");
        kristal.changes_services(&order, &["wash.full"]).await.status("active");
        world.advance(seconds(61)).await;
        for n in 0..10 {
            let codes: &[&str] = if n % 2 == 0 { &["wash.body"] } else { &["wash.full"] };
            kristal.changes_services(&order, codes).await.status("active");
        }
        kristal.changes_services(&order, &["wash.body"]).await.refused("too_many_acts");
    }
}
