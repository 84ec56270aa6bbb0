//! Clients' cars: the class determines price and duration.

use serde_json::{Value, json};

use crate::support::{Client, minutes};
use crate::wire::raw::{Answer, Raw};

async fn adds(client: &Client, plate: &str, class: &str) -> Answer {
    let body = json!({"plate": plate, "make": "Kia Rio", "class": class});
    Raw::command(client, "POST", "/v1/client/cars").json(&body).send().await
}

async fn cars(client: &Client) -> Vec<Value> {
    client.get("/v1/client/cars").await.ok()["items"].as_array().unwrap().clone()
}

both! {
    /// ACC-7: the same wash costs a sedan 15.00 and 30 min, an SUV 20.00 and 40 min.
    async fn the_class_drives_price_and_duration(world) {
        let kristal = world.branch("Kristal").await;
        for (class, price, takes) in [("sedan", 1500, 30), ("suv", 2000, 40)] {
            let client = world.client_with(class, class).await;
            let preview = client.previews(&kristal, &["wash.body"]).await;
            assert_eq!(preview.money("total"), price);
            assert_eq!(preview.ok()["services"][0]["minutes"], takes);
            assert_eq!(offered(&client, class).await, (price, takes));
            let order = client.orders(&kristal).await;
            assert_eq!(order.placed["car"]["class"], class);
            kristal.accepts(&order).await.status("confirmed");
            client.drives_to(world, &order, &kristal).await.ok();
            let admitted = kristal.admits(&order).await;
            assert_eq!(admitted.at("planned_end"), world.now() + minutes(takes));
            kristal.completes(&order, price).await.status("completed");
        }
    }

    /// ACC-7: what is not offered for a class cannot be ordered for it.
    async fn a_branch_without_a_price_for_minivans_washes_none(world) {
        let (kristal, anar) =
            (world.branch("Kristal").await, world.client_with("Anar", "minivan").await);
        anar.previews(&kristal, &["wash.body"]).await.refused("not_for_class");
        anar.places(&kristal, &["wash.body"], 1500).await.refused("not_for_class");
    }

    /// ACC-7: a plate is one car, however it is typed; another client may add it too.
    async fn a_plate_is_added_once(world) {
        let (anar, leyla) = (world.client("Anar").await, world.client("Leyla").await);
        adds(&anar, "77-QX-913", "suv").await.ok(201);
        for same in ["77-QX-913", "77 qx 913", "77qx913", "７７ＱＸ９１３", "77-QХ-913"] {
            adds(&anar, same, "sedan").await.problem(409, "car_known");
        }
        adds(&leyla, "77-QX-913", "suv").await.ok(201);
        assert_eq!((cars(&anar).await.len(), cars(&leyla).await.len()), (2, 2));
    }

    /// ACC-7: a removed car cannot be ordered for, its orders stay; the plate may be added again.
    async fn a_sold_car_orders_nothing(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let order = anar.orders(&kristal).await;
        let plate = cars(&anar).await[0]["plate"].as_str().unwrap().to_owned();
        let path = format!("/v1/client/cars/{}", anar.car_id);
        Raw::command(&anar, "DELETE", &path).send().await.problem(409, "car_in_use");
        anar.cancels(&order).await.ok();
        assert_eq!(Raw::command(&anar, "DELETE", &path).send().await.status, 204);
        Raw::command(&anar, "DELETE", &path).send().await.problem(404, "no_such_car");
        assert_eq!(cars(&anar).await, Vec::<Value>::new());
        assert_eq!(anar.sees(&order).await.ok()["car"]["plate"], plate);
        anar.previews(&kristal, &["wash.body"]).await.refused("no_such_car");
        adds(&anar, &plate, "sedan").await.ok(201);
    }

    /// ACC-7: only its owner orders for a car, or removes it.
    async fn a_car_is_its_owners(world) {
        let kristal = world.branch("Kristal").await;
        let (anar, leyla) = (world.client("Anar").await, world.client("Leyla").await);
        let borrowed = Client { car_id: anar.car_id.clone(), ..leyla.clone() };
        borrowed.places(&kristal, &["wash.body"], 1500).await.refused("no_such_car");
        let path = format!("/v1/client/cars/{}", anar.car_id);
        Raw::command(&leyla, "DELETE", &path).send().await.problem(404, "no_such_car");
        assert_eq!(cars(&anar).await.len(), 1);
    }
}

/// Price and minutes of a body wash as the search shows them for this class.
async fn offered(client: &Client, class: &str) -> (i64, i64) {
    let path = format!("/v1/client/partners?lat=40.4&lon=49.8&radius_m=9000&class={class}");
    let found = client.get(&path).await.ok()["items"][0]["services"].clone();
    let wash = found.as_array().unwrap().iter().find(|service| service["code"] == "wash.body");
    let wash = wash.unwrap_or_else(|| panic!("{found}"));
    (wash["price"]["amount"].as_i64().unwrap(), wash["minutes"].as_i64().unwrap())
}
