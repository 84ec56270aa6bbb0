//! A branch's staff: members, invitations, and the invited person's answer (ACC-4).

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{HttpResponse, delete, get, post, put};
use entity::staff::StaffRole;
use entity::value::{InvitationId, PersonId};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::access;
use crate::access::people::invitation::{
    self, AnswerInvitation, InvitationView, Invite, OwnInvitationView, Withdraw,
};
use crate::access::people::staff::{self, ChangeRole, RemoveStaff, StaffView};
use crate::api::Edge;
use crate::api::http::guard::{SignedIn, Staff};
use crate::api::http::problem::Problem;
use crate::api::http::reply;
use crate::api::http::request::{Nothing, Request};
use crate::api::http::routes::{Routes, access};
use crate::api::http::run::{created, nothing, ok, run};
use platform::page::Page;

/// Routes.
pub fn configure(routes: &mut Routes) {
    routes
        .service(people)
        .service(invite)
        .service(change_role)
        .service(remove_person)
        .service(invited)
        .service(withdraw)
        .service(own_invitations)
        .service(accept)
        .service(decline);
}

access!(people: RUNNING);
#[utoipa::path(tag = "partner", responses((status = 200, body = Page<StaffView>)), security(("bearer" = [])))]
#[get("/v1/partner/staff")]
async fn people(edge: Data<Edge>, staff: Staff) -> Result<HttpResponse, Problem> {
    let items = staff::list(&edge.engine, staff.partner_id()).await?;
    reply::json(&edge, StatusCode::OK, &Page::from(items))
}

/// A person to invite.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StaffBody {
    /// The number to sign in with.
    #[schema(pattern = "^[+][0-9](?:[ ()./-]*[0-9]){6,14}$")]
    phone: String,
    /// The role.
    role: StaffRole,
}

access!(invite: RUNNING);
/// Invites a person; the answer is the same whether or not the number is known. The person joins
/// the staff by accepting.
#[utoipa::path(tag = "partner", request_body = StaffBody, responses((status = 201, body = InvitationView)), security(("bearer" = [])))]
#[post("/v1/partner/staff")]
async fn invite(
    edge: Data<Edge>,
    staff: Staff,
    sent: Request<StaffBody>,
) -> Result<HttpResponse, Problem> {
    let phone = access::codes::phone::read(&sent.body.phone, &edge.settings.access)?;
    let role = sent.body.role;
    let command = Invite { partner_id: staff.partner_id(), phone, role };
    run(&edge, staff.by(), Some(sent.key()), command, created).await
}

/// A change of role.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RoleBody {
    /// The new role.
    role: StaffRole,
}

access!(change_role: RUNNING);
#[utoipa::path(tag = "partner", params(("person_id" = Uuid, Path)), request_body = RoleBody, responses((status = 200, body = StaffView)), security(("bearer" = [])))]
#[put("/v1/partner/staff/{person_id}")]
async fn change_role(
    edge: Data<Edge>,
    staff: Staff,
    id: Path<PersonId>,
    sent: Request<RoleBody>,
) -> Result<HttpResponse, Problem> {
    let role = sent.body.role;
    let command = ChangeRole { partner_id: staff.partner_id(), person_id: *id, role };
    run(&edge, staff.by(), Some(sent.key()), command, ok).await
}

access!(remove_person: RUNNING);
#[utoipa::path(tag = "partner", params(("person_id" = Uuid, Path)), responses((status = 204)), security(("bearer" = [])))]
#[delete("/v1/partner/staff/{person_id}")]
async fn remove_person(
    edge: Data<Edge>,
    staff: Staff,
    id: Path<PersonId>,
    sent: Request<Nothing>,
) -> Result<HttpResponse, Problem> {
    let command = RemoveStaff { partner_id: staff.partner_id(), person_id: *id };
    run(&edge, staff.by(), Some(sent.key()), command, nothing).await
}

access!(invited: RUNNING);
#[utoipa::path(tag = "partner", responses((status = 200, body = Page<InvitationView>)), security(("bearer" = [])))]
#[get("/v1/partner/invitations")]
async fn invited(edge: Data<Edge>, staff: Staff) -> Result<HttpResponse, Problem> {
    let items = invitation::of_branch(&edge.engine, staff.partner_id()).await?;
    reply::json(&edge, StatusCode::OK, &Page::from(items))
}

access!(withdraw: RUNNING);
#[utoipa::path(tag = "partner", params(("id" = Uuid, Path)), responses((status = 204)), security(("bearer" = [])))]
#[delete("/v1/partner/invitations/{id}")]
async fn withdraw(
    edge: Data<Edge>,
    staff: Staff,
    id: Path<InvitationId>,
    sent: Request<Nothing>,
) -> Result<HttpResponse, Problem> {
    let command = Withdraw { partner_id: staff.partner_id(), invitation_id: *id };
    run(&edge, staff.by(), Some(sent.key()), command, nothing).await
}

access!(own_invitations: SignedIn);
#[utoipa::path(tag = "auth", responses((status = 200, body = Page<OwnInvitationView>)), security(("bearer" = [])))]
#[get("/v1/auth/invitations")]
async fn own_invitations(edge: Data<Edge>, who: SignedIn) -> Result<HttpResponse, Problem> {
    let items = invitation::of_person(&edge.engine, who.person_id()).await?;
    reply::json(&edge, StatusCode::OK, &Page::from(items))
}

access!(accept: SignedIn);
#[utoipa::path(tag = "auth", params(("id" = Uuid, Path)), request_body = Nothing, responses((status = 204)), security(("bearer" = [])))]
#[post("/v1/auth/invitations/{id}/accept")]
async fn accept(
    edge: Data<Edge>,
    who: SignedIn,
    id: Path<InvitationId>,
    sent: Request<Nothing>,
) -> Result<HttpResponse, Problem> {
    answer(&edge, &who, *id, &sent, true).await
}

access!(decline: SignedIn);
#[utoipa::path(tag = "auth", params(("id" = Uuid, Path)), request_body = Nothing, responses((status = 204)), security(("bearer" = [])))]
#[post("/v1/auth/invitations/{id}/decline")]
async fn decline(
    edge: Data<Edge>,
    who: SignedIn,
    id: Path<InvitationId>,
    sent: Request<Nothing>,
) -> Result<HttpResponse, Problem> {
    answer(&edge, &who, *id, &sent, false).await
}

async fn answer(
    edge: &Edge,
    who: &SignedIn,
    invitation_id: InvitationId,
    sent: &Request<Nothing>,
    yes: bool,
) -> Result<HttpResponse, Problem> {
    let person_id = who.person_id();
    let command = AnswerInvitation { person_id, invitation_id, accept: yes };
    run(edge, who.by(), Some(sent.key()), command, nothing).await
}
