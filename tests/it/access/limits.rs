//! How often a code may be asked for.

use futures_util::future::join_all;

use super::{answers, asks, asks_from, pass, said, stranger, strict};
use crate::support::{World, minutes, seconds};

/// This many strangers ask from one address; all are sent a code.
async fn ask_from(world: &World, address: &str, many: usize) {
    for _ in 0..many {
        asks_from(&stranger(world, "A stranger"), address).await.ok(202);
    }
}

both! {
    /// ACC-1: a minute between two codes, told to the second.
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
        assert_eq!((soon.retry_after(), soon.header("ratelimit-remaining")), (1, Some("0")));
        pass(world, seconds(1));
        asks(&anar).await.ok(202);
    }

    /// ACC-1: ten codes a day to one phone, whoever asks; signing in does not make it more.
    async fn a_phone_is_sent_ten_codes_a_day(world) {
        strict(world).await;
        let anar = stranger(world, "Anar");
        for n in 0..10 {
            asks_from(&anar, &format!("10.1.0.{n}")).await.ok(202);
            pass(world, seconds(60));
        }
        let code = world.scene.mailbox.take(&anar.phone);
        answers(&anar, &code).await.ok(201);
        let full = asks_from(&anar, "10.2.0.1").await;
        full.problem(429, "too_many_codes");
        assert_eq!(full.retry_after(), 86_400 - 600);
        pass(world, seconds(86_400 - 600 - 1));
        assert_eq!(asks(&anar).await.problem(429, "too_many_codes")["retry_after_s"], 1);
        pass(world, seconds(1));
        asks(&anar).await.ok(202);
        asks(&anar).await.problem(429, "resend_too_soon");
    }

    /// ACC-1: thirty codes an hour to one address; what stands before the proxy's own word is not
    /// believed.
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

    /// ACC-1: a hundred codes a day to one address, and a whole /64 is one.
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
}
