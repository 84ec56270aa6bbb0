//! Sealed data: opened only in its own column and row, never because a text looks sealed.

use std::collections::BTreeSet;

use entity::{car, order, person};
use sea_orm::{ConnectionTrait as _, EntityTrait as _, Statement, Value};
use serde_json::json;

use super::older;
use super::roles::order_acts;
use crate::support::{Client, World};
use crate::wire::raw::{Answer, Raw};

async fn plate_of(world: &World, client: &Client) -> String {
    let car = car::Entity::find_by_id(entity::value::CarId(client.car_id.parse().unwrap()));
    car.one(&world.db()).await.unwrap().unwrap().plate.0
}

/// Writes a text column of the database directly.
async fn writes(world: &World, sql: &str, values: [Value; 2]) {
    let db = &world.app().engine.shared().db.write;
    let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
    assert_eq!(db.execute_raw(statement).await.unwrap().rows_affected(), 1, "{sql}");
}

both! {
    /// ACC-5: a ciphertext from the database is refused as user text, in every field and spelling;
    /// nothing of it is stored.
    async fn acc_5_a_pasted_ciphertext_is_refused_as_text(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let leyla = world.client("Leyla").await;
        let order = anar.orders(&kristal).await;
        let decline = format!("/v1/partner/orders/{}/decline", order.id);
        let cancel = format!("/v1/client/orders/{}/cancel", order.id);
        let escaped = |text: &str| text.replacen('s', "\\u0073", 1);
        for secret in [plate_of(world, &anar).await, plate_of(world, &leyla).await] {
            for text in [secret.clone(), format!(" \u{200b}{secret}"), escaped(&secret)] {
                let fields = [
                    (&anar.person, "PUT", "/v1/client/profile", r#"{"name":"?","lang":"az"}"#),
                    (&anar.person, "POST", "/v1/client/cars",
                     r#"{"plate":"11-BB-222","make":"?","class":"sedan"}"#),
                    (&anar.person, "POST", "/v1/client/cars",
                     r#"{"plate":"?","make":"Kia","class":"sedan"}"#),
                    (&anar.person, "POST", cancel.as_str(), r#"{"reason":"?"}"#),
                    (&anar.person, "POST", "/v1/client/bonus/codes", r#"{"code":"?"}"#),
                    (&kristal.person, "POST", decline.as_str(), r#"{"reason":"?"}"#),
                    (&kristal.person, "PATCH", "/v1/partner/branch", r#"{"name":"?"}"#),
                    (&kristal.person, "POST", "/v1/partner/bays", r#"{"name":"?"}"#),
                    (&world.support().0, "POST", "/v1/support/organisations", r#"{"name":"?"}"#),
                ];
                for (who, method, path, body) in fields {
                    let body = body.replace('?', &text);
                    let sent = Raw::command(who, method, path).bytes(body).send().await;
                    sent.problem(422, "text_reserved");
                    assert!(!sent.text.contains("-AA-"), "{}", sent.text);
                }
            }
        }
        let body = json!({"phone": anar.phone, "code": "1", "device": plate_of(world, &leyla).await});
        let signs = Raw::of(&anar, "POST", "/v1/auth/sessions").token("").json(&body).send().await;
        signs.problem(422, "text_reserved");
    }

    /// ACC-5: texts that only mention a ciphertext are shown as they were written.
    async fn acc_5_words_that_mention_a_ciphertext_stay_words(world) {
        let (anar, leyla) = (world.client("Anar").await, world.client("Leyla").await);
        let make = format!("It says {}", &plate_of(world, &leyla).await[..40]);
        let body = json!({"plate": "11-BB-222", "make": make, "class": "sedan"});
        let car = Raw::command(&anar, "POST", "/v1/client/cars").json(&body).send().await;
        assert_eq!(car.ok(201)["make"], make);
        let object = r#"{"$sealed":"- - sealed:k1:AAAA"}"#;
        let body = json!({"plate": "11-BB-223", "make": object, "class": "sedan"});
        let car = Raw::command(&anar, "POST", "/v1/client/cars").json(&body).send().await;
        assert_eq!(car.ok(201)["make"], object);
    }

    /// ACC-5, ORD-3: every refusal that shows the order shows its plate and name in plain text.
    async fn acc_5_a_refusal_shows_its_order_opened(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let order = anar.orders(&kristal).await;
        let plate = order.placed["car"]["plate"].clone();
        assert!(plate.as_str().unwrap().starts_with("10-AA-"), "{plate}");
        let shows = |answer: &Answer| {
            assert_eq!(answer.json["order"]["car"]["plate"], plate, "{}", answer.text);
            assert!(answer.json["server_now"].is_string(), "{}", answer.text);
            assert!(!answer.text.contains("sealed"), "{}", answer.text);
        };
        let client = |verb: &str| format!("/v1/client/orders/{}/{verb}", order.id);
        let staff = |verb: &str| format!("/v1/partner/orders/{}/{verb}", order.id);
        let arrive = json!({"code": "1234"});
        shows(&Raw::command(&anar, "POST", &client("arrive")).json(&arrive).send().await);
        shows(&Raw::command(&anar, "POST", &client("depart")).send().await);
        let at = json!({"lat": kristal.lat, "lon": kristal.lon, "accuracy_m": 5});
        let position = Raw::command(&anar, "POST", &client("positions")).json(&at).send().await;
        assert!(!position.text.contains("sealed"), "{}", position.text);
        shows(&Raw::command(&kristal, "POST", &staff("no-show")).send().await);
        shows(&Raw::command(&kristal, "POST", &staff("admit")).send().await);
        let stale = Raw::command(&kristal, "POST", &staff("accept")).seen(9).send().await;
        stale.problem(412, "stale_version");
        shows(&stale);
    }

    /// ACC-5, ORD-3: whatever is done to an order that has ended, by either side or by support: a
    /// refusal that shows the order shows it opened.
    async fn acc_5_every_refusal_with_an_order_is_opened(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let order = anar.orders(&kristal).await;
        let plate = order.placed["car"]["plate"].clone();
        kristal.declines(&order).await.status("cancelled");
        let version = kristal.sees(&order).await.ok()["version"].as_i64().unwrap();
        let (support, mut showed) = (&world.support().0, BTreeSet::new());
        for (method, path, body) in order_acts() {
            let who = match path.split('/').nth(2) {
                Some("client") => &anar.person,
                Some("partner") => &kristal.person,
                _ => support,
            };
            let act = path.rsplit('/').next().unwrap().to_owned();
            let path = path.replace("{order}", &order.id);
            let path = path.replace("{proposal}", &uuid::Uuid::nil().to_string());
            let sent = Raw::command(who, &method, &path).seen(version);
            let sent = if body.is_null() { sent } else { sent.json(&body) };
            let answer = sent.send().await;
            assert!(!answer.text.contains("sealed:"), "{}: {}", answer.what, answer.text);
            if answer.json["code"].is_string() && answer.json["order"].is_object() {
                assert_eq!(answer.json["order"]["car"]["plate"], plate, "{}", answer.text);
                assert!(answer.json["server_now"].is_string(), "{}", answer.text);
                showed.insert(act);
            }
        }
        let refused = ["accept", "admit", "arrive", "cancel", "cancellation-quote", "complete",
            "decline", "depart", "extend", "leave", "no-show", "not-here", "reschedule"];
        let missing: Vec<_> = refused.iter().filter(|act| !showed.contains(**act)).collect();
        assert!(missing.is_empty(), "no order was shown by {missing:?}, but by {showed:?}");
    }

    /// ACC-5: a ciphertext moved to another row or column is unreadable there; nothing of it is
    /// shown.
    async fn acc_5_a_moved_ciphertext_is_unreadable(world) {
        let (anar, leyla) = (world.client("Anar").await, world.client("Leyla").await);
        let hers = plate_of(world, &leyla).await;
        let id = anar.car_id.parse::<uuid::Uuid>().unwrap();
        let sql = "UPDATE car SET plate = $1 WHERE id = $2";
        writes(world, sql, [hers.clone().into(), id.into()]).await;
        let cars = anar.get("/v1/client/cars").await;
        assert_eq!(cars.ok()["items"][0]["plate"], "");
        let id = anar.person_id.parse::<uuid::Uuid>().unwrap();
        let sql = "UPDATE person SET phone = $1 WHERE id = $2";
        let someone = person::Entity::find_by_id(entity::value::PersonId(
            leyla.person_id.parse().unwrap(),
        ));
        let phone = someone.one(&world.db()).await.unwrap().unwrap().phone.0;
        writes(world, sql, [phone.into(), id.into()]).await;
        assert_eq!(anar.get("/v1/auth/me").await.ok()["phone"], "");
        assert_eq!(leyla.get("/v1/auth/me").await.ok()["phone"], leyla.phone);
    }

    /// ACC-5: an old database is readable, and rewritten at the first start: texts bound to their
    /// places, stored answers and events, people and cars under the current lookup hashes.
    async fn acc_5_a_database_of_before_is_read_and_written_anew(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let body = json!({"plate": "77-QX-913", "make": "Kia", "class": "sedan"});
        let car = Raw::of(&anar, "POST", "/v1/client/cars").key("car").json(&body).send().await;
        car.ok(201);
        let order = anar.orders(&kristal).await;
        let plate = order.placed["car"]["plate"].clone();
        older::make(world).await;
        // The plate as the old version normalised it: İ was a separate letter.
        let hash = super::keys(world).lookup("plate", "77QX913İ");
        let id = car.json["id"].as_str().unwrap().parse::<uuid::Uuid>().unwrap();
        writes(world, "UPDATE car SET plate_hash = $1 WHERE id = $2", [hash.into(), id.into()])
            .await;
        world.restarts_with(|_| ()).await;
        assert_eq!(anar.get("/v1/auth/me").await.ok()["phone"], anar.phone);
        assert_eq!(kristal.sees(&order).await.ok()["car"]["plate"], plate);
        assert_eq!(anar.second_device().await.person_id, anar.person_id);
        let again = Raw::of(&anar, "POST", "/v1/client/cars").key("car").json(&body).send().await;
        assert_eq!(again.header("idempotency-replayed"), Some("true"));
        assert_eq!(again.ok(201)["plate"], "77-QX-913");
        let events = kristal
            .get(&format!("/v1/feed/events?audience=branch:{}&after=0", kristal.partner_id))
            .await;
        let told = events.ok()["events"].to_string();
        assert!(told.contains(plate.as_str().unwrap()) && !told.contains("sealed"), "{told}");
        let same = Raw::command(&anar, "POST", "/v1/client/cars").json(&body).send().await;
        same.problem(409, "car_known");
        let db = world.db();
        let orders = order::Entity::find().all(&db).await.unwrap();
        assert!(orders.iter().all(|order| order.plate.0.starts_with("sealed:v2:")));
        let people = person::Entity::find().all(&db).await.unwrap();
        assert!(people.iter().all(|person| person.phone.0.starts_with("sealed:v2:")));
    }
}
