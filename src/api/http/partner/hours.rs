//! When and where a branch serves: weekly hours, special days, bays, and the switches of a day.
//! Bookings that no longer fit are listed in the answer, and stay (BK-13).

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{HttpResponse, delete, get, patch, post, put};
use entity::special_day::DaySpan;
use entity::value::BayId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::Edge;
use crate::api::http::dates::Date;
use crate::api::http::guard::Staff;
use crate::api::http::problem::Problem;
use crate::api::http::reply;
use crate::api::http::request::{Nothing, Request};
use crate::api::http::routes::{Routes, access};
use crate::api::http::run::{answer, created, ok, run};
use crate::context::Context;
use crate::partners::capacity::bays::{self, AddBay, BayView, EditBay};
use crate::partners::profile::read::{self, BranchView};
use crate::partners::profile::settings::{ScheduleView, SetSchedule, SpanView};
use crate::partners::schedule::closing::{SetSwitch, Switch};
use crate::partners::schedule::conflicts::{Conflict, Why, conflicts};
use crate::partners::schedule::hours::Hours;
use crate::partners::schedule::night::{self, NightSpan};
use crate::partners::schedule::special_days::{
    self, DropSpecialDay, DroppedDay, SetSpecialDay, SpecialDayView,
};
use platform::page::Page;
use platform::{Command, CommandError, Done};

/// The reasons why a booking no longer fits the hours or the bays.
const STANDING: &[Why] = &[Why::OutsideHours, Why::BayInactive, Why::BayUnfit];

/// Routes.
pub fn configure(routes: &mut Routes) {
    routes
        .service(list_bays)
        .service(add_bay)
        .service(edit_bay)
        .service(schedule)
        .service(set_schedule)
        .service(list_special_days)
        .service(set_special_day)
        .service(drop_special_day)
        .service(pause)
        .service(close_today)
        .service(resume);
}

/// The answer of an edit, with the live bookings that no longer fit.
#[derive(Serialize, ToSchema)]
pub struct Edited<A> {
    /// The state after the edit.
    #[serde(flatten)]
    answer: A,
    /// The bookings that no longer fit. They stay: agree with their clients, or cancel them.
    conflicts: Vec<Conflict>,
}

/// Runs an edit; after its commit, finds the bookings that no longer fit.
async fn edit<C: Command<Context>>(
    edge: &Edge,
    staff: &Staff,
    sent: &Request<impl Sized>,
    command: C,
    asked: &[Why],
) -> Result<HttpResponse, Problem> {
    let (engine, by) = (&edge.engine, staff.by());
    let edited = async {
        let Done { answer, replayed } =
            engine.execute(by, Some(sent.key().of(by)), command).await?;
        let conflicts = conflicts(engine, staff.partner_id(), asked).await?;
        Ok::<_, CommandError>(Done { answer: Edited { answer, conflicts }, replayed })
    };
    answer(edge, edited.await, ok)
}

access!(list_bays: ANY_STAFF);
#[utoipa::path(tag = "partner", responses((status = 200, body = Page<BayView>)), security(("bearer" = [])))]
#[get("/v1/partner/bays")]
async fn list_bays(edge: Data<Edge>, staff: Staff) -> Result<HttpResponse, Problem> {
    let page = bays::list(&edge.engine.shared().db.read, staff.partner_id()).await?;
    reply::json(&edge, StatusCode::OK, &page)
}

/// A bay.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BayBody {
    /// Its name among the staff.
    name: String,
    /// What it can serve.
    kind: String,
}

access!(add_bay: RUNNING);
#[utoipa::path(tag = "partner", request_body = BayBody, responses((status = 201, body = BayView)), security(("bearer" = [])))]
#[post("/v1/partner/bays")]
async fn add_bay(
    edge: Data<Edge>,
    staff: Staff,
    sent: Request<BayBody>,
) -> Result<HttpResponse, Problem> {
    let (name, kind) = (sent.body.name.clone(), sent.body.kind.clone());
    let command = AddBay { partner_id: staff.partner_id(), name, kind };
    run(&edge, staff.by(), Some(sent.key()), command, created).await
}

/// The changes of a bay.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BayEdit {
    /// Its name among the staff.
    name: Option<String>,
    /// What it can serve.
    kind: Option<String>,
    /// Whether it is in use.
    active: Option<bool>,
}

access!(edit_bay: RUNNING);
#[utoipa::path(tag = "partner", params(("id" = Uuid, Path)), request_body = BayEdit, responses((status = 200, body = Edited<BayView>)), security(("bearer" = [])))]
#[patch("/v1/partner/bays/{id}")]
async fn edit_bay(
    edge: Data<Edge>,
    staff: Staff,
    id: Path<BayId>,
    sent: Request<BayEdit>,
) -> Result<HttpResponse, Problem> {
    let BayEdit { name, kind, active } = sent.body.clone();
    let command = EditBay { partner_id: staff.partner_id(), bay_id: *id, name, kind, active };
    edit(&edge, &staff, &sent, command, STANDING).await
}

access!(schedule: ANY_STAFF);
#[utoipa::path(tag = "partner", responses((status = 200, body = ScheduleView)), security(("bearer" = [])))]
#[get("/v1/partner/schedule")]
async fn schedule(edge: Data<Edge>, staff: Staff) -> Result<HttpResponse, Problem> {
    let id = staff.partner_id();
    let mut all = read::hours(&edge.engine.shared().db.read, &[id]).await?;
    let span = |h: Hours| SpanView {
        weekday: h.weekday,
        opens_min: h.opens_min,
        closes_min: h.closes_min,
    };
    let weekly = all.remove(&id).unwrap_or_default().into_iter().map(span).collect();
    reply::json(&edge, StatusCode::OK, &ScheduleView { weekly })
}

access!(set_schedule: RUNNING);
#[utoipa::path(tag = "partner", request_body = ScheduleView, responses((status = 200, body = Edited<ScheduleView>)), security(("bearer" = [])))]
#[put("/v1/partner/schedule")]
async fn set_schedule(
    edge: Data<Edge>,
    staff: Staff,
    sent: Request<ScheduleView>,
) -> Result<HttpResponse, Problem> {
    let weekly = sent.body.weekly.clone();
    let command = SetSchedule { partner_id: staff.partner_id(), weekly };
    edit(&edge, &staff, &sent, command, STANDING).await
}

access!(list_special_days: ANY_STAFF);
#[utoipa::path(tag = "partner", responses((status = 200, body = Page<SpecialDayView>)), security(("bearer" = [])))]
#[get("/v1/partner/special-days")]
async fn list_special_days(edge: Data<Edge>, staff: Staff) -> Result<HttpResponse, Problem> {
    let shared = edge.engine.shared();
    let now = shared.clock.now();
    let items = special_days::list(&shared.db.read, staff.partner_id(), now).await?;
    reply::json(&edge, StatusCode::OK, &Page::from(items))
}

/// The hours of one date.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DayBody {
    /// The open spans; none means closed.
    #[schema(max_items = 24)]
    spans: Vec<DaySpan>,
    /// The reason, for human readers.
    #[serde(default)]
    #[schema(max_length = 200)]
    note: String,
}

/// The answer to setting the hours of a date.
#[derive(Serialize, ToSchema)]
pub struct DayEdited {
    /// The state after the edit.
    #[serde(flatten)]
    day: SpecialDayView,
    /// The bookings that no longer fit. They stay: agree with their clients, or cancel them.
    conflicts: Vec<Conflict>,
    /// Hours of the day before that run into the date: they remain, with the visits in them.
    night_before: Vec<NightSpan>,
}

access!(set_special_day: RUNNING);
#[utoipa::path(tag = "partner", params(("date" = String, Path, format = Date)), request_body = DayBody, responses((status = 200, body = DayEdited)), security(("bearer" = [])))]
#[put("/v1/partner/special-days/{date}")]
async fn set_special_day(
    edge: Data<Edge>,
    staff: Staff,
    date: Path<Date>,
    sent: Request<DayBody>,
) -> Result<HttpResponse, Problem> {
    let (spans, note) = (sent.body.spans.clone(), sent.body.note.clone());
    let day = SpecialDayView { date: date.0, spans, note };
    let command = SetSpecialDay { partner_id: staff.partner_id(), day };
    let (engine, by, key) = (&edge.engine, staff.by(), sent.key());
    let edited = async {
        let Done { answer: day, replayed } = engine.execute(by, Some(key.of(by)), command).await?;
        let conflicts = conflicts(engine, staff.partner_id(), STANDING).await?;
        let night_before = night::before(engine, staff.partner_id(), day.date).await?;
        Ok::<_, CommandError>(Done { answer: DayEdited { day, conflicts, night_before }, replayed })
    };
    answer(&edge, edited.await, ok)
}

access!(drop_special_day: RUNNING);
#[utoipa::path(tag = "partner", params(("date" = String, Path, format = Date)), responses((status = 200, body = Edited<DroppedDay>)), security(("bearer" = [])))]
#[delete("/v1/partner/special-days/{date}")]
async fn drop_special_day(
    edge: Data<Edge>,
    staff: Staff,
    date: Path<Date>,
    sent: Request<Nothing>,
) -> Result<HttpResponse, Problem> {
    let command = DropSpecialDay { partner_id: staff.partner_id(), date: date.0 };
    edit(&edge, &staff, &sent, command, STANDING).await
}

/// The length of a pause.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PauseBody {
    /// Minutes, 1 to 1440; 60 by default.
    #[schema(minimum = 1)]
    minutes: Option<i64>,
}

async fn turn<T>(
    edge: &Edge,
    staff: &Staff,
    sent: &Request<T>,
    switch: Switch,
) -> Result<HttpResponse, Problem> {
    let command = SetSwitch { partner_id: staff.partner_id(), switch };
    edit(edge, staff, sent, command, &[Why::Closed]).await
}

access!(pause: SERVING);
#[utoipa::path(tag = "partner", request_body = PauseBody, responses((status = 200, body = Edited<BranchView>)), security(("bearer" = [])))]
#[post("/v1/partner/pause")]
async fn pause(
    edge: Data<Edge>,
    staff: Staff,
    sent: Request<PauseBody>,
) -> Result<HttpResponse, Problem> {
    turn(&edge, &staff, &sent, Switch::Pause(sent.body.minutes)).await
}

access!(close_today: SERVING);
#[utoipa::path(tag = "partner", request_body = Nothing, responses((status = 200, body = Edited<BranchView>)), security(("bearer" = [])))]
#[post("/v1/partner/close-today")]
async fn close_today(
    edge: Data<Edge>,
    staff: Staff,
    sent: Request<Nothing>,
) -> Result<HttpResponse, Problem> {
    turn(&edge, &staff, &sent, Switch::CloseToday).await
}

access!(resume: SERVING);
#[utoipa::path(tag = "partner", request_body = Nothing, responses((status = 200, body = Edited<BranchView>)), security(("bearer" = [])))]
#[post("/v1/partner/resume")]
async fn resume(
    edge: Data<Edge>,
    staff: Staff,
    sent: Request<Nothing>,
) -> Result<HttpResponse, Problem> {
    turn(&edge, &staff, &sent, Switch::Resume).await
}
