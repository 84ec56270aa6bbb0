//! A branch's staff: invited, given another role, removed – with open connections at that moment.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::realtime::feed_socket::FeedSocket;
use crate::support::bonus::grants_branch;
use crate::support::{Branch, Person};
use crate::wire::raw::{Answer, Raw};

async fn names(branch: &Branch, phone: &str, role: &str) -> Answer {
    let body = json!({"phone": phone, "role": role});
    Raw::command(branch, "POST", "/v1/partner/staff").json(&body).send().await
}

async fn becomes(branch: &Branch, person: &Person, role: &str) -> Answer {
    let path = format!("/v1/partner/staff/{}", person.person_id);
    Raw::command(branch, "PUT", &path).json(&json!({"role": role})).send().await
}

async fn answers(person: &Person, invitation: &Value, what: &str) -> Answer {
    let id = invitation["id"].as_str().unwrap();
    let path = format!("/v1/auth/invitations/{id}/{what}");
    Raw::command(person, "POST", &path).send().await
}

async fn lets_go(branch: &Branch, person: &Person) -> Answer {
    let path = format!("/v1/partner/staff/{}", person.person_id);
    Raw::command(branch, "DELETE", &path).send().await
}

both! {
    /// ACC-4: a removed person may do nothing from the next request on, and gets no more events.
    async fn an_operator_who_is_let_go_is_out_at_once(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let rufat = kristal.hires("operator").await;
        let audience = format!("branch:{}", kristal.partner_id);
        let order = anar.orders(&kristal).await;
        rufat.sees(&order).await.ok();
        let mut line = FeedSocket::open(&rufat, &audience).await;
        let (mut own, mut owners) =
            (FeedSocket::open(&rufat, "client").await, FeedSocket::open(&kristal, &audience).await);
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

    /// ACC-4: a waiting long poll ends too.
    async fn a_waiting_poll_ends_when_access_does(world) {
        let kristal = world.branch("Kristal").await;
        let rufat = kristal.hires("operator").await;
        let hello = FeedSocket::open(&rufat, &format!("branch:{}", kristal.partner_id)).await.hello;
        let poll = format!(
            "/v1/feed/events?audience=branch:{}&after={}&wait=20",
            kristal.partner_id, hello["seq"],
        );
        let (poll, gone) = tokio::join!(rufat.get(&poll), lets_go(&kristal, &rufat));
        assert_eq!(gone.status, 204);
        poll.refused("audience_not_yours");
    }

    /// ACC-4: a role change applies at once, in both directions.
    async fn a_role_changes_at_once(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let rufat = kristal.hires("viewer").await;
        let order = anar.orders(&kristal).await;
        rufat.accepts_seeing(&order, 1).await.refused("forbidden");
        becomes(&kristal, &rufat, "operator").await.ok(200);
        rufat.accepts_seeing(&order, 1).await.status("confirmed");
        becomes(&kristal, &rufat, "viewer").await.ok(200);
        rufat.admits(&order).await.refused("forbidden");
        rufat.get("/v1/partner/balance").await.refused("forbidden");
        becomes(&kristal, &rufat, "manager").await.ok(200);
        rufat.get("/v1/partner/balance").await.ok();
        let staff = kristal.get("/v1/partner/staff").await;
        assert_eq!(staff.ok()["items"].as_array().unwrap().len(), 2);
    }

    /// ACC-4: a manager runs the branch but adds and removes no owner; the last owner stays.
    async fn owners_are_made_by_owners(world) {
        let kristal = world.branch("Kristal").await;
        let gulnar = kristal.hires("manager").await;
        let someone = world.scene.phone();
        names(&gulnar, &someone, "operator").await.ok(201);
        names(&gulnar, &someone, "owner").await.problem(403, "owner_required");
        becomes(&gulnar, &kristal, "viewer").await.problem(403, "owner_required");
        lets_go(&gulnar, &kristal).await.problem(403, "owner_required");
        becomes(&kristal, &kristal, "manager").await.problem(409, "last_owner");
        lets_go(&kristal, &kristal).await.problem(409, "last_owner");
        becomes(&kristal, &gulnar, "owner").await.ok(200);
        let (one, two) = tokio::join!(lets_go(&kristal, &gulnar), lets_go(&gulnar, &kristal));
        let mut gone = [one.status, two.status];
        gone.sort_unstable();
        assert_eq!(gone[0], 204, "{one:?} {two:?}");
        assert!(gone[1] == 403 || gone[1] == 409, "one owner stays: {one:?} {two:?}");
    }

    /// ACC-4, ACC-3: staff of two branches must name one; an owner is owner of every branch of the
    /// organisation and of no other.
    async fn two_branches_are_kept_apart(world) {
        let (kristal, mirror) = (world.branch("Kristal").await, world.branch("Mirror").await);
        kristal.employs(&mirror, "viewer").await;
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

    /// ACC-4: a branch that invites a number learns nothing about its holder before they accept:
    /// known and unknown look the same, and after a decline it has learned nothing either.
    async fn acc_4_a_name_is_seen_only_after_its_owner_said_yes(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let body = json!({"name": "Anar Usta", "lang": "az"});
        Raw::command(&anar, "PUT", "/v1/client/profile").json(&body).send().await.ok(200);
        let nobody = world.scene.phone();
        let known = names(&kristal, &anar.phone, "operator").await;
        let unknown = names(&kristal, &nobody, "operator").await;
        let shape = |answer: &Answer| {
            let fields = answer.ok(201).as_object().unwrap();
            fields.keys().cloned().collect::<Vec<_>>()
        };
        assert_eq!(shape(&known), shape(&unknown));
        assert_eq!(shape(&known), ["created_at", "expires_at", "id", "phone", "role", "server_now"]);
        assert_eq!(known.json["phone"], anar.phone);
        let seen = [
            kristal.get("/v1/partner/staff").await.ok().to_string(),
            kristal.get("/v1/partner/invitations").await.ok().to_string(),
            known.text.clone(),
        ];
        assert!(seen.iter().all(|seen| !seen.contains("Usta") && !seen.contains(&anar.person_id)));
        anar.get("/v1/partner/branch").await.refused("forbidden");

        let own = anar.get("/v1/auth/invitations").await.ok()["items"].clone();
        assert_eq!((own.as_array().unwrap().len(), &own[0]["partner_name"]), (1, &json!("Kristal")));
        answers(&world.client("Leyla").await.person, &own[0], "accept").await.problem(404, "no_such_invitation");
        assert_eq!(answers(&anar, &own[0], "decline").await.status, 204);
        anar.get("/v1/partner/branch").await.refused("forbidden");
        answers(&anar, &own[0], "accept").await.problem(404, "no_such_invitation");

        let again = names(&kristal, &anar.phone, "viewer").await.ok(201).clone();
        assert_eq!(answers(&anar, &again, "accept").await.status, 204);
        anar.get("/v1/partner/branch").await.ok();
        let staff = kristal.get("/v1/partner/staff").await.ok()["items"].to_string();
        assert!(staff.contains("Anar Usta"), "{staff}");
        names(&kristal, &anar.phone, "operator").await.problem(409, "already_staff");
        // A person without an account finds the invitation at the first sign-in.
        let fresh = Person::signs_in(&world.scene, "Somebody", &nobody).await;
        let own = fresh.get("/v1/auth/invitations").await.ok()["items"].clone();
        assert_eq!(answers(&fresh, &own[0], "accept").await.status, 204);
        fresh.get("/v1/partner/branch").await.ok();
    }

    /// ACC-4: an invitation expires after seven days, or is withdrawn by the branch.
    async fn acc_4_an_invitation_ends(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let sent = names(&kristal, &anar.phone, "operator").await.ok(201).clone();
        let path = format!("/v1/partner/invitations/{}", sent["id"].as_str().unwrap());
        assert_eq!(Raw::command(&kristal, "DELETE", &path).send().await.status, 204);
        answers(&anar, &sent, "accept").await.problem(404, "no_such_invitation");
        let sent = names(&kristal, &anar.phone, "operator").await.ok(201).clone();
        world.clock.set(world.now() + TimeDelta::days(7) + TimeDelta::microseconds(1));
        answers(&anar, &sent, "accept").await.problem(404, "no_such_invitation");
        let own = anar.get("/v1/auth/invitations").await.ok()["items"].clone();
        assert_eq!(own, json!([]));
    }

    /// ACC-4: an operator sees no commission, bonus or balance of the branch: in orders, pages,
    /// refusals, the feed by socket and by poll, the snapshot, the calendar, statements.
    async fn acc_4_whoever_only_serves_sees_no_money(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        grants_branch(world, &kristal, 100, 48).await;
        world.advance(TimeDelta::microseconds(1)).await;
        let order = anar.orders(&kristal).await;
        for role in ["operator", "viewer"] {
            let rufat = kristal.hires(role).await;
            let audience = format!("branch:{}", kristal.partner_id);
            let one = format!("/v1/partner/orders/{}", order.id);
            let date = "2026-11-20";
            for path in [
                one.clone(),
                "/v1/partner/orders".to_owned(),
                format!("/v1/partner/calendar?date={date}&view=day"),
                format!("/v1/feed/snapshot?audience={audience}"),
                format!("/v1/feed/events?audience={audience}&after=0"),
            ] {
                let seen = Raw::of(&rufat, "GET", &path).send().await;
                assert_eq!(seen.status, 200, "{path}: {}", seen.text);
                for word in ["commission", "bonus.granted", "bonus.started", "balance."] {
                    assert!(!seen.text.contains(word), "{role} {path}: {}", seen.text);
                }
            }
            let mut line = FeedSocket::open(&rufat, &audience).await;
            line.resumes(0).await;
            for _ in 0..line.hello["seq"].as_i64().unwrap() {
                let frame = line.frame().await.to_string();
                assert!(!frame.contains("commission") && !frame.contains("bonus."), "{frame}");
            }
            for path in [
                format!("{one}/charges"),
                "/v1/partner/statement".to_owned(),
                "/v1/partner/statement.csv".to_owned(),
                "/v1/partner/balance".to_owned(),
                "/v1/partner/bonus".to_owned(),
                "/v1/partner/payables".to_owned(),
            ] {
                Raw::of(&rufat, "GET", &path).send().await.problem(403, "forbidden");
            }
            let owner = kristal.get(&one).await.ok().to_string();
            assert!(owner.contains("commission"), "{owner}");
        }
        let rufat = kristal.hires("operator").await;
        let stale = Raw::command(&rufat, "POST", &format!("/v1/partner/orders/{}/accept", order.id));
        let stale = stale.seen(9).send().await;
        stale.problem(412, "stale_version");
        assert!(!stale.text.contains("commission"), "{}", stale.text);
        let accepted = rufat.accepts_seeing(&order, 1).await;
        assert!(!accepted.ok().to_string().contains("commission"));
    }
}
