//! Set-up of the simulator's world: creates what is missing, leaves what exists unchanged.

use super::catalogue::{WASH, bays, offerings};
use crate::chance::Dice;
use crate::city::owner_phone;
use crate::city::payout_terms::terms;
use crate::city::places::place_of;
use crate::people::{Person, Shared};
use crate::statistics::one;
use client::{ApiError, Money, Point, Request};
use futures_util::{StreamExt, TryStreamExt};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// Branches set up concurrently.
const FOUNDERS_MAX: usize = 16;
/// A branch balance below this is topped up during set-up.
const POOR_QEPIK: i64 = 500;

/// The bays of a branch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Bays {
    /// One to six that fit its services, drawn from its name and random generator.
    #[default]
    Lifelike,
    /// This many washing bays, and no service that needs another kind: for measurements.
    Washes(usize),
}

impl Bays {
    /// The kinds of bays of branch `number`.
    fn kinds(self, seed: u64, number: usize, name: &str) -> Vec<&'static str> {
        match self {
            Self::Lifelike => bays(name, &mut Dice::of(seed, "bays", number)),
            Self::Washes(count) => vec![WASH; count],
        }
    }
}

/// Parameters of the set-up.
#[derive(Debug, Clone)]
pub struct Founding {
    /// The seed of the branches' services and prices.
    pub seed: u64,
    /// The number of branches.
    pub partners: usize,
    /// Bays of each branch.
    pub bays: Bays,
    /// The initial credit of each branch.
    pub credit_qepik: i64,
}

/// A simulated branch and its owner.
#[derive(Clone)]
pub struct Branch {
    /// Its number in the simulator.
    pub number: usize,
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its position.
    pub point: Point,
    /// The owner, signed in.
    pub owner: Arc<Person>,
    /// The arrival code displayed at the branch.
    pub arrival_code: String,
    /// Its services: id, code and the price of each class.
    pub services: Vec<Listed>,
}

/// A service in a branch's catalogue.
#[derive(Debug, Clone, Deserialize)]
pub struct Listed {
    /// Its id.
    pub id: String,
    /// Its code.
    pub code: String,
    /// Prices by class.
    #[serde(default)]
    pub prices: Vec<Priced>,
}

/// The price for one class.
#[derive(Debug, Clone, Deserialize)]
pub struct Priced {
    /// The class.
    pub class: String,
    /// The price: whole qəpik, or money.
    pub price: Qepik,
}

/// A price, in either of its two wire forms.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(untagged)]
pub enum Qepik {
    /// An integer, whole qəpik.
    Whole(i64),
    /// A money object.
    Money(Money),
}

impl Qepik {
    /// The amount, whole qəpik.
    pub fn amount(self) -> i64 {
        match self {
            Self::Whole(amount) | Self::Money(Money { amount }) => amount,
        }
    }
}

#[derive(Debug, Deserialize)]
struct Me {
    roles: Roles,
}

#[derive(Debug, Deserialize)]
struct Roles {
    #[serde(default)]
    branches: Vec<Membership>,
    #[serde(default)]
    support: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Membership {
    partner_id: String,
}

#[derive(Debug, Deserialize)]
struct BranchView {
    #[serde(default)]
    arrival_code: Option<String>,
    #[serde(default)]
    taking_orders: Option<bool>,
}

#[derive(Debug, Deserialize)]
struct Funds {
    available: Money,
}

/// Signs the support agent in and checks the role.
pub async fn support_person(shared: &Shared, phone: &str) -> Result<Arc<Person>, ApiError> {
    let person = Person::sign_in(shared, 0, phone, "Dəstək").await?;
    let me: Me = person.read(&Request::get("/v1/auth/me")).await?;
    if me.roles.support.is_none() {
        return Err(ApiError::Odd(format!("{phone} is not of support")));
    }
    Ok(Arc::new(person))
}

/// Publishes policy changes, unless the current policy already contains them.
pub async fn publish(support: &Person, changes: &Value) -> Result<(), ApiError> {
    let body =
        json!({ "changes": changes, "reason": "Simulated people act more often than real ones" });
    match support.done(&Request::post("/v1/support/policy", &body)).await {
        Err(ApiError::Refused(problem)) if problem.code == "policy_unchanged" => Ok(()),
        done => done,
    }
}

/// Ensures that all branches exist.
pub async fn branches(
    shared: &Shared,
    support: &Arc<Person>,
    founding: &Founding,
) -> Result<Vec<Branch>, ApiError> {
    let one_by_one = (0..founding.partners).map(|number| branch(shared, support, founding, number));
    let mut branches: Vec<Branch> =
        futures_util::stream::iter(one_by_one).buffer_unordered(FOUNDERS_MAX).try_collect().await?;
    branches.sort_by_key(|branch| branch.number);
    Ok(branches)
}

async fn branch(
    shared: &Shared,
    support: &Person,
    founding: &Founding,
    number: usize,
) -> Result<Branch, ApiError> {
    let nowhere = || ApiError::Odd("the map is empty".to_owned());
    let (name, address, point) = place_of(number).ok_or_else(nowhere)?;
    let phone = owner_phone(number);
    let owner = Person::sign_in(shared, number, &phone, &name).await?;
    if membership(&owner).await?.is_none() {
        let body = json!({
            "name": name, "address": address, "point": point, "zone": "Asia/Baku",
            "owner_phone": phone,
        });
        support.done(&Request::post("/v1/support/partners", &body)).await?;
    }
    let homeless = || ApiError::Odd(format!("{phone} has no branch after its founding"));
    let id = membership(&owner).await?.ok_or_else(homeless)?;
    let kinds = founding.bays.kinds(founding.seed, number, &name);
    let services = equip(&owner, founding, number, &kinds).await?;
    fund(&owner, support, &id, founding.credit_qepik).await?;
    if shared.cards {
        terms(&owner, support, &id, number).await?;
    }
    let view: BranchView = owner.read(&Request::get("/v1/partner/branch")).await?;
    if view.taking_orders == Some(false) {
        owner
            .done(&Request::patch("/v1/partner/branch", &json!({ "taking_orders": true })))
            .await?;
    }
    let arrival_code = view.arrival_code.unwrap_or_default();
    Ok(Branch { number, id, name, point, owner: Arc::new(owner), arrival_code, services })
}

async fn membership(owner: &Person) -> Result<Option<String>, ApiError> {
    let me: Me = owner.read(&Request::get("/v1/auth/me")).await?;
    Ok(me.roles.branches.into_iter().next().map(|branch| branch.partner_id))
}

/// Creates services, bays and hours where they are missing.
async fn equip(
    owner: &Person,
    founding: &Founding,
    number: usize,
    kinds: &[&str],
) -> Result<Vec<Listed>, ApiError> {
    let services = list(owner, "/v1/partner/services").await?;
    if services.is_empty() {
        let mut dice = Dice::of(founding.seed, "branch", number);
        for offering in offerings(&mut dice, kinds) {
            owner.done(&Request::post("/v1/partner/services", &offering.body())).await?;
        }
    }
    let bays = list(owner, "/v1/partner/bays").await?.len();
    for (bay, kind) in kinds.iter().enumerate().skip(bays) {
        let body = json!({ "name": format!("Boks {}", bay + 1), "kind": kind });
        owner.done(&Request::post("/v1/partner/bays", &body)).await?;
    }
    let schedule: Value = owner.read(&Request::get("/v1/partner/schedule")).await?;
    let is_set =
        schedule.get("weekly").and_then(Value::as_array).is_some_and(|weekly| !weekly.is_empty());
    if !is_set {
        // Most are always open; one in twelve is closed from two to eight.
        let (opens, closes) = if number % 12 == 11 { (480, 1560) } else { (0, 1440) };
        let day =
            |weekday: u8| json!({ "weekday": weekday, "opens_min": opens, "closes_min": closes });
        let body = json!({ "weekly": (1..=7).map(day).collect::<Vec<_>>() });
        owner.done(&Request::put("/v1/partner/schedule", &body)).await?;
    }
    let services = list(owner, "/v1/partner/services").await?;
    let listed =
        services.into_iter().map(serde_json::from_value).collect::<Result<Vec<Listed>, _>>();
    listed.map_err(|fault| ApiError::Odd(format!("a service: {fault}")))
}

/// Reads a list, returned as a page or as a plain array.
async fn list(owner: &Person, path: &str) -> Result<Vec<Value>, ApiError> {
    let mut answer: Value = owner.read(&Request::get(path)).await?;
    let paged = answer.get_mut("items").map(Value::take);
    let items = paged.unwrap_or(answer);
    if let Value::Array(items) = items {
        Ok(items)
    } else {
        Err(ApiError::Odd(format!("{path} is no list")))
    }
}

async fn fund(
    owner: &Person,
    support: &Person,
    id: &str,
    credit_qepik: i64,
) -> Result<(), ApiError> {
    if available(owner).await? < POOR_QEPIK.min(credit_qepik) {
        credit(support, id, credit_qepik).await?;
    }
    Ok(())
}

/// The available balance of a branch.
pub async fn available(owner: &Person) -> Result<i64, ApiError> {
    let funds: Funds = owner.read(&Request::get("/v1/partner/balance")).await?;
    Ok(funds.available.amount)
}

/// Credits a branch by support.
pub async fn credit(support: &Person, id: &str, amount: i64) -> Result<(), ApiError> {
    let body = json!({
        "amount": amount, "reason": "Balans artırıldı", "receipt": "kassa", "confirm": true,
    });
    support.done(&Request::post(format!("/v1/support/partners/{id}/credits"), &body)).await?;
    one(&support.shared.census.count.credits);
    Ok(())
}

/// The current arrival code of a branch.
pub async fn shown_code(owner: &Person) -> Result<String, ApiError> {
    let view: BranchView = owner.read(&Request::get("/v1/partner/branch")).await?;
    Ok(view.arrival_code.unwrap_or_default())
}
