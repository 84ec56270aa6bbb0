//! A branch through its owner's device: the actions of partners.

use std::collections::BTreeMap;
use std::ops::Deref;

use serde_json::{Value, json};

use super::ask::{Reply, money};
use super::client::Order;
use super::feed::Feed;
use super::people::{Person, Support};

/// A branch, as its staff on one device.
#[derive(Clone)]
pub struct Branch {
    /// The person on the device.
    pub person: Person,
    /// The branch's id.
    pub partner_id: String,
    /// Its latitude.
    pub lat: f64,
    /// Its longitude.
    pub lon: f64,
    /// Services by code.
    services: BTreeMap<String, String>,
}

impl Deref for Branch {
    type Target = Person;

    fn deref(&self) -> &Person {
        &self.person
    }
}

/// Posted, held, available: qəpik.
pub type Balance = (i64, i64, i64);

/// (code, sedan price, sedan minutes, suv price, suv minutes)
const OFFERED: [(&str, i64, i32, i64, i32); 2] =
    [("wash.body", 1500, 30, 2000, 40), ("wash.full", 2500, 60, 3500, 75)];

impl Branch {
    /// Support registers a branch; its owner opens it around the clock, with two services.
    pub async fn opens(support: &Support, name: &str, credit: i64) -> Self {
        Self::opens_in(support, name, credit, "Asia/Baku").await
    }

    /// The same in another time zone.
    pub async fn opens_in(support: &Support, name: &str, credit: i64, zone: &str) -> Self {
        let scene = &support.scene;
        let (lat, lon) = (40.40, 49.80 + 0.002 * f64::from(scene.number()));
        let phone = scene.phone();
        let body = json!({
            "name": name, "address": format!("{name} street, 1"), "zone": zone,
            "point": {"lat": lat, "lon": lon}, "owner_phone": phone,
        });
        let registered = support.post("/v1/support/partners", body).await;
        let partner_id = registered.ok()["id"].as_str().unwrap().to_owned();
        if credit > 0 {
            support.credits(&partner_id, credit).await.ok();
        }
        let person = Person::signs_in(scene, name, &phone).await;
        let mut branch = Self { person, partner_id, lat, lon, services: BTreeMap::new() };
        for (code, sedan, sedan_min, suv, suv_min) in OFFERED {
            let prices = json!([
                {"class": "sedan", "price": sedan, "minutes": sedan_min},
                {"class": "suv", "price": suv, "minutes": suv_min},
            ]);
            branch.offers(code, prices).await;
        }
        let day = |weekday| json!({"weekday": weekday, "opens_min": 0, "closes_min": 1440});
        let weekly: Vec<Value> = (1..=7).map(day).collect();
        let hours = branch.ask("PUT", "/v1/partner/schedule").body(json!({"weekly": weekly}));
        hours.send().await.ok();
        branch
    }

    /// Adds a service.
    pub async fn offers(&mut self, code: &str, prices: Value) {
        let body = json!({"code": code, "name": code.replace('.', " "), "prices": prices});
        let added = self.post("/v1/partner/services", body).await;
        let id = added.ok()["id"].as_str().unwrap().to_owned();
        self.services.insert(code.to_owned(), id);
    }

    /// The id of a service.
    #[track_caller]
    pub fn service(&self, code: &str) -> &str {
        self.services.get(code).unwrap_or_else(|| panic!("{} offers no {code}", self.name))
    }

    /// Changes the price of a service for sedans; the other classes are removed.
    pub async fn reprices(&self, code: &str, price: i64, minutes: i32) -> Reply {
        let path = format!("/v1/partner/services/{}", self.service(code));
        let prices = json!([{"class": "sedan", "price": price, "minutes": minutes}]);
        self.ask("PATCH", &path).body(json!({"prices": prices})).send().await
    }

    /// Switches new orders on or off.
    pub async fn takes_orders(&self, taking: bool) -> Reply {
        let body = json!({"taking_orders": taking});
        self.ask("PATCH", "/v1/partner/branch").body(body).send().await
    }

    /// A point 0.045° south of the branch: 5004 m, 7005 m by road, at 28 km/h 900.6 s, so 901 s.
    pub fn origin(&self) -> Value {
        json!({"lat": self.lat - 0.045, "lon": self.lon})
    }

    /// Adds another person to the branch, on a device of their own.
    pub async fn hires(&self, role: &str) -> Self {
        let phone = self.scene.phone();
        let name = format!("{}'s {role}", self.name);
        let person = Person::signs_in(&self.scene, &name, &phone).await;
        self.employs(&person, role).await;
        Self { person, ..self.clone() }
    }

    /// Invites a person, who accepts.
    pub async fn employs(&self, person: &Person, role: &str) {
        let body = json!({"phone": person.phone, "role": role});
        let invited = self.post("/v1/partner/staff", body).await;
        let id = invited.ok()["id"].as_str().unwrap().to_owned();
        let path = format!("/v1/auth/invitations/{id}/accept");
        assert_eq!(person.post(&path, json!({})).await.status, 204);
    }

    async fn does(&self, order: &Order, verb: &str, body: Value) -> Reply {
        self.post(&format!("/v1/partner/orders/{}/{verb}", order.id), body).await
    }

    /// The order as the branch sees it.
    pub async fn sees(&self, order: &Order) -> Reply {
        self.get(&format!("/v1/partner/orders/{}", order.id)).await
    }

    /// Its current version.
    pub async fn version(&self, order: &Order) -> i64 {
        self.sees(order).await.ok()["version"].as_i64().unwrap()
    }

    /// Accepts the current version.
    pub async fn accepts(&self, order: &Order) -> Reply {
        let version = self.version(order).await;
        self.accepts_seeing(order, version).await
    }

    /// Accepts the version it saw.
    pub async fn accepts_seeing(&self, order: &Order, version: i64) -> Reply {
        let path = format!("/v1/partner/orders/{}/accept", order.id);
        self.ask("POST", &path).body(json!({})).seen(version).send().await
    }

    /// Declines.
    pub async fn declines(&self, order: &Order) -> Reply {
        self.does(order, "decline", json!({"reason": "No free bay"})).await
    }

    /// Extends the deadline.
    pub async fn extends(&self, order: &Order) -> Reply {
        self.does(order, "extend", json!({})).await
    }

    /// Admits the car.
    pub async fn admits(&self, order: &Order) -> Reply {
        self.does(order, "admit", json!({})).await
    }

    /// Completes the order, for this amount.
    pub async fn completes(&self, order: &Order, amount: i64) -> Reply {
        self.completes_saying(order, json!({"final_amount": amount})).await
    }

    /// Completes the order, for less than agreed.
    pub async fn completes_for_less(&self, order: &Order, amount: i64) -> Reply {
        let body = json!({"final_amount": amount, "reason": "No wax was used"});
        self.completes_saying(order, body).await
    }

    async fn completes_saying(&self, order: &Order, body: Value) -> Reply {
        let version = self.version(order).await;
        let path = format!("/v1/partner/orders/{}/complete", order.id);
        self.ask("POST", &path).body(body).seen(version).send().await
    }

    /// Changes the services of an active order.
    pub async fn changes_services(&self, order: &Order, codes: &[&str]) -> Reply {
        let version = self.version(order).await;
        let ids: Vec<&str> = codes.iter().map(|code| self.service(code)).collect();
        let path = format!("/v1/partner/orders/{}/services", order.id);
        self.ask("PATCH", &path).body(json!({"service_ids": ids})).seen(version).send().await
    }

    /// Cancels the order.
    pub async fn cancels(&self, order: &Order) -> Reply {
        self.does(order, "cancel", json!({"reason": "The pump broke"})).await
    }

    /// "The client did not come."
    pub async fn declares_no_show(&self, order: &Order) -> Reply {
        self.does(order, "no-show", json!({})).await
    }

    /// "The client is not here."
    pub async fn says_not_here(&self, order: &Order) -> Reply {
        self.does(order, "not-here", json!({})).await
    }

    /// The code shown at the branch.
    pub async fn arrival_code(&self) -> String {
        let branch = self.get("/v1/partner/branch").await;
        branch.ok()["arrival_code"].as_str().unwrap().to_owned()
    }

    /// Posted, held and available.
    pub async fn balance(&self) -> Balance {
        let reply = self.get("/v1/partner/balance").await;
        let balance = reply.ok();
        let of = |field: &str| money(&balance[field]);
        (of("posted"), of("held"), of("available"))
    }

    /// Follows the branch's feed from its current position.
    pub async fn follows(&self) -> Feed {
        self.follows_feed(&format!("branch:{}", self.partner_id)).await
    }
}
