//! A client's side: cars, profile, search.

use std::collections::BTreeSet;

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path, Query};
use actix_web::{HttpResponse, delete, get, post, put};
use entity::value::{CarClass, CarId, Lang, PartnerId, Point};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use crate::api::Edge;
use crate::api::http::guard::Client;
use crate::api::http::problem::{Problem, malformed};
use crate::api::http::reply;
use crate::api::http::request::{Nothing, Request};
use crate::api::http::routes::{Routes, access};
use crate::api::http::run::{created, nothing, ok, run};
use crate::clients::cars::{self, AddCar, CarView, RemoveCar};
use crate::clients::profile::{EditProfile, ProfileView};
use crate::partners;
use crate::search::nearest::{NearestQuery, PartnerListing, nearest};
use platform::page::Page;

/// Routes.
pub fn configure(routes: &mut Routes) {
    routes
        .service(list_cars)
        .service(add_car)
        .service(remove_car)
        .service(edit_profile)
        .service(search)
        .service(partner);
}

/// A car to add.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CarBody {
    /// The plate, as on the car.
    #[schema(min_length = 4)]
    plate: String,
    /// Make and model.
    #[schema(min_length = 1, max_length = 60)]
    make: String,
    /// Its class.
    class: CarClass,
}

access!(list_cars: Client);
#[utoipa::path(tag = "client", responses((status = 200, body = Page<CarView>)), security(("bearer" = [])))]
#[get("/v1/client/cars")]
async fn list_cars(edge: Data<Edge>, client: Client) -> Result<HttpResponse, Problem> {
    let page = cars::list(&edge.engine.shared().db.read, client.person_id()).await?;
    reply::json(&edge, StatusCode::OK, &page)
}

access!(add_car: Client);
#[utoipa::path(tag = "client", request_body = CarBody, responses((status = 201, body = CarView)), security(("bearer" = [])))]
#[post("/v1/client/cars")]
async fn add_car(
    edge: Data<Edge>,
    client: Client,
    sent: Request<CarBody>,
) -> Result<HttpResponse, Problem> {
    let key = sent.key();
    let CarBody { plate, make, class } = sent.body;
    let command = AddCar { client_id: client.person_id(), plate, make, class };
    run(&edge, client.by(), Some(key), command, created).await
}

access!(remove_car: Client);
#[utoipa::path(tag = "client", params(("id" = Uuid, Path)), responses((status = 204)), security(("bearer" = [])))]
#[delete("/v1/client/cars/{id}")]
async fn remove_car(
    edge: Data<Edge>,
    client: Client,
    id: Path<CarId>,
    sent: Request<Nothing>,
) -> Result<HttpResponse, Problem> {
    let command = RemoveCar { client_id: client.person_id(), car_id: id.into_inner() };
    run(&edge, client.by(), Some(sent.key()), command, nothing).await
}

/// Name and language.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProfileBody {
    /// What the person is called.
    #[schema(min_length = 1, max_length = 60)]
    name: Option<String>,
    /// The language of messages to the person.
    lang: Option<Lang>,
}

access!(edit_profile: Client);
#[utoipa::path(tag = "client", request_body = ProfileBody, responses((status = 200, body = ProfileView)), security(("bearer" = [])))]
#[put("/v1/client/profile")]
async fn edit_profile(
    edge: Data<Edge>,
    client: Client,
    sent: Request<ProfileBody>,
) -> Result<HttpResponse, Problem> {
    let key = sent.key();
    let ProfileBody { name, lang } = sent.body;
    let command = EditProfile { person_id: client.person_id(), name, lang };
    run(&edge, client.by(), Some(key), command, ok).await
}

/// Where to search, and for which services.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct SearchQuery {
    /// Latitude.
    #[param(minimum = -90, maximum = 90)]
    lat: f64,
    /// Longitude.
    #[param(minimum = -180, maximum = 180)]
    lon: f64,
    /// The radius, metres; 5000 by default, 50000 at most.
    #[param(minimum = 0, maximum = 50000)]
    radius_m: Option<u32>,
    /// Kinds of work, separated by commas; all of them must be offered.
    services: Option<String>,
    /// Class of the car: prices are for it.
    class: Option<CarClass>,
    /// Whether to list closed partners, too.
    closed_too: Option<bool>,
}

const RADIUS_M: u32 = 5_000;
const RADIUS_MAX_M: u32 = 50_000;

access!(search: Client, weight: SEARCH);
#[utoipa::path(tag = "client", params(SearchQuery), responses((status = 200, body = Page<PartnerListing>)), security(("bearer" = [])))]
#[get("/v1/client/partners")]
async fn search(
    edge: Data<Edge>,
    _client: Client,
    query: Query<SearchQuery>,
) -> Result<HttpResponse, Problem> {
    let centre = Point::new(query.lat, query.lon);
    let centre = centre.ok_or_else(|| malformed("lat is −90…90 and lon −180…180."))?;
    let radius_m = query.radius_m.unwrap_or(RADIUS_M);
    if radius_m > RADIUS_MAX_M {
        return Err(malformed("radius_m is at most 50000."));
    }
    let codes = query.services.as_deref().unwrap_or_default();
    let wanted = NearestQuery {
        centre,
        radius_m,
        codes: codes.split(',').filter(|c| !c.is_empty()).map(ToOwned::to_owned).collect(),
        class: query.class,
        closed_too: query.closed_too.unwrap_or(false),
    };
    let items = partners_near(&edge, &wanted).await?;
    reply::json(&edge, StatusCode::OK, &Page::from(items))
}

async fn partners_near(edge: &Edge, wanted: &NearestQuery) -> Result<Vec<PartnerListing>, Problem> {
    let shared = edge.engine.shared();
    let now = shared.clock.now();
    let keys = edge.engine.context().policy.at(now)?.keys;
    let plans = &edge.engine.context().plans;
    Ok(nearest(&shared.db.read, plans, wanted, &keys, now).await?)
}

access!(partner: Client);
#[utoipa::path(tag = "client", params(("id" = Uuid, Path)), responses((status = 200, body = PartnerListing)), security(("bearer" = [])))]
#[get("/v1/client/partners/{id}")]
async fn partner(
    edge: Data<Edge>,
    _client: Client,
    id: Path<PartnerId>,
) -> Result<HttpResponse, Problem> {
    let branch = partners::profile::read::branch(&edge.engine.shared().db.read, *id).await?;
    let wanted = NearestQuery {
        centre: Point { lat: branch.lat, lon: branch.lon },
        radius_m: 100,
        codes: BTreeSet::new(),
        class: None,
        closed_too: true,
    };
    let found = partners_near(&edge, &wanted).await?.into_iter().find(|found| found.id == *id);
    let found = found.ok_or(partners::Refusal::NoSuchPartner)?;
    reply::json(&edge, StatusCode::OK, &found)
}
