//! Authentication and authorisation: people, devices, roles and personal data.

mod cars;
mod codes;
mod devices;
mod limits;
mod older;
mod personal;
mod roles;
mod sealed;
mod staff;
mod tokens;
mod typed;

use chrono::TimeDelta;
use platform::crypto::Keys;
use serde_json::{Value, json};
use yumo::config::Settings;

use crate::support::{Person, World, seconds};
use crate::wire::raw::{Answer, Raw};

/// Restarts the engine with the default limits of signing in, behind a trusted proxy.
async fn strict(world: &mut World) {
    world.settings.access = Settings::load(None).unwrap().access;
    world.settings.http.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    world.is_down_for(seconds(1)).await;
}

fn pass(world: &World, by: TimeDelta) {
    world.clock.set(world.now() + by);
}

/// The engine's own keys, as an attacker with access to the machine has them.
fn keys(world: &World) -> Keys {
    yumo::startup::keyring::open(&world.settings.crypto, false).unwrap()
}

/// A person who is not signed in and has an unregistered phone.
fn stranger(world: &World, name: &str) -> Person {
    Person::stranger(&world.scene, name, &world.scene.phone())
}

async fn asks(person: &Person) -> Answer {
    asks_from(person, "10.0.0.1").await
}

async fn asks_from(person: &Person, address: &str) -> Answer {
    let ask = Raw::of(person, "POST", "/v1/auth/otp").token("");
    ask.header("X-Forwarded-For", address).json(&json!({"phone": person.phone})).send().await
}

async fn answers(person: &Person, code: &str) -> Answer {
    answers_from(person, code, "10.0.0.1").await
}

async fn answers_from(person: &Person, code: &str, address: &str) -> Answer {
    let body = json!({"phone": person.phone, "code": code, "device": "A phone"});
    let answer = Raw::of(person, "POST", "/v1/auth/sessions").token("");
    answer.header("X-Forwarded-For", address).json(&body).send().await
}

async fn refreshes(person: &Person, refresh_token: &str) -> Answer {
    let body = json!({"refresh_token": refresh_token});
    Raw::of(person, "POST", "/v1/auth/refresh").token("").json(&body).send().await
}

async fn me(person: &Person) -> Answer {
    Raw::of(person, "GET", "/v1/auth/me").send().await
}

/// The n-th code that differs from this one.
fn wrong(code: &str, n: u32) -> String {
    format!("{:06}", (code.parse::<u32>().unwrap() + 1 + n) % 1_000_000)
}

/// The code of an answer, `ok` for a success.
fn said(answer: &Answer) -> String {
    let code = answer.json["code"].as_str().map(ToOwned::to_owned);
    if answer.status < 400 { "ok".to_owned() } else { code.unwrap_or_default() }
}

/// The parts of an answer an outsider can compare.
fn seen(answer: &Answer) -> (u16, Value, Vec<String>) {
    let mut headers: Vec<String> = answer.headers.keys().map(ToString::to_string).collect();
    headers.sort();
    (answer.status, answer.json.clone(), headers)
}
