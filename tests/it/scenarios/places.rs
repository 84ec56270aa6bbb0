//! Before and at placing: the preview, the agreed terms, the refusals.

use serde_json::json;

use crate::support::{Order, minutes};

both! {
    /// QO-1: a preview gives services, estimate, route, buffer and cancel terms; nothing is placed.
    async fn a_preview_says_what_an_order_will_be(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let preview = anar.previews(&kristal, &["wash.body", "wash.full"]).await;
        assert_eq!(preview.money("total"), 1500 + 2500);
        let preview = preview.ok();
        assert_eq!(preview["services"][1]["minutes"], 60);
        assert_eq!(preview["route_secs"], 901);
        assert_eq!(preview["arrival_buffer_secs"], 600);
        assert_eq!(preview["cancellation"]["fee_bp"], 1000);
        assert_eq!(preview["cancellation"]["fee_cap"]["amount"], 200);
        assert_eq!(preview["cancellation"]["free_until"], "acceptance");
        assert_eq!(anar.get("/v1/client/orders").await.ok()["items"], json!([]));
    }

    /// QO-1: a partner may add to the buffer on top of the route, never go below the policy's 10
    /// min.
    async fn a_partner_may_give_more_buffer_and_never_less(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let less = json!({"arrival_buffer_min": 9});
        let refused = kristal.ask("PATCH", "/v1/partner/branch").body(less).send().await;
        refused.refused("branch_invalid");
        let more = json!({"arrival_buffer_min": 15});
        kristal.ask("PATCH", "/v1/partner/branch").body(more).send().await.ok();
        let preview = anar.previews(&kristal, &["wash.body"]).await;
        assert_eq!(preview.ok()["arrival_buffer_secs"], 900);
    }

    /// QO-1: a changed price places nothing and returns the new total; with that total it is
    /// placed.
    async fn placing_at_a_price_that_changed_places_nothing(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let shown = anar.previews(&kristal, &["wash.body"]).await.money("total");
        kristal.reprices("wash.body", 1700, 30).await.ok();
        let refused = anar.places(&kristal, &["wash.body"], shown).await;
        assert_eq!(refused.refused("price_changed")["total"]["amount"], 1700);
        assert_eq!(anar.get("/v1/client/orders").await.ok()["items"], json!([]));
        anar.places(&kristal, &["wash.body"], 1700).await.status("requested");
    }

    /// ORD-7: prices, durations, names and the buffer are those of the moment of placing.
    async fn what_was_agreed_stays_whatever_the_catalogue_says_later(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let order = anar.orders(&kristal).await;
        kristal.reprices("wash.body", 9900, 90).await.ok();
        let path = format!("/v1/partner/services/{}", kristal.service("wash.body"));
        let renamed = json!({"name": "Premium", "active": false});
        kristal.ask("PATCH", &path).body(renamed).send().await.ok();
        let buffer = json!({"arrival_buffer_min": 60});
        kristal.ask("PATCH", "/v1/partner/branch").body(buffer).send().await.ok();
        let accepted = kristal.accepts(&order).await;
        let line = &accepted.status("confirmed")["services"][0];
        assert_eq!((&line["name"], &line["price"]["amount"]), (&json!("wash body"), &json!(1500)));
        assert_eq!(accepted.at("arrival_deadline"), world.now() + crate::support::seconds(1501));
        let admitted = kristal.admits(&order).await;
        assert_eq!(admitted.at("planned_end"), world.now() + minutes(30));
        kristal.completes(&order, 1500).await.status("completed");
        assert_eq!(kristal.balance().await, (5000 - 135, 0, 4865));
    }

    /// ACC-7: the class of the car determines price and duration; only its owner orders for a car.
    async fn the_class_of_the_car_drives_price_and_duration(world) {
        let kristal = world.branch("Kristal").await;
        let (anar, leyla) = (world.client("Anar").await, world.client_with("Leyla", "suv").await);
        let minivan = anar.with_another("minivan").await;
        let suv = leyla.previews(&kristal, &["wash.body"]).await;
        assert_eq!((suv.money("total"), &suv.ok()["services"][0]["minutes"]), (2000, &json!(40)));
        assert_eq!(anar.previews(&kristal, &["wash.body"]).await.money("total"), 1500);
        minivan.previews(&kristal, &["wash.body"]).await.refused("not_for_class");
        let mut wish = anar.wish(&kristal, &["wash.body"]);
        wish["car_id"] = json!(leyla.car_id);
        anar.post("/v1/client/orders/preview", wish).await.refused("no_such_car");
        let path = format!("/v1/client/cars/{}", anar.car_id);
        anar.ask("DELETE", &path).body(json!({})).send().await.ok();
        anar.previews(&kristal, &["wash.body"]).await.refused("no_such_car");
    }

    /// QO-7: one open quick order per car; another car, or the same one afterwards, may order.
    async fn a_car_has_one_open_quick_order(world) {
        let (kristal, almaz) = (world.branch("Kristal").await, world.branch("Almaz").await);
        let anar = world.client("Anar").await;
        let first = anar.orders(&kristal).await;
        let refused = anar.tries(&almaz, &["wash.body"]).await;
        assert_eq!(refused.refused_as("car_busy", "requested")["order"]["id"], json!(first.id));
        let other = anar.with_another("sedan").await.orders(&almaz).await;
        almaz.accepts(&other).await.status("confirmed");
        anar.cancels(&first).await.status("cancelled");
        anar.orders(&almaz).await;
    }

    /// QO-7: of many concurrent orders for one car one is placed: a unique index decides.
    async fn of_many_orders_at_once_for_one_car_one_is_placed(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let tries = (0..6).map(|_| anar.places(&kristal, &["wash.body"], 1500));
        let replies = futures_util::future::join_all(tries).await;
        let (placed, refused): (Vec<_>, Vec<_>) = replies.iter().partition(|r| r.status == 201);
        assert_eq!(placed.len(), 1, "{replies:?}");
        for reply in refused {
            reply.refused("car_busy");
        }
    }

    /// QO-8: after a decline, each alternative carries a complete request body; one call places it
    /// at its price.
    async fn a_declined_client_places_elsewhere_with_one_call(world) {
        let (kristal, almaz) = (world.branch("Kristal").await, world.branch("Almaz").await);
        almaz.reprices("wash.body", 1800, 30).await.ok();
        let closed = world.branch("Qapali").await;
        closed.takes_orders(false).await.ok();
        let poor = poor_branch(world).await;
        let anar = world.client("Anar").await;
        let order = anar.orders(&kristal).await;
        kristal.declines(&order).await.status("cancelled");
        assert_eq!(anar.sees(&order).await.ok()["reason"], "declined");
        let found = anar.alternatives(&order).await;
        let items = found.ok()["items"].as_array().unwrap();
        let ids: Vec<&str> = items.iter().map(|i| i["partner"]["id"].as_str().unwrap()).collect();
        assert_eq!(ids, [almaz.partner_id.as_str()], "not {} nor {}", closed.name, poor.name);
        let again = Order::of(&anar.post("/v1/client/orders", items[0]["place"].clone()).await);
        assert_eq!(again.placed["total"]["amount"], 1800);
        assert_eq!(again.placed["partner"]["id"], json!(almaz.partner_id));
    }

    /// BAL-3: a partner that cannot afford the commission, counting its other offers, gets no
    /// offer.
    async fn a_client_never_waits_for_a_partner_who_cannot_afford_it(world) {
        let kristal = world.branch_with("Kristal", 0).await;
        // 1.35 each: three leave −4.05, a fourth would leave −5.40.
        for name in ["Anar", "Leyla", "Rauf"] {
            world.client(name).await.orders(&kristal).await;
        }
        let nigar = world.client("Nigar").await;
        nigar.tries(&kristal, &["wash.body"]).await.refused("partner_cannot_take");
        // Nor is it offered as an alternative after another's decline (QO-8).
        let almaz = world.branch("Almaz").await;
        let declined = nigar.orders(&almaz).await;
        almaz.declines(&declined).await.ok();
        assert_eq!(nigar.alternatives(&declined).await.ok()["items"], json!([]));
    }

    /// ORD: a partner that is switched off, or closed at this hour, takes no orders.
    async fn a_closed_partner_takes_no_orders(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        kristal.takes_orders(false).await.ok();
        anar.previews(&kristal, &["wash.body"]).await.refused("partner_not_taking");
        kristal.takes_orders(true).await.ok();
        // Friday noon in Baku is minute 720; weekday 5 opens a minute later.
        let weekly = json!({"weekly": [{"weekday": 5, "opens_min": 721, "closes_min": 1000}]});
        kristal.ask("PUT", "/v1/partner/schedule").body(weekly).send().await.ok();
        anar.previews(&kristal, &["wash.body"]).await.refused("partner_not_taking");
        world.advance(minutes(1)).await;
        anar.orders(&kristal).await;
    }
}

/// A branch with nothing on its balance and 4.20 held: another 1.35 would leave −5.55.
async fn poor_branch(world: &crate::support::World) -> crate::support::Branch {
    let mut poor = world.branch_with("Kasib", 0).await;
    poor.offers("polish", json!([{"class": "sedan", "price": 6000, "minutes": 60}])).await;
    let order = world.client("Rauf").await.orders_services(&poor, &["polish"]).await;
    poor.accepts(&order).await.ok();
    assert_eq!(poor.balance().await, (0, 420, -420));
    poor
}
