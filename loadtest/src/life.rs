//! A client's sequence of orders: decides which command comes next, and sends it.

use crate::records::{Command, Outcome};
use client::{ApiError, Car, Order, Page, Point, Request, Status};
use serde_json::{Value, json};
use simulator::{Branch, Person};
use std::sync::Arc;

/// The distance of the client from the branch, metres north and east.
const HOME_M: (i32, i32) = (1800, 1300);

/// A client, its branch, and the state of its order.
pub struct Life {
    client: Arc<Person>,
    branch: Arc<Branch>,
    wish: Value,
    order: Option<Order>,
    /// Refusals since the last success.
    pub refused_in_row: u32,
}

impl Life {
    /// The sequence of a client with a car at one branch.
    pub fn new(
        client: Arc<Person>,
        car: &Car,
        branch: Arc<Branch>,
        at: Point,
    ) -> Result<Self, String> {
        let offers = branch.services.iter().filter_map(|service| {
            let price = service.prices.iter().find(|price| price.class == car.class)?;
            Some((&service.id, price.price.amount()))
        });
        let cheapest = offers.min_by_key(|(_, price)| *price);
        let (service, total) =
            cheapest.ok_or(format!("{} has nothing for a {}", branch.name, car.class))?;
        let wish = json!({
            "kind": "quick", "partner_id": branch.id, "car_id": car.id, "service_ids": [service],
            "origin": at.moved(HOME_M.0, HOME_M.1), "shown_total": total,
        });
        Ok(Self { client, branch, wish, order: None, refused_in_row: 0 })
    }

    /// The next command.
    pub fn next(&self) -> Command {
        let Some(order) = &self.order else { return Command::Place };
        match order.status {
            Status::Requested => Command::Accept,
            Status::Confirmed => Command::Depart,
            Status::OnTheWay if order.arrived_at.is_none() => Command::Arrive,
            Status::OnTheWay => Command::Admit,
            Status::Active => Command::Complete,
            Status::Completed | Status::Cancelled => Command::Place,
        }
    }

    /// Sends the next command and records its response.
    pub async fn live(&mut self, command: Command) -> (Outcome, Option<ApiError>) {
        let (person, request) = self.wording(command);
        match person.order(&request).await {
            Ok(order) => {
                self.order = Some(order);
                self.refused_in_row = 0;
                (Outcome::Yes, None)
            }
            Err(ApiError::Refused(mut problem)) => {
                self.refused_in_row += 1;
                let told = problem.order.take().map(|order| *order);
                self.order = if told.is_some() { told } else { self.open_order().await };
                (Outcome::No, Some(ApiError::Refused(problem)))
            }
            Err(trouble) => {
                self.refused_in_row += 1;
                self.order = self.open_order().await;
                (Outcome::Broken, Some(trouble))
            }
        }
    }

    /// The client's open order in the engine.
    pub async fn open_order(&self) -> Option<Order> {
        let page =
            self.client.read::<Page<Order>>(&Request::get("/v1/client/orders?open=true")).await;
        page.ok().and_then(|page| page.items.into_iter().next())
    }

    /// Reads the order again, after it was left to expire.
    pub async fn look(&mut self) {
        self.order = self.open_order().await;
    }

    fn wording(&self, command: Command) -> (Arc<Person>, Request) {
        let (id, version, total) = self
            .order
            .as_ref()
            .map_or(("", 0, 0), |order| (order.id.as_str(), order.version, order.total.amount));
        let client = |verb: &str, body: Value| {
            let request = Request::post(format!("/v1/client/orders/{id}/{verb}"), &body);
            (self.client.clone(), request)
        };
        let staff = |verb: &str, body: Value| {
            let request = Request::post(format!("/v1/partner/orders/{id}/{verb}"), &body);
            (self.branch.owner.clone(), request)
        };
        match command {
            Command::Place => (self.client.clone(), Request::post("/v1/client/orders", &self.wish)),
            Command::Accept => {
                let (owner, request) = staff("accept", json!({}));
                (owner, request.if_match(version))
            }
            Command::Depart => client("depart", json!({})),
            Command::Arrive => client("arrive", json!({ "code": self.branch.arrival_code })),
            Command::Admit => staff("admit", json!({})),
            Command::Complete => {
                let (owner, request) = staff("complete", json!({ "final_amount": total }));
                (owner, request.if_match(version))
            }
        }
    }
}
