//! The free slots of a partner for a booking (BK-1).

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path, Query};
use actix_web::{HttpResponse, get};
use entity::value::{CarClass, CarId, PartnerId, ServiceId};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::api::Edge;
use crate::api::http::dates::Date;
use crate::api::http::guard::Client;
use crate::api::http::problem::{Problem, malformed};
use crate::api::http::reply;
use crate::api::http::routes::{Routes, access};
use crate::clients::{self, cars};
use crate::orders::price::SERVICES_MAX;
use crate::search::slots::{SlotSearch, SlotsView, slots};

/// The most days in one request.
const DAYS_MAX: u64 = 7;

/// Routes.
pub fn configure(routes: &mut Routes) {
    routes.service(free_slots);
}

/// The services, the car and the dates to find slots for.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct SlotsQuery {
    /// The first local date, `2026-12-31`.
    #[param(value_type = String, format = Date)]
    date: Date,
    /// Services of the partner, separated by commas; one to twenty different ones.
    #[param(
        pattern = "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(,[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}){0,19}$"
    )]
    services: String,
    /// The class of the car …
    class: Option<CarClass>,
    /// … or the client's own car.
    car_id: Option<CarId>,
    /// How many days; one by default, seven at most.
    #[param(minimum = 1, maximum = 7)]
    days: Option<u64>,
}

impl SlotsQuery {
    fn service_ids(&self) -> Result<Vec<ServiceId>, Problem> {
        let ids: Result<Vec<ServiceId>, _> = self.services.split(',').map(str::parse).collect();
        let ids = ids.map_err(malformed)?;
        let mut different = ids.clone();
        different.sort_unstable();
        different.dedup();
        if ids.len() > SERVICES_MAX || different.len() != ids.len() {
            return Err(malformed("services names one to twenty different services."));
        }
        Ok(ids)
    }

    async fn car_class(&self, edge: &Edge, client: &Client) -> Result<CarClass, Problem> {
        match (self.class, self.car_id) {
            (Some(class), None) => Ok(class),
            (None, Some(car_id)) => {
                let shared = edge.engine.shared();
                Ok(cars::class_of(shared, client.person_id(), car_id).await?)
            }
            _ => {
                let why = "Name a class of car or one of your cars, and not both.";
                Err(clients::Refusal::CarInvalid.refused().because(why).into())
            }
        }
    }
}

access!(free_slots: Client, weight: SEARCH);
#[utoipa::path(tag = "client", params(("id" = Uuid, Path), SlotsQuery), responses((status = 200, body = SlotsView)), security(("bearer" = [])))]
#[get("/v1/client/partners/{id}/slots")]
async fn free_slots(
    edge: Data<Edge>,
    client: Client,
    id: Path<PartnerId>,
    query: Query<SlotsQuery>,
) -> Result<HttpResponse, Problem> {
    let days = query.days.unwrap_or(1);
    if !(1..=DAYS_MAX).contains(&days) {
        return Err(malformed("days is 1 to 7."));
    }
    let wanted = SlotSearch {
        partner_id: *id,
        service_ids: query.service_ids()?,
        class: query.car_class(&edge, &client).await?,
        car_id: query.car_id,
        date: query.date.0,
        days,
    };
    let shared = edge.engine.shared();
    let now = shared.clock.now();
    let policy = edge.engine.context().policy.at(now)?.keys;
    let plans = &edge.engine.context().plans;
    let found = slots(&shared.db.read, plans, &wanted, &policy, now).await?;
    reply::json(&edge, StatusCode::OK, &found)
}
