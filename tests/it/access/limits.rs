//! Rate limits of one-time codes.

use futures_util::future::join_all;

use serde_json::json;

use super::{answers, answers_from, asks, asks_from, pass, said, stranger, strict, wrong};
use crate::support::{Person, World, minutes, seconds};
use crate::wire::raw::{Answer, Raw};

/// This many new people ask from one address; all are sent a code.
async fn ask_from(world: &World, address: &str, many: usize) {
    for _ in 0..many {
        asks_from(&stranger(world, "A stranger"), address).await.ok(202);
    }
}

/// The header when one second is left to wait.
const LIMIT: &str = r#""resend_too_soon";r=0;t=1"#;

both! {
    /// ACC-1: a minute between two codes; the refusal gives the seconds left.
    async fn another_code_comes_after_a_minute(world) {
        strict(world).await;
        let anar = stranger(world, "Anar");
        let all = join_all((0..6).map(|_| asks(&anar))).await;
        assert_eq!(all.iter().filter(|answer| said(answer) == "ok").count(), 1, "{all:?}");
        for soon in all.iter().filter(|answer| said(answer) != "ok") {
            soon.problem(429, "resend_too_soon");
            assert_eq!(soon.retry_after(), 60);
        }
        pass(world, seconds(59));
        let soon = asks(&anar).await;
        soon.problem(429, "resend_too_soon");
        assert_eq!((soon.retry_after(), soon.header("ratelimit")), (1, Some(LIMIT)));
        pass(world, seconds(1));
        asks(&anar).await.ok(202);
    }

    /// ACC-1: ten codes a day to one phone from one requester; signing in does not raise the limit.
    async fn a_phone_is_sent_ten_codes_a_day(world) {
        strict(world).await;
        let anar = stranger(world, "Anar");
        for _ in 0..10 {
            asks(&anar).await.ok(202);
            pass(world, seconds(60));
        }
        let code = world.scene.mailbox.take(&anar.phone);
        answers(&anar, &code).await.ok(201);
        let full = asks(&anar).await;
        full.problem(429, "too_many_codes");
        assert_eq!(full.retry_after(), 86_400 - 600);
        pass(world, seconds(86_400 - 600 - 1));
        assert_eq!(asks(&anar).await.problem(429, "too_many_codes")["retry_after_s"], 1);
        pass(world, seconds(1));
        asks(&anar).await.ok(202);
        asks(&anar).await.problem(429, "resend_too_soon");
    }

    /// ACC-1: thirty codes an hour to one address; only the proxy's own entry of the forwarding
    /// header is trusted.
    async fn an_address_is_sent_thirty_codes_an_hour(world) {
        strict(world).await;
        ask_from(world, "10.3.0.1", 30).await;
        for address in ["10.3.0.1", "8.8.8.8, 10.3.0.1"] {
            let full = asks_from(&stranger(world, "A stranger"), address).await;
            full.problem(429, "too_many_codes");
            assert_eq!(full.retry_after(), 3600);
        }
        ask_from(world, "10.3.0.2", 1).await;
        pass(world, minutes(60));
        ask_from(world, "10.3.0.1", 1).await;
    }

    /// ACC-1: a hundred codes a day to one address, and a whole /64 counts as one.
    async fn an_address_is_sent_a_hundred_codes_a_day(world) {
        strict(world).await;
        for hour in 0..4 {
            let many = if hour < 3 { 30 } else { 10 };
            ask_from(world, &format!("2001:db8::{hour}"), many).await;
            pass(world, minutes(60));
        }
        let full = asks_from(&stranger(world, "A stranger"), "2001:db8::99").await;
        full.problem(429, "too_many_codes");
        assert_eq!(full.retry_after(), 86_400 - 4 * 3600);
        ask_from(world, "2001:db8:0:1::1", 1).await;
        pass(world, minutes(20 * 60));
        ask_from(world, "2001:db8::1", 1).await;
    }

    /// LIM-10: of four hundred concurrent requests as many pass as of sequential ones: thirty.
    async fn lim_10_four_hundred_at_once_pass_no_limit(world) {
        strict(world).await;
        let people: Vec<_> = (0..400).map(|_| stranger(world, "A stranger")).collect();
        let all = join_all(people.iter().map(|person| asks_from(person, "10.4.0.1"))).await;
        let mut sent = all.iter().filter(|answer| said(answer) == "ok").count();
        // A request may have been refused because of contention: those may retry.
        for _ in 0..400 {
            match asks_from(&stranger(world, "A stranger"), "10.4.0.1").await.status {
                202 => sent += 1,
                503 => {}
                _ => break,
            }
        }
        assert_eq!(sent, 30);
    }

    /// LIM-10: address blocks, an operator's numbers and the whole service each have a budget;
    /// others are served when the budget of one block is used up.
    async fn lim_10_blocks_operators_and_everybody_have_budgets(world) {
        strict(world).await;
        world.restarts_with(|settings| {
            settings.access.otp_per_block_hour = 4;
            settings.access.otp_per_prefix_hour = 8;
            settings.access.otp_per_all_hour = 11;
        }).await;
        for n in 0..4 {
            asks_from(&stranger(world, "A stranger"), &format!("10.5.0.{n}")).await.ok(202);
        }
        let full = asks_from(&stranger(world, "A stranger"), "10.5.0.99").await;
        full.problem(429, "too_many_codes");
        // It is 08:00:01, and the hour ends at nine; support has signed in within it.
        assert_eq!(full.retry_after(), 3599);
        for n in 0..4 {
            asks_from(&stranger(world, "A stranger"), &format!("10.6.{n}.1")).await.ok(202);
        }
        let operator = asks_from(&stranger(world, "A stranger"), "10.7.0.1").await;
        operator.problem(429, "too_many_codes");
        let other = |n: u32| Person::stranger(&world.scene, "Else", &format!("+99470777000{n}"));
        for n in 0..2 {
            asks_from(&other(n), &format!("10.8.{n}.1")).await.ok(202);
        }
        asks_from(&other(2), "10.8.2.1").await.problem(429, "too_many_codes");
        pass(world, minutes(60));
        asks_from(&other(2), "10.8.2.1").await.ok(202);
    }

    /// LIM-10: a stranger who asks for a number, or guesses its codes, uses up nothing of its
    /// owner's limits.
    async fn lim_10_a_stranger_does_not_shut_an_owner_out(world) {
        strict(world).await;
        let anar = stranger(world, "Anar");
        asks(&anar).await.ok(202);
        let code = world.scene.mailbox.take(&anar.phone);
        for n in 0..6 {
            let guess = answers_from(&anar, &wrong(&code, n), "10.9.0.1").await;
            guess.problem(401, "code_wrong");
        }
        asks_from(&anar, "10.9.0.1").await.ok(202);
        let theirs = world.scene.mailbox.take(&anar.phone);
        for n in 0..5 {
            answers_from(&anar, &wrong(&theirs, n), "10.9.0.1").await.problem(401, "code_wrong");
        }
        answers_from(&anar, &theirs, "10.9.0.1").await.problem(429, "too_many_tries");
        answers(&anar, &code).await.ok(201);
    }

    /// LIM-10: strangers who use up a phone's codes do not lock out the device it signed in with,
    /// and they get at most thirty a day.
    async fn lim_10_strangers_use_up_no_known_devices_codes(world) {
        strict(world).await;
        let anar = stranger(world, "Anar");
        asks_with(&anar, "10.0.0.1", "anars-phone").await.ok(202);
        let code = world.scene.mailbox.take(&anar.phone);
        answers_with(&anar, &code, "10.0.0.7", "anars-phone").await.ok(201);
        for n in 0..29 {
            asks_from(&anar, &format!("10.10.{n}.1")).await.ok(202);
        }
        asks_from(&anar, "10.11.0.1").await.problem(429, "too_many_codes");
        pass(world, seconds(60));
        asks_with(&anar, "10.12.0.1", "anars-phone").await.ok(202);
        let code = world.scene.mailbox.take(&anar.phone);
        answers_with(&anar, &code, "10.13.0.1", "anars-phone").await.ok(201);
    }
}

async fn asks_with(person: &Person, address: &str, device: &str) -> Answer {
    let body = json!({"phone": person.phone, "device_id": device});
    let ask = Raw::of(person, "POST", "/v1/auth/otp").token("");
    ask.header("X-Forwarded-For", address).json(&body).send().await
}

async fn answers_with(person: &Person, code: &str, address: &str, device: &str) -> Answer {
    let body = json!({
        "phone": person.phone, "code": code, "device": "A phone", "device_id": device,
    });
    let answer = Raw::of(person, "POST", "/v1/auth/sessions").token("");
    answer.header("X-Forwarded-For", address).json(&body).send().await
}
