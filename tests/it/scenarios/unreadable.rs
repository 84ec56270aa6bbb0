//! A row that cannot be decoded affects only itself: other lists, calendars, feeds and timers go
//! on, it is reported, and support can close it (BAL-6, SUP-1, SUP-2).

use entity::timer;
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};
use serde_json::{Value, json};

use super::proofs::{id as of, wrong};
use crate::support::bonus;
use crate::support::{Branch, Client, Order, Reply, World, allowed, instant, minutes};
use crate::wire::raw::Raw;

/// An order that the branch accepted.
async fn accepted(branch: &Branch, client: &Client) -> Order {
    let order = client.orders(branch).await;
    branch.accepts(&order).await.ok();
    order
}

/// The order with this id in a list, and the number of others.
fn listed(list: &[Value], id: &str) -> (Value, usize) {
    let found = list.iter().find(|order| order["id"] == id);
    let found = found.unwrap_or_else(|| panic!("no {id} in {list:?}")).clone();
    (found, list.len() - 1)
}

fn orders(reply: &Reply, field: &str) -> Vec<Value> {
    reply.ok()[field].as_array().unwrap().clone()
}

/// Overwrites a cell of an order with a value its column cannot hold.
async fn spoils(world: &World, order: &Order, column: &str, value: &str) {
    let at = of(world, &order.id);
    world.tampers(&format!("UPDATE \"order\" SET {column} = '{value}' WHERE id = {at}")).await;
}

/// The timers of an order: kind, and whether it is parked.
async fn timers(world: &World, order: &Order) -> Vec<(String, bool)> {
    let subject: uuid::Uuid = order.id.parse().unwrap();
    let rows = timer::Entity::find().filter(timer::Column::Subject.eq(subject));
    let rows = rows.all(&world.db()).await.unwrap();
    rows.into_iter().map(|row| (row.kind.to_string(), row.parked_at.is_some())).collect()
}

/// The proof reports this row and nothing else.
async fn named(world: &World, table: &str, id: &str) {
    let row = ("row_unreadable".to_owned(), table.to_owned(), id.to_owned());
    assert_eq!(wrong(world).await, [row]);
}

both! {
    /// BAL-6, SUP-1: in every list the order is marked and the others are whole; its client orders
    /// elsewhere; its branch accepts others; only support may act on it, and sees the raw row.
    async fn sup_1_an_unreadable_order_stops_only_itself(world) {
        let (kristal, sahil) = (world.branch("Kristal").await, world.branch("Sahil").await);
        let (anar, leyla) = (world.client("Anar").await, world.client("Leyla").await);
        let feed = kristal.post("/v1/partner/calendar-feed", json!({})).await;
        let feed = feed.ok()["url"].as_str().unwrap();
        let feed = feed[feed.find("/v1/open").unwrap()..].to_owned();
        let bad = accepted(&kristal, &anar).await;
        let good = accepted(&kristal, &leyla).await;
        world.restarts_with(|_| {}).await;
        spoils(world, &bad, "snapshot", "{}").await;

        let branch = format!("/v1/feed/snapshot?audience=branch:{}", kristal.partner_id);
        for (reply, field, others) in [
            (kristal.get("/v1/partner/orders").await, "items", 1),
            (kristal.get("/v1/partner/orders?open=true").await, "items", 1),
            (kristal.get(&branch).await, "orders", 1),
            (anar.get("/v1/client/orders").await, "items", 0),
            (anar.get("/v1/feed/snapshot").await, "orders", 0),
        ] {
            let (order, beside) = listed(&orders(&reply, field), &bad.id);
            assert_eq!((&order["unreadable"], beside), (&json!(true), others), "{order}");
            assert_eq!(order["status"], "confirmed");
            assert_eq!(allowed(&order), Vec::<String>::new());
            let codes = order["actions"].as_object().unwrap().values().map(|action| &action["code"]);
            assert!(codes.into_iter().all(|code| code == "order_unreadable"), "{order}");
        }
        let all = kristal.get("/v1/partner/orders").await;
        let (whole, _) = listed(&orders(&all, "items"), &good.id);
        assert_eq!((&whole["unreadable"], &whole["partner"]["name"]), (&Value::Null, &json!("Kristal")));
        let calendar = kristal.get("/v1/partner/calendar?date=2026-11-20&view=day").await;
        let entries = calendar.ok()["unassigned"].as_array().unwrap().clone();
        let marks: Vec<bool> = entries.iter().map(|entry| entry["unreadable"] == true).collect();
        assert_eq!((marks.len(), marks.iter().filter(|marked| **marked).count()), (2, 1));
        let text = Raw::of(world.support(), "GET", &feed).token("").send().await;
        text.ok(200);
        assert!(text.text.contains("cannot be read") && text.text.contains("Kia Rio"), "{}", text.text);

        anar.ask("POST", &format!("/v1/client/orders/{}/depart", bad.id)).body(json!({})).send().await
            .refused("order_unreadable");
        kristal.admits(&bad).await.refused("order_unreadable");
        let with_another = anar.with_another("sedan").await;
        let elsewhere = with_another.orders(&sahil).await;
        named(world, "order", &bad.id).await;
        sahil.accepts(&elsewhere).await.status("confirmed");

        let seen = world.support().sees(&bad).await;
        assert_eq!((&seen.ok()["order"]["unreadable"], &seen.ok()["raw"]["snapshot"]), (&json!(true), &json!("{}")));
        assert_eq!(allowed(&seen.ok()["order"]), ["force_cancel"]);
        world.support().adjusts(&bad, "force_cancel", None).await.status("cancelled");
    }

    /// BAL-6: its timer is parked at once, with an alarm; the timers of others fire.
    async fn bal_6_an_unreadable_order_parks_its_timer_alone(world) {
        let kristal = world.branch("Kristal").await;
        let (anar, leyla) = (world.client("Anar").await, world.client("Leyla").await);
        let bad = accepted(&kristal, &anar).await;
        let good = accepted(&kristal, &leyla).await;
        world.restarts_with(|_| {}).await;
        spoils(world, &bad, "snapshot", "{}").await;
        let late = instant("2026-11-20T09:00:00Z");
        while !timers(world, &bad).await.iter().any(|(_, parked)| *parked) {
            assert!(world.now() < late, "not parked: {:?}", timers(world, &bad).await);
            world.advance(minutes(1)).await;
        }
        world.until(late).await;
        kristal.sees(&good).await.status("cancelled");
        assert_eq!(timers(world, &bad).await, [("order.arrival_deadline".to_owned(), true)]);
        named(world, "order", &bad.id).await;
        world.support().adjusts(&bad, "force_cancel", None).await.status("cancelled");
        assert_eq!(timers(world, &bad).await, []);
    }

    /// BAL-6: a timer whose kind this build does not know is parked at once; the other timer of the
    /// same order fires.
    async fn bal_6_a_timer_of_no_kind_is_parked_alone(world) {
        let kristal = world.branch("Kristal").await;
        let order = world.client("Anar").await.orders(&kristal).await;
        world.tampers(
            "INSERT INTO timer (kind, subject, due_at, generation, attempts) \
             SELECT 'order.melt', subject, due_at, generation, attempts \
             FROM timer WHERE kind = 'order.offer_deadline'",
        ).await;
        world.restarts_with(|_| {}).await;
        world.advance(minutes(1)).await;
        kristal.sees(&order).await.status("cancelled");
        assert_eq!(timers(world, &order).await, [("order.melt".to_owned(), true)]);
        world.tampers("DELETE FROM timer WHERE kind = 'order.melt'").await;
    }

    /// SUP-2, COM-3: support closes an order of which any column cannot be decoded: hold, timers
    /// and bay are released, both sides get an event, the row can be read again, and the history
    /// keeps the raw value.
    async fn sup_2_support_closes_an_unreadable_order(world) {
        let kristal = world.branch("Kristal").await;
        kristal.adds_bay("Bay 1", "wash").await;
        let mut feed = kristal.follows().await;
        for (column, value) in [
            ("snapshot", "{}"),
            ("snapshot", "{\"lines\": 7}"),
            ("proposal", "{}"),
            ("status", "lost"),
            ("kind", "walk_in"),
            ("car_class", "boat"),
            ("arrival_by", "balloon"),
            ("admitted_from", "lost"),
        ] {
            let order = accepted(&kristal, &world.client("Anar").await).await;
            assert_eq!(kristal.balance().await, (5000, 135, 4865));
            spoils(world, &order, column, value).await;
            named(world, "order", &order.id).await;
            let seen = world.support().sees(&order).await;
            assert_eq!(seen.ok()["order"]["unreadable"], true, "{column}");
            let closed = world.support().adjusts(&order, "force_cancel", None).await;
            closed.status("cancelled");
            assert_eq!(closed.ok()["unreadable"], Value::Null, "{column}");
            assert_eq!(kristal.balance().await, (5000, 0, 5000));
            assert_eq!(timers(world, &order).await, []);
            assert_eq!(kristal.sees(&order).await.status("cancelled")["reason"], "support_cancelled");
            let seen = world.support().sees(&order).await;
            let last = seen.ok()["steps"].as_array().unwrap().last().unwrap().clone();
            // In the database's own notation: PostgreSQL adds spaces to JSON.
            let kept = last["note"]["unreadable"][column].as_str().unwrap().replace(' ', "");
            assert_eq!(kept, value.replace(' ', ""));
            assert_eq!(wrong(world).await, []);
        }
        for _ in 0..8 {
            feed.hears("order.cancelled").await;
        }
    }

    /// SUP-2, COM-3, BON-3: support closes an order although what it holds of both sides cannot be
    /// decoded: that stays held and is named; put right by hand, it goes back with an amendment.
    async fn sup_2_support_closes_an_order_whose_holds_are_unreadable(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        bonus::grants_branch(world, &kristal, 100, 24).await;
        bonus::grants(world, &anar, 500, 24).await;
        let order = bonus::pays_with_bonus(&anar, &kristal, 500).await;
        kristal.accepts(&order).await.ok();
        let free = async || (bonus::bonus_of(&anar, "client").await, bonus::bonus_of(&kristal, "partner").await);
        let (before, balance) = (free().await, kristal.balance().await);
        assert_eq!(balance, (5000, 35, 4965), "100 of the commission are bonus");
        let at = of(world, &order.id);
        let id = entity::value::OrderId(order.id.parse().unwrap());
        let hold = entity::hold::Entity::find().filter(entity::hold::Column::OrderId.eq(id));
        let hold = hold.all(&world.db()).await.unwrap().pop().unwrap();
        let own = entity::reservation::Entity::find_by_id(id).all(&world.db()).await.unwrap().pop();
        let allocations = serde_json::to_string(&hold.allocations).unwrap();
        let own = serde_json::to_string(&own.unwrap().allocations).unwrap();
        world.tampers(&format!("UPDATE hold SET allocations = '7' WHERE order_id = {at}")).await;
        world.tampers(&format!("UPDATE reservation SET allocations = '7' WHERE id = {at}")).await;

        let closed = world.support().adjusts(&order, "force_cancel", None).await;
        closed.status("cancelled");
        let seen = world.support().sees(&order).await;
        let last = seen.ok()["steps"].as_array().unwrap().last().unwrap().clone();
        assert_eq!(last["note"]["kept"], json!(["hold", "reservation"]));
        assert_eq!((free().await, kristal.balance().await), (before, balance), "it stays held");
        assert_eq!(timers(world, &order).await, []);
        let found: Vec<(String, String)> =
            wrong(world).await.into_iter().map(|(check, table, _)| (check, table)).collect();
        for table in ["hold", "reservation"] {
            assert!(found.contains(&("row_unreadable".to_owned(), table.to_owned())), "{found:?}");
        }

        world.tampers(&format!("UPDATE hold SET allocations = '{allocations}' WHERE order_id = {at}")).await;
        world.tampers(&format!("UPDATE reservation SET allocations = '{own}' WHERE id = {at}")).await;
        world.support().adjusts(&order, "amend", None).await.status("cancelled");
        assert_eq!(kristal.balance().await, (5000, 0, 5000));
        assert_eq!(free().await, ((500, 0), (100, 0)), "all of it is free again");
        assert_eq!(wrong(world).await, []);
    }

    /// SUP-1: lists without pages go on as well, and name the row that cannot be decoded; a service
    /// without a right price for each class is not offered, and the others are.
    async fn sup_1_lists_without_pages_name_an_unreadable_row(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let cars = anar.get("/v1/client/cars").await;
        let car = cars.ok()["items"][0]["id"].as_str().unwrap().to_owned();
        let another = anar.with_another("sedan").await;
        let services = kristal.get("/v1/partner/services").await;
        let services = services.ok()["items"].as_array().unwrap().clone();
        let spoiled = services.iter().find(|service| service["code"] != "wash.body").unwrap();
        let service = spoiled["id"].as_str().unwrap().to_owned();
        let class = spoiled["prices"][0]["class"].as_str().unwrap().to_owned();
        let (car_at, service_at) = (of(world, &car), of(world, &service));
        world.tampers(&format!("UPDATE car SET class = 'boat' WHERE id = {car_at}")).await;
        let price = format!("WHERE service_id = {service_at} AND class =");
        world.tampers(&format!("UPDATE service_price SET class = 'boat' {price} '{class}'")).await;
        world.restarts_with(|_| {}).await;

        let list = anar.get("/v1/client/cars").await;
        assert_eq!(list.ok()["unreadable"], json!([car]));
        assert_eq!(list.ok()["items"].as_array().unwrap().len(), 1);
        let list = kristal.get("/v1/partner/services").await;
        assert_eq!(list.ok()["unreadable"], json!([service]));
        assert_eq!(list.ok()["items"].as_array().unwrap().len(), services.len() - 1);
        named(world, "car", &car).await;
        let order = another.orders(&kristal).await;
        kristal.accepts(&order).await.status("confirmed");

        world.tampers(&format!("UPDATE car SET class = 'sedan' WHERE id = {car_at}")).await;
        world.tampers(&format!("UPDATE service_price SET class = '{class}' {price} 'boat'")).await;
        let list = kristal.get("/v1/partner/services").await;
        assert_eq!(list.ok()["unreadable"], Value::Null);
    }

    /// BAL-6: the list of a branch's staff goes on past a row that cannot be decoded.
    async fn bal_6_an_unreadable_member_of_staff_is_left_out(world) {
        let kristal = world.branch("Kristal").await;
        kristal.hires("operator").await;
        let before = kristal.get("/v1/partner/staff").await;
        let before = before.ok()["items"].as_array().unwrap().len();
        world.tampers("UPDATE staff SET role = 'boat' WHERE role = 'operator'").await;
        world.restarts_with(|_| {}).await;
        let list = kristal.get("/v1/partner/staff").await;
        assert_eq!(list.ok()["items"].as_array().unwrap().len(), before - 1);
        world.tampers("UPDATE staff SET role = 'operator' WHERE role = 'boat'").await;
    }

    /// BAL-6: a branch whose row cannot be decoded is not found; the others are, and the proof
    /// reports it.
    async fn bal_6_an_unreadable_branch_is_left_out_of_searches(world) {
        let (kristal, sahil) = (world.branch("Kristal").await, world.branch("Sahil").await);
        let anar = world.client("Anar").await;
        let found = async || -> Vec<String> {
            let near = anar.get("/v1/client/partners?lat=40.4&lon=49.8&radius_m=50000").await;
            let items = near.ok()["items"].as_array().unwrap().clone();
            items.iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect()
        };
        assert_eq!(found().await.len(), 2);
        let at = of(world, &kristal.partner_id);
        world.tampers(&format!("UPDATE partner SET auto_confirm = '7' WHERE id = {at}")).await;
        assert_eq!(found().await, ["Sahil"]);
        named(world, "partner", &kristal.partner_id).await;
        let order = anar.orders(&sahil).await;
        sahil.accepts(&order).await.status("confirmed");
        world.tampers(&format!("UPDATE partner SET auto_confirm = NULL WHERE id = {at}")).await;
        assert_eq!(found().await.len(), 2);
    }

    /// NOT-6: an event whose payload is no JSON keeps its number without content; the feed goes on.
    async fn not_6_an_unreadable_event_is_a_blank(world) {
        let kristal = world.branch("Kristal").await;
        accepted(&kristal, &world.client("Anar").await).await;
        let audience = format!("branch:{}", kristal.partner_id);
        let row = format!("WHERE audience = '{audience}' AND kind = 'order.requested'");
        world.tampers(&format!("UPDATE feed_event SET payload = '{{' {row}")).await;
        let page = kristal.get(&format!("/v1/feed/events?audience={audience}&after=0")).await;
        let events = page.ok()["events"].as_array().unwrap().clone();
        let kinds: Vec<&Value> = events.iter().map(|event| &event["type"]).collect();
        assert_eq!(kinds.iter().filter(|kind| **kind == "blank").count(), 1, "{events:?}");
        assert_eq!(events.last().unwrap()["event"], "order.confirmed");
        world.tampers(&format!("UPDATE feed_event SET payload = '{{}}' {row}")).await;
    }

    /// BAL-6: a list goes on past a row that cannot be decoded.
    async fn bal_6_a_list_goes_on_past_an_unreadable_row(world) {
        let anar = world.client("Anar").await;
        let mut lots = Vec::new();
        for _ in 0..3 {
            lots.push(bonus::grants(world, &anar, 100, 24).await);
        }
        let at = of(world, &lots[1]);
        world.tampers(&format!("UPDATE lot SET source = 'found' WHERE id = {at}")).await;
        let ids = |page: &Reply| -> Vec<Value> {
            page.ok()["items"].as_array().unwrap().iter().map(|lot| lot["id"].clone()).collect()
        };
        let first = anar.get("/v1/client/bonus/lots?limit=2").await;
        assert_eq!(ids(&first), [json!(lots[2])]);
        assert_eq!(first.ok()["unreadable"], json!([lots[1]]), "it is named where it stands");
        let cursor = first.ok()["next_cursor"].as_str().unwrap();
        let next = anar.get(&format!("/v1/client/bonus/lots?limit=2&cursor={cursor}")).await;
        assert_eq!(ids(&next), [json!(lots[0])]);
        assert_eq!(next.ok()["unreadable"], Value::Null);
        named(world, "lot", &lots[1]).await;
        world.tampers(&format!("UPDATE lot SET source = 'support' WHERE id = {at}")).await;
    }
}
