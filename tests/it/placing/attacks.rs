//! Abuse of a branch by one client, and a third party who is not affected (LIM-1, LIM-2, LIM-7).

use serde_json::json;

use super::{branches, garage, offers};
use crate::support::{Order, instant, minutes, seconds};

both! {
    /// LIM-1: a client with twenty cars tries every start of a day at a branch with one bay and
    /// automatic confirmation: he gets three, and others book the rest.
    async fn lim_1_nobody_squats_a_bay_for_days(world) {
        let kristal = world.branch("Kristal").await;
        kristal.adds_bay("Bay 1", "wash").await;
        let all = json!({"all": true, "service_ids": [], "hours": []});
        kristal.sets(json!({"auto_confirm": all})).await.ok();
        let cars = garage(&world.client("Squatter").await, 20).await;
        let first = instant("2026-11-21T08:00:00Z");
        let mut had = 0;
        for (n, car) in (0..).zip(&cars) {
            let start = first + minutes(30) * n;
            let tried = car.asks_to_book(&kristal, &["wash.body"], start, 1500).await;
            world.advance(seconds(1)).await;
            had += usize::from(tried.status == 201);
        }
        assert_eq!(had, 3);
        let leyla = world.client("Leyla").await;
        let visit = leyla.books(&kristal, first + minutes(30) * 10).await;
        world.advance(seconds(1)).await;
        leyla.sees(&visit).await.status("confirmed");
    }

    /// LIM-2: two requests of 500.00 for two cars of one client, where the branch could pay the
    /// commission of one of them: another client is served at once.
    async fn lim_2_two_dear_requests_make_no_branch_unaffordable(world) {
        let mut kristal = world.branch_with("Kristal", 4000).await;
        offers(&mut kristal, "respray", 50_000).await;
        let cars = garage(&world.client("Rich").await, 2).await;
        // 5 % of 500.00 are 25.00 of the balance of 45.00.
        cars[0].places(&kristal, &["respray"], 50_000).await.ok();
        cars[1].places(&kristal, &["respray"], 50_000).await.refused("request_pending_here");
        let leyla = world.client("Leyla").await;
        let order = leyla.orders(&kristal).await;
        kristal.accepts(&order).await.status("confirmed");
    }

    /// LIM-2: a trusted client may have two requests at one branch; only one of them counts against
    /// the balance available to others.
    async fn lim_2_of_two_requests_of_one_client_one_counts(world) {
        let mut kristal = world.branch_with("Kristal", 4000).await;
        offers(&mut kristal, "respray", 50_000).await;
        let shine = world.branch("Shine").await;
        let cars = garage(&world.client("Rich").await, 2).await;
        for _ in 0..10 {
            let order = cars[0].orders(&shine).await;
            shine.accepts(&order).await.ok();
            shine.admits(&order).await.ok();
            shine.completes(&order, 1500).await.ok();
        }
        // 20.00 are left for others above the first; the second one costs 25.00, and does not fit.
        cars[0].places(&kristal, &["respray"], 50_000).await.ok();
        cars[1].places(&kristal, &["respray"], 50_000).await.refused("partner_cannot_take");
        world.support().credits(&kristal.partner_id, 1000).await.ok();
        cars[1].places(&kristal, &["respray"], 50_000).await.ok();
        // 55.00 less 25.00 and not 50.00.
        world.client("Leyla").await.places(&kristal, &["respray"], 50_000).await.ok();
    }

    /// LIM-2: a branch that can pay one commission of 25.00 is occupied for the lifetime of one
    /// offer, and not again by another request of that client, expired or withdrawn.
    async fn lim_2_nobody_keeps_a_branch_for_longer_than_one_offer(world) {
        let mut kristal = world.branch_with("Kristal", 2000).await;
        offers(&mut kristal, "respray", 50_000).await;
        let (rich, leyla) = (world.client("Rich").await, world.client("Leyla").await);
        rich.places(&kristal, &["respray"], 50_000).await.ok();
        leyla.tries(&kristal, &["wash.body"]).await.refused("partner_cannot_take");
        world.advance(seconds(33)).await;
        let again = Order::of(&rich.places(&kristal, &["respray"], 50_000).await);
        let served = leyla.orders(&kristal).await;
        kristal.accepts(&served).await.status("confirmed");
        rich.cancels(&again).await.status("cancelled");
        // A day later the client's requests count like anybody's.
        kristal.cancels(&served).await.ok();
        world.advance(minutes(24 * 60 + 1)).await;
        rich.places(&kristal, &["respray"], 50_000).await.ok();
        leyla.tries(&kristal, &["wash.body"]).await.refused("partner_cannot_take");
    }

    /// LIM-1: a client who places and cancels alerts the branch five times, and then not for an
    /// hour; the branch's other clients are served meanwhile.
    async fn lim_1_nobody_rings_the_alarm_all_day(world) {
        let (kristal, prankster) = (world.branch("Kristal").await, world.client("Prankster").await);
        let mut feed = kristal.follows().await;
        for _ in 0..5 {
            let order = prankster.orders(&kristal).await;
            feed.hears("order.requested").await;
            prankster.cancels(&order).await.status("cancelled");
            feed.hears("order.cancelled").await;
        }
        let ends = world.now() + minutes(60);
        let refused = prankster.tries(&kristal, &["wash.body"]).await;
        assert_eq!(refused.refused("too_many_withdrawn")["limit"], 5);
        assert_eq!(refused.status, 429);
        assert_eq!(refused.at("until"), ends);
        let shine = &branches(world, 1).await[0];
        prankster.tries(shine, &["wash.body"]).await.refused("too_many_withdrawn");
        let order = world.client("Leyla").await.orders(&kristal).await;
        assert_eq!(feed.hears("order.requested").await["data"]["order"]["id"], order.id.as_str());
        kristal.accepts(&order).await.status("confirmed");
        // An hour later once more, and then the next hour without.
        world.until(ends).await;
        let once = prankster.orders(shine).await;
        prankster.cancels(&once).await.status("cancelled");
        prankster.tries(shine, &["wash.body"]).await.refused("too_many_withdrawn");
        world.advance(minutes(24 * 60)).await;
        let once = prankster.orders(shine).await;
        prankster.cancels(&once).await.status("cancelled");
        prankster.orders(shine).await;
    }

    /// LIM-7: a branch has at most 200 services, so that answers of the search stay at a readable
    /// size.
    async fn lim_7_no_branch_has_a_hundred_thousand_services(world) {
        let kristal = world.branch("Kristal").await;
        let prices = json!([{"class": "sedan", "price": 1500, "minutes": 30}]);
        let service = |n: usize| {
            let body = json!({"code": format!("s{n}"), "name": "Wash", "prices": prices.clone()});
            kristal.post("/v1/partner/services", body)
        };
        // Two existed from the beginning.
        for n in 0..198 {
            service(n).await.ok();
        }
        assert_eq!(service(198).await.refused("too_many_services")["limit"], 200);
        let leyla = world.client("Leyla").await;
        let order = leyla.orders(&kristal).await;
        kristal.accepts(&order).await.status("confirmed");
    }
}
