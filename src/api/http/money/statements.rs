//! Statements: pages, files, months, and the explanation of an order's charges (BAL-4).

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use actix_web::web::{Data, Path, Query};
use actix_web::{HttpResponse, get};
use chrono::{DateTime, Datelike as _, Months, NaiveDate, Utc};
use entity::value::{OrderId, PartnerId, Span};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::api::Edge;
use crate::api::http::guard::{Client, Staff};
use crate::api::http::problem::{Problem, malformed};
use crate::api::http::reply;
use crate::api::http::routes::{Routes, access};
use crate::ledger::statement::{self, Month, StatementAccount, StatementLine, StatementOwner};
use crate::orders::end::charges::{self, Charges};
use crate::partners;
use platform::page::{Page, PageQuery};
use platform::{Fault, ReadSnapshot};

/// Routes.
pub fn configure(routes: &mut Routes) {
    routes.service(own).service(file).service(monthly).service(why).service(client_page);
}

access!(own: RUNNING, weight: PAGE);
#[utoipa::path(tag = "partner", params(PageQuery), responses((status = 200, body = Page<StatementLine>)), security(("bearer" = [])))]
#[get("/v1/partner/statement")]
async fn own(
    edge: Data<Edge>,
    staff: Staff,
    query: Query<PageQuery>,
) -> Result<HttpResponse, Problem> {
    let read = &edge.engine.shared().db.read;
    let lines = statement::page(read, StatementOwner::Partner(staff.partner_id()), &query).await?;
    reply::json(&edge, StatusCode::OK, &lines)
}

access!(client_page: Client, weight: PAGE);
#[utoipa::path(tag = "client", params(PageQuery), responses((status = 200, body = Page<StatementLine>)), security(("bearer" = [])))]
#[get("/v1/client/bonus/statement")]
async fn client_page(
    edge: Data<Edge>,
    client: Client,
    query: Query<PageQuery>,
) -> Result<HttpResponse, Problem> {
    let read = &edge.engine.shared().db.read;
    let lines = statement::page(read, StatementOwner::Client(client.person_id()), &query).await?;
    reply::json(&edge, StatusCode::OK, &lines)
}

/// The span of a statement.
#[derive(Deserialize, IntoParams)]
pub struct SpanQuery {
    /// The first instant.
    from: DateTime<Utc>,
    /// The end, exclusive.
    until: DateTime<Utc>,
}

access!(file: RUNNING, weight: EVERYTHING);
#[utoipa::path(tag = "partner", params(SpanQuery), responses((status = 200, content_type = "text/csv")), security(("bearer" = [])))]
#[get("/v1/partner/statement.csv")]
async fn file(
    edge: Data<Edge>,
    staff: Staff,
    query: Query<SpanQuery>,
) -> Result<HttpResponse, Problem> {
    if !written(query.from.year()) || !written(query.until.year()) {
        return Err(malformed("A year has four digits."));
    }
    let span = Span { from: query.from, until: query.until };
    let read = &edge.engine.shared().db.read;
    let lines = statement::lines(read, StatementOwner::Partner(staff.partner_id()), span).await?;
    let named = "attachment; filename=\"statement.csv\"";
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/csv; charset=utf-8"))
        .insert_header((CONTENT_DISPOSITION, named))
        .body(csv(&lines)?))
}

/// Whether RFC 3339 has a way to write the year.
fn written(year: i32) -> bool {
    (0..=9999).contains(&year)
}

/// Whether a year can contain anything to show.
fn kept(year: i32) -> bool {
    (2000..3000).contains(&year)
}

/// RFC 4180: amounts in qəpik, instants in UTC.
fn csv(lines: &[StatementLine]) -> Result<Vec<u8>, Problem> {
    let broken = |error: csv::Error| Problem::from(Fault::Other(format!("CSV: {error}")));
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer
        .write_record([
            "id", "at", "kind", "rule", "account", "qepik", "order_id", "lot_id", "subject", "note",
        ])
        .map_err(broken)?;
    for line in lines {
        let account = match line.account {
            StatementAccount::Balance => "balance",
            StatementAccount::Bonus => "bonus",
        };
        writer
            .write_record([
                line.id.to_string(),
                line.at.to_rfc3339(),
                line.kind.clone(),
                line.rule.clone(),
                account.to_owned(),
                line.amount.0.to_string(),
                line.order_id.map(|id| id.to_string()).unwrap_or_default(),
                line.lot_id.map(|id| id.to_string()).unwrap_or_default(),
                line.subject.to_string(),
                plain(&line.note),
            ])
            .map_err(broken)?;
    }
    writer.into_inner().map_err(|error| Fault::Other(format!("CSV: {error}")).into())
}

/// A text that no spreadsheet interprets as a formula.
fn plain(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    if formula { format!("'{text}") } else { text.to_owned() }
}

access!(monthly: RUNNING, weight: MONTH);
#[utoipa::path(tag = "partner", params(("month" = String, Path, pattern = "^2[0-9]{3}-(0[1-9]|1[0-2])$")), responses((status = 200, body = Month)), security(("bearer" = [])))]
#[get("/v1/partner/statements/{month}")]
async fn monthly(
    edge: Data<Edge>,
    staff: Staff,
    month: Path<String>,
) -> Result<HttpResponse, Problem> {
    let span = span(&edge, staff.partner_id(), &month).await?;
    // The opening balance and the movements are read in one snapshot.
    let whose = StatementOwner::Partner(staff.partner_id());
    let read = async move |moment: ReadSnapshot| statement::month(&moment, whose, span).await;
    let month = edge.engine.shared().db.snapshot(read).await?;
    reply::json(&edge, StatusCode::OK, &month)
}

/// A month of the branch's own calendar (`2026-11`).
async fn span(edge: &Edge, partner_id: PartnerId, month: &str) -> Result<Span, Problem> {
    let wrong = || malformed("A month is a year and a month, such as 2026-11.");
    let first: NaiveDate = format!("{month}-01").parse().map_err(|_| wrong())?;
    if !kept(first.year()) {
        return Err(wrong());
    }
    let next = first.checked_add_months(Months::new(1)).ok_or_else(wrong)?;
    let read = &edge.engine.shared().db.read;
    let begins = |date| partners::profile::read::begins(read, partner_id, date);
    Ok(Span { from: begins(first).await?, until: begins(next).await? })
}

access!(why: RUNNING);
#[utoipa::path(tag = "partner", params(("id" = Uuid, Path)), responses((status = 200, body = Charges)), security(("bearer" = [])))]
#[get("/v1/partner/orders/{id}/charges")]
async fn why(edge: Data<Edge>, staff: Staff, id: Path<OrderId>) -> Result<HttpResponse, Problem> {
    let book = Arc::clone(&edge.engine.context().policy);
    let (partner_id, id) = (staff.partner_id(), *id);
    let read =
        async move |moment: ReadSnapshot| charges::charges(&moment, &book, partner_id, id).await;
    let charges = edge.engine.shared().db.snapshot(read).await?;
    reply::json(&edge, StatusCode::OK, &charges)
}
