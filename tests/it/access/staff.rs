//! A branch's people: named, given another role, let go – with what they hold at that moment.

use serde_json::json;

use crate::realtime::line::Line;
use crate::support::{Branch, Person};
use crate::wire::raw::{Answer, Raw};

async fn names(branch: &Branch, phone: &str, role: &str) -> Answer {
    let body = json!({"phone": phone, "role": role});
    Raw::command(branch, "POST", "/v1/partner/staff").json(&body).send().await
}

async fn lets_go(branch: &Branch, person: &Person) -> Answer {
    let path = format!("/v1/partner/staff/{}", person.person_id);
    Raw::command(branch, "DELETE", &path).send().await
}

both! {
    /// ACC-4: whoever is let go may nothing from the next request on, and hears nothing more.
    async fn an_operator_who_is_let_go_is_out_at_once(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let rufat = kristal.hires("operator").await;
        let audience = format!("branch:{}", kristal.partner_id);
        let order = anar.orders(&kristal).await;
        rufat.sees(&order).await.ok();
        let mut line = Line::open(&rufat, &audience).await;
        let (mut own, mut owners) =
            (Line::open(&rufat, "client").await, Line::open(&kristal, &audience).await);
        assert_eq!(lets_go(&kristal, &rufat).await.status, 204);
        rufat.accepts_seeing(&order, 1).await.refused("forbidden");
        rufat.sees(&order).await.refused("forbidden");
        assert_eq!(line.closed().await, 4003);
        assert!(own.answers().await, "their own feed as a client stays");
        assert!(owners.answers().await, "the owner's stays");
        let poll = format!("/v1/feed/events?audience={audience}");
        rufat.get(&poll).await.refused("audience_not_yours");
        lets_go(&kristal, &rufat).await.problem(404, "no_such_staff");
        kristal.accepts(&order).await.status("confirmed");
    }

    /// ACC-4: a long poll that waits ends too.
    async fn a_waiting_poll_ends_when_access_does(world) {
        let kristal = world.branch("Kristal").await;
        let rufat = kristal.hires("operator").await;
        let hello = Line::open(&rufat, &format!("branch:{}", kristal.partner_id)).await.hello;
        let poll = format!(
            "/v1/feed/events?audience=branch:{}&after={}&wait=20",
            kristal.partner_id, hello["seq"],
        );
        let (poll, gone) = tokio::join!(rufat.get(&poll), lets_go(&kristal, &rufat));
        assert_eq!(gone.status, 204);
        poll.refused("audience_not_yours");
    }

    /// ACC-4: another role is another role at once, in both directions.
    async fn a_role_changes_at_once(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let rufat = kristal.hires("viewer").await;
        let order = anar.orders(&kristal).await;
        rufat.accepts_seeing(&order, 1).await.refused("forbidden");
        names(&kristal, &rufat.phone, "operator").await.ok(201);
        rufat.accepts_seeing(&order, 1).await.status("confirmed");
        names(&kristal, &rufat.phone, "viewer").await.ok(201);
        rufat.admits(&order).await.refused("forbidden");
        rufat.get("/v1/partner/balance").await.refused("forbidden");
        names(&kristal, &rufat.phone, "manager").await.ok(201);
        rufat.get("/v1/partner/balance").await.ok();
        let staff = kristal.get("/v1/partner/staff").await;
        assert_eq!(staff.ok()["items"].as_array().unwrap().len(), 2);
    }

    /// ACC-4: a manager runs the branch but makes and unmakes no owner; the last owner stays.
    async fn owners_are_made_by_owners(world) {
        let kristal = world.branch("Kristal").await;
        let gulnar = kristal.hires("manager").await;
        let someone = world.scene.phone();
        names(&gulnar, &someone, "operator").await.ok(201);
        names(&gulnar, &someone, "owner").await.problem(403, "owner_required");
        names(&gulnar, &kristal.phone, "viewer").await.problem(403, "owner_required");
        lets_go(&gulnar, &kristal).await.problem(403, "owner_required");
        names(&kristal, &kristal.phone, "manager").await.problem(409, "last_owner");
        lets_go(&kristal, &kristal).await.problem(409, "last_owner");
        names(&kristal, &gulnar.phone, "owner").await.ok(201);
        let (one, two) = tokio::join!(lets_go(&kristal, &gulnar), lets_go(&gulnar, &kristal));
        let mut gone = [one.status, two.status];
        gone.sort_unstable();
        assert_eq!(gone[0], 204, "{one:?} {two:?}");
        assert!(gone[1] == 403 || gone[1] == 409, "one owner stays: {one:?} {two:?}");
    }

    /// ACC-4, ACC-3: whoever works for two branches names one; an owner is that at every branch of
    /// the organisation and at no other.
    async fn two_branches_are_kept_apart(world) {
        let (kristal, mirror) = (world.branch("Kristal").await, world.branch("Mirror").await);
        names(&kristal, &mirror.phone, "viewer").await.ok(201);
        mirror.get("/v1/partner/branch").await.refused("branch_required");
        let at = |branch: &Branch, what: &str| {
            format!("/v1/partner/{what}?branch_id={}", branch.partner_id)
        };
        assert_eq!(mirror.get(&at(&kristal, "branch")).await.ok()["name"], "Kristal");
        mirror.get(&at(&kristal, "balance")).await.refused("forbidden");
        mirror.get(&at(&mirror, "balance")).await.ok();
        kristal.get(&at(&mirror, "branch")).await.refused("forbidden");
        for bad in ["zz", ""] {
            let path = format!("/v1/partner/branch?branch_id={bad}");
            Raw::of(&mirror, "GET", &path).send().await.problem(400, "malformed");
        }
        let me = mirror.get("/v1/auth/me").await;
        let mut roles: Vec<String> = me.ok()["roles"]["branches"]
            .as_array()
            .unwrap()
            .iter()
            .map(|branch| format!("{} {}", branch["name"], branch["role"]))
            .collect();
        roles.sort();
        assert_eq!(roles, ["\"Kristal\" \"viewer\"", "\"Mirror\" \"owner\""]);
    }
}
