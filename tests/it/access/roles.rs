//! Every route and every role: the engine agrees with the hand-written table `routes.txt`.

use std::collections::BTreeMap;

use entity::support_agent::SupportRole;
use platform::By;
use serde_json::Value;
use uuid::Uuid;
use yumo::access::people::support::AddSupport;
use yumo::access::role::Who as Declared;
use yumo::access::sessions::token::Claims;
use yumo::api::http::route_table;

use super::keys;
use crate::support::{Client, Person, World};
use crate::wire::raw::{Answer, Raw};

/// Callers from the least to the most privileged; staff of a branch and of the operator separately.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Who {
    Nobody,
    Expired,
    Person,
    Viewer,
    Operator,
    Manager,
    Owner,
    Neighbour,
    Support,
    Administrator,
    Chief,
}

/// The expected result of one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expected {
    LetIn,
    Refused(u16, &'static str),
}

struct Route {
    method: String,
    path: String,
    least: String,
    body: Option<Value>,
}

fn written_routes() -> Vec<Route> {
    let lines = include_str!("routes.txt").lines().map(str::trim);
    lines.filter(|line| !line.is_empty() && !line.starts_with('#')).map(route).collect()
}

fn route(line: &str) -> Route {
    let mut words = line.split_whitespace();
    let mut word = || words.next().unwrap_or_else(|| panic!("half a route: {line}")).to_owned();
    let (method, path, least) = (word(), word(), word());
    let body = line.find(" {\"").or_else(|| line.find(" {}"));
    let body = body.map(|at| serde_json::from_str(&line[at..]).unwrap());
    Route { method, path, least, body }
}

/// What may be done to an order: method, path with `{order}`, body.
pub fn order_acts() -> Vec<(String, String, Value)> {
    let acts = written_routes().into_iter().filter(|route| route.path.contains("/orders/{order}/"));
    acts.map(|Route { method, path, body, .. }| (method, path, body.unwrap_or_default())).collect()
}

/// The path template; the names in `{…}` do not matter.
fn template(method: &str, path: &str) -> String {
    let path = path.split('?').next().unwrap();
    let part = |part: &str| if part.starts_with('{') { "{}".to_owned() } else { part.to_owned() };
    let parts: Vec<String> = path.split('/').map(part).collect();
    format!("{method} {}", parts.join("/"))
}

/// The word of the hand-written table for what a handler declares.
fn word(declared: Declared) -> &'static str {
    match declared {
        Declared::Open => "open",
        Declared::SignedIn | Declared::Client => "person",
        Declared::Support(SupportRole::Manager) => "support",
        Declared::Support(SupportRole::Administrator) => "administrator",
        Declared::ANY_STAFF => "viewer",
        Declared::SERVING => "operator",
        Declared::RUNNING => "manager",
        Declared::Staff(_) | Declared::Support(SupportRole::Owner) => "nobody in the table",
    }
}

/// ACC-4: the hand-written table names each existing route once, and for the people its handler
/// declares.
#[test]
fn every_route_is_in_the_hand_written_table() {
    let mut written = BTreeMap::new();
    for Route { method, path, least, .. } in written_routes() {
        let twice = written.insert(template(&method, &path), least);
        assert!(twice.is_none(), "twice: {method} {path}");
    }
    let declared = route_table::all()
        .map(|route| (template(route.method, &route.path), word(route.who).to_owned()));
    assert_eq!(written, declared.collect::<BTreeMap<_, _>>());
}

fn wanted(route: &Route, who: Who, others_order: bool) -> Expected {
    use Who::{
        Administrator, Chief, Expired, Manager, Neighbour, Nobody, Operator, Owner, Support, Viewer,
    };
    if route.least == "open" {
        return Expected::LetIn;
    }
    if who == Nobody {
        return Expected::Refused(401, "unauthenticated");
    }
    if who == Expired {
        return Expected::Refused(401, "token_expired");
    }
    let staff = [Viewer, Operator, Manager, Owner, Neighbour].contains(&who);
    let let_in = match route.least.as_str() {
        "person" => true,
        "viewer" => staff,
        "operator" => staff && who >= Operator,
        "manager" => staff && who >= Manager,
        "support" => [Support, Administrator, Chief].contains(&who),
        "administrator" => [Administrator, Chief].contains(&who),
        other => panic!("who is {other}?"),
    };
    match let_in {
        false => Expected::Refused(403, "forbidden"),
        true if others_order => Expected::Refused(404, "no_such_order"),
        true => Expected::LetIn,
    }
}

fn check(answer: &Answer, wanted: Expected, route: &Route, who: Who) {
    let said = format!("{who:?} (least: {}) {answer:?}", route.least);
    match wanted {
        Expected::Refused(status, code) => {
            assert_eq!((answer.status, &answer.json["code"]), (status, &code.into()), "{said}");
        }
        Expected::LetIn => {
            let code = answer.json["code"].as_str().unwrap_or_default();
            let own = ["code_wrong", "refresh_invalid"].contains(&code);
            assert!(own || !matches!(answer.status, 401 | 403), "{said}");
            assert!(answer.status < 500 && code != "not_found", "{said}");
            // The socket's route answers so without an upgrade.
            assert!(code != "malformed" || route.path == "/v1/feed", "{said}");
        }
    }
}

async fn calls(who: &Person, route: &Route, path: &str) -> Answer {
    let mut request = Raw::command(who, &route.method, path).seen(1);
    if let Some(body) = &route.body {
        request = request.json(body);
    }
    request.send().await
}

fn place(path: &str, order: &str, partner: &str) -> String {
    let part = |part: &str| match part {
        "{order}" => order.to_owned(),
        "{partner}" => partner.to_owned(),
        "{tail}" => String::new(),
        "{date}" => "2026-12-31".to_owned(),
        "{month}" => "2026-11".to_owned(),
        "{version}" => "1".to_owned(),
        "{token}.ics" => "x.ics".to_owned(),
        part if part.starts_with('{') => Uuid::new_v4().to_string(),
        part => part.to_owned(),
    };
    path.split('/').map(part).collect::<Vec<String>>().join("/")
}

async fn agent(world: &World, role: SupportRole) -> Person {
    let phone = world.scene.phone();
    let command = AddSupport { phone: phone.parse().unwrap(), role };
    world.app().engine.execute(By::CLOCK, None, command).await.unwrap();
    Person::signs_in(&world.scene, &format!("{role:?}"), &phone).await
}

async fn everybody(
    world: &World,
    anar: &Client,
    kristal: &crate::support::Branch,
) -> Vec<(Who, Person)> {
    let nobody = Person::stranger(&world.scene, "Nobody", "");
    let mut expired = anar.person.clone();
    let (sub, sid) = (anar.person_id.parse().unwrap(), anar.session_id.parse().unwrap());
    let exp = world.now().timestamp();
    expired.token = Claims { sub, sid, iat: exp - 900, exp }.sign(&keys(world)).unwrap();
    vec![
        (Who::Nobody, nobody),
        (Who::Expired, expired),
        (Who::Viewer, kristal.hires("viewer").await.person),
        (Who::Operator, kristal.hires("operator").await.person),
        (Who::Manager, kristal.hires("manager").await.person),
        (Who::Neighbour, world.branch("Aysel").await.person),
        (Who::Support, agent(world, SupportRole::Manager).await),
        (Who::Administrator, agent(world, SupportRole::Administrator).await),
        (Who::Chief, agent(world, SupportRole::Owner).await),
        (Who::Person, anar.person.clone()),
        (Who::Owner, kristal.person.clone()),
    ]
}

both! {
    /// ACC-4, SUP-4: every route, called by each role, admits exactly the roles of the table.
    async fn everybody_may_what_the_hand_written_table_says(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let order = anar.orders(&kristal).await;
        let everybody = everybody(world, &anar, &kristal).await;
        for route in written_routes() {
            let path = place(&route.path, &order.id, &kristal.partner_id);
            for (who, person) in &everybody {
                let others = route.path.contains("{order}")
                    && match route.path.split('/').nth(2) {
                        Some("client") => *who != Who::Person,
                        Some("partner") => *who == Who::Neighbour,
                        _ => false,
                    };
                let answer = calls(person, &route, &path).await;
                check(&answer, wanted(&route, *who, others), &route, *who);
                if *who == Who::Neighbour && route.path.starts_with("/v1/partner/") {
                    let mark = if path.contains('?') { '&' } else { '?' };
                    let there = format!("{path}{mark}branch_id={}", kristal.partner_id);
                    let answer = calls(person, &route, &there).await;
                    check(&answer, Expected::Refused(403, "forbidden"), &route, *who);
                }
            }
        }
    }

    /// SUP-4: a role change of the operator's staff applies from the next request on.
    async fn a_support_manager_becomes_an_administrator_at_once(world) {
        let kristal = world.branch("Kristal").await;
        let agent = agent(world, SupportRole::Manager).await;
        let path = format!("/v1/support/partners/{}/credits", kristal.partner_id);
        let body = serde_json::json!({"amount": 100, "reason": "Cash"});
        agent.post(&path, body.clone()).await.refused("forbidden");
        let (phone, role) = (agent.phone.parse().unwrap(), SupportRole::Administrator);
        world.app().engine.execute(By::CLOCK, None, AddSupport { phone, role }).await.unwrap();
        agent.post(&path, body).await.ok();
        assert_eq!(kristal.balance().await.0, 5100);
    }

    /// ACC-4: a caller without permission learns only that, however malformed the request.
    async fn a_wrong_request_of_the_wrong_person_is_forbidden(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let order = anar.orders(&kristal).await;
        let accept = format!("/v1/partner/orders/{}/accept", order.id);
        for _ in 0..5 {
            let viewer = kristal.hires("viewer").await;
            let answer = Raw::of(&viewer, "POST", &accept).send().await;
            answer.problem(403, "forbidden");
            let leyla = world.client("Leyla").await;
            let answer =
                Raw::of(&leyla, "POST", "/v1/support/organisations").bytes("{").send().await;
            answer.problem(403, "forbidden");
        }
        kristal.declines(&order).await.ok();
    }
}
