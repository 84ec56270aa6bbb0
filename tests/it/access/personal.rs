//! Personal data: never plain in the database, plain to its authorised readers.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use platform::Clock;
use platform::crypto::digest;
use sea_orm::EntityTrait as _;
use serde_json::json;
use yumo::app::{self, Overrides};
use yumo::config::Settings;

use crate::realtime::feed_socket::FeedSocket;
use crate::support::world::Backend;
use crate::support::{Branch, Client, Order, Person, World};
use crate::wire::raw::Raw;
use crate::wire::rows;

const NAME: &str = "Anar \"Usta\" Mammadzada\\";
const PLATE: &str = "77-QX-913";
const STAFF: &str = "Rufatxan";

/// Anar, with name and plate, and the key both were sent under.
async fn anar(world: &World) -> Client {
    let phone = world.scene.phone();
    let person = Person::signs_in(&world.scene, STAFF, &phone).await;
    names(&person, NAME).await;
    let body = json!({"plate": PLATE, "make": "Kia Rio", "class": "sedan"});
    let car = Raw::of(&person, "POST", "/v1/client/cars").key("car").json(&body).send().await;
    let car_id = car.ok(201)["id"].as_str().unwrap().to_owned();
    Client { person, car_id }
}

async fn names(person: &Person, name: &str) {
    let body = json!({"name": name, "lang": "az"});
    let named = Raw::command(person, "PUT", "/v1/client/profile").json(&body).send().await;
    assert_eq!(named.ok(200)["name"], name);
}

/// One order from its offer to its end, with every text that can be sent on the way.
async fn lives(world: &World, anar: &Client, kristal: &Branch) -> Order {
    let order = anar.orders(kristal).await;
    kristal.accepts(&order).await.status("confirmed");
    anar.departs(&order).await.status("on_the_way");
    anar.drives_to(world, &order, kristal).await.ok();
    kristal.admits(&order).await.status("active");
    kristal.changes_services(&order, &["wash.full"]).await.ok();
    kristal.completes_for_less(&order, 2000).await.status("completed");
    world.support().adjusts(&order, "amend", Some(2100)).await.ok();
    let second = anar.orders(kristal).await;
    kristal.declines(&second).await.status("cancelled");
    let third = anar.orders(kristal).await;
    anar.cancels(&third).await.status("cancelled");
    order
}

/// The strings that must not be found: as they are, without punctuation, and in hexadecimal.
fn forbidden(anar: &Client, kristal: &Branch, operator: &Branch) -> Vec<String> {
    let mut plain = vec![PLATE.to_owned(), "77QX913".to_owned(), "Mammadzada".to_owned()];
    plain.extend([STAFF.to_owned(), "A phone".to_owned()]);
    for phone in [&anar.phone, &kristal.phone, &operator.phone] {
        plain.push(phone[4..].to_owned());
    }
    let mut all = Vec::new();
    for text in plain {
        let hex = text.bytes().fold(String::new(), |mut hex, byte| {
            write!(hex, "{byte:02x}").unwrap();
            hex
        });
        let lower = text.to_lowercase();
        all.extend([digest(text.as_bytes()), digest(lower.as_bytes()), hex.to_uppercase(), hex]);
        all.extend([lower, text]);
    }
    for phone in [&anar.phone, &kristal.phone, &operator.phone] {
        all.push(digest(phone.as_bytes()));
    }
    all
}

fn scan(what: &str, bytes: &[u8], forbidden: &[String]) {
    for needle in forbidden {
        let found = bytes.windows(needle.len()).any(|window| window == needle.as_bytes());
        assert!(!found, "{needle} stands in {what}");
    }
}

/// The reason why an engine with these settings does not start.
async fn why_not(world: &World, settings: &Settings) -> String {
    let clock: Arc<dyn Clock> = Arc::new(world.clock.clone());
    let instead = Overrides { clock: Some(clock), codes: None, manual_loops: true };
    app::engine(settings, instead).await.err().expect("it must not start").to_string()
}

both! {
    /// ACC-5: lost or wrong keys are detected before anybody is written under them.
    async fn acc_5_only_the_keys_of_the_database_open_it(world) {
        world.client("Anar").await;
        let mut settings = world.settings.clone();
        settings.crypto.key_file.push_str(".other");
        assert!(why_not(world, &settings).await.contains("it is missing"));
        assert!(!Path::new(&settings.crypto.key_file).exists(), "none is made");
        yumo::startup::keyring::open(&settings.crypto, true).unwrap();
        assert!(why_not(world, &settings).await.contains("give those it was written under"));
    }
}

both! {
    /// ACC-5: after the life of an order no table holds a phone, a name or a plate.
    async fn nothing_personal_is_written_plain(world) {
        let (kristal, anar) = (world.branch("Kristal").await, anar(world).await);
        names(&kristal.person, STAFF).await;
        let operator = kristal.hires("operator").await;
        kristal.employs(&anar, "viewer").await;
        lives(world, &anar, &kristal).await;
        let forbidden = forbidden(&anar, &kristal, &operator);
        let rows = rows::all(world).await;
        for table in
            ["person", "car", "order", "feed_event", "idempotency", "order_step", "session"]
        {
            assert!(!rows[table].is_empty(), "{table} is empty");
        }
        for (table, rows) in &rows {
            scan(table, rows.join("\n").as_bytes(), &forbidden);
        }
        if world.backend == Backend::Sqlite {
            let url = world.settings.database.url.trim_start_matches("sqlite://");
            let file = Path::new(url.split('?').next().unwrap());
            let files: Vec<_> = std::fs::read_dir(file.parent().unwrap()).unwrap().collect();
            assert!(files.len() >= 2, "{files:?}");
            for file in files {
                let path = file.unwrap().path();
                scan(&path.display().to_string(), &std::fs::read(&path).unwrap(), &forbidden);
            }
        }
    }

    /// ACC-5: authorised readers see the same data plain: in answers, repeats, pages, the feed.
    async fn whoever_may_read_it_reads_it_plain(world) {
        let (kristal, anar) = (world.branch("Kristal").await, anar(world).await);
        let order = anar.orders(&kristal).await;
        assert_eq!(order.placed["car"]["plate"], PLATE);
        assert_eq!(anar.get("/v1/auth/me").await.ok()["phone"], anar.phone);
        assert_eq!(anar.get("/v1/client/cars").await.ok()["items"][0]["plate"], PLATE);
        let body = json!({"plate": PLATE, "make": "Kia Rio", "class": "sedan"});
        let again = Raw::of(&anar, "POST", "/v1/client/cars").key("car").json(&body).send().await;
        assert_eq!(again.header("idempotency-replayed"), Some("true"));
        assert_eq!(again.ok(201)["plate"], PLATE);
        let seen = kristal.sees(&order).await.ok().clone();
        assert_eq!((&seen["client"]["name"], &seen["car"]["plate"]), (&NAME.into(), &PLATE.into()));
        let page = kristal.get("/v1/partner/orders").await.ok()["items"][0].clone();
        assert_eq!(page["client"]["name"], NAME);
        let whole = world.support().sees(&order).await.ok().clone();
        assert_eq!(whole["order"]["car"]["plate"], PLATE);
        let audience = format!("branch:{}", kristal.partner_id);
        let mut line = FeedSocket::open(&kristal, &audience).await;
        line.resumes(0).await;
        let told = loop {
            let frame = line.frame().await;
            if frame["event"] == "order.requested" {
                break frame;
            }
        };
        let told = &told["data"]["order"];
        assert_eq!((&told["client"]["name"], &told["car"]["plate"]), (&NAME.into(), &PLATE.into()));
        let snapshot = kristal.get(&format!("/v1/feed/snapshot?audience={audience}")).await;
        assert_eq!(snapshot.ok()["orders"][0]["client"]["name"], NAME);
        let staff = kristal.get("/v1/partner/staff").await.ok()["items"][0].clone();
        assert_eq!(staff["phone"], kristal.phone);
        anar.cancels(&order).await.ok();
    }

    /// ACC-5: a person is found by the keyed hash of the number, however it is typed.
    async fn the_same_number_is_the_same_person(world) {
        let anar = anar(world).await;
        let again = anar.second_device().await;
        assert_eq!(again.person_id, anar.person_id);
        let (code, number) = anar.phone.split_at(4);
        let spaced = Person {
            phone: format!("{code} ({}) {}-{}", &number[..2], &number[2..5], &number[5..]),
            ..anar.person.clone()
        };
        super::asks(&spaced).await.ok(202);
        let code = world.scene.mailbox.take(&anar.phone);
        let tokens = super::answers(&spaced, &code).await;
        assert_eq!(tokens.ok(201)["person_id"], anar.person_id);
        assert_eq!(again.get("/v1/client/cars").await.ok()["items"][0]["plate"], PLATE);
        let leyla = world.client("Leyla").await;
        assert_ne!(leyla.person_id, anar.person_id);
    }

    /// ACC-5: one text sealed twice differs, so equality cannot be read out of the database.
    async fn equal_secrets_look_different(world) {
        let (anar, leyla) = (world.client("Anar").await, world.client("Leyla").await);
        for person in [&anar, &leyla] {
            names(person, "Ali").await;
        }
        let people = entity::person::Entity::find().all(&world.db()).await.unwrap();
        let names = people.iter().filter_map(|who| who.name.clone());
        let mut sealed: Vec<String> = people
            .iter()
            .map(|who| who.phone.clone())
            .chain(names)
            .map(|sealed| sealed.0)
            .collect();
        let many = sealed.len();
        sealed.sort();
        sealed.dedup();
        assert_eq!(sealed.len(), many);
    }
}

both! {
    /// ACC-5, ORD-4: the body of a command cannot be guessed from what is stored of it.
    async fn a_kept_body_cannot_be_guessed(world) {
        let kristal = world.branch("Kristal").await;
        let phone = world.scene.phone();
        let body = json!({"phone": phone, "role": "operator"});
        kristal.post("/v1/partner/staff", body.clone()).await.ok();
        let rows = rows::all(world).await["idempotency"].join("\n");
        for guess in [body.to_string(), format!("\n{body}")] {
            assert!(!rows.contains(&digest(guess.as_bytes())), "{guess}");
        }
    }
}
