//! Rate limits of one device and one address, methods a path does not have, and pages of other
//! origins.

use serde_json::json;

use super::raw::Raw;

const ME: &str = "/v1/auth/me";

async fn me(person: &crate::support::Person) -> super::raw::Answer {
    Raw::of(person, "GET", ME).send().await
}

both! {
    /// LIM-9: a device that asks too much gets the time to wait; a second device of the same person
    /// and everybody else at that address go on meanwhile.
    async fn one_device_that_floods_slows_only_itself(world) {
        world.restarts_with(|settings| {
            settings.http.rate_session_burst = 40;
            settings.http.rate_session_per_s = 1;
        }).await;
        let (anar, leyla) = (world.client("Anar").await, world.client("Leyla").await);
        let mut told = None;
        // 40 requests of weight 1 fit at once; a second adds one.
        for n in 0..400 {
            let answer = me(&anar).await;
            if answer.status == 429 {
                told = Some((n, answer));
                break;
            }
            answer.ok(200);
        }
        let (n, answer) = told.expect("nothing was refused");
        assert!(n >= 30, "refused after {n} of weight 1");
        answer.problem(429, "rate_limited");
        assert!((1..=40).contains(&answer.retry_after()));
        assert_eq!(answer.header("ratelimit-policy"), Some(r#""session";q=40;w=40"#));
        let limit = answer.header("ratelimit").unwrap();
        assert!(limit.starts_with(r#""session";r=0;t="#), "{limit}");
        me(&leyla).await.ok(200);
    }

    /// LIM-9: a route may cost more than one unit: a snapshot weighs 8.
    async fn a_heavy_request_weighs_more(world) {
        world.restarts_with(|settings| {
            settings.http.rate_session_burst = 80;
            settings.http.rate_session_per_s = 1;
        }).await;
        let anar = world.client("Anar").await;
        let mut served = 0;
        while Raw::of(&anar, "GET", "/v1/feed/snapshot").send().await.status == 200 {
            served += 1;
            assert!(served < 100, "nothing was refused");
        }
        assert!((5..=20).contains(&served), "{served} snapshots of weight 8 out of 80");
    }

    /// LIM-9: the limit of a whole address; connecting with a spent ticket costs as a guess.
    async fn a_spent_ticket_is_not_tried_for_long(world) {
        world.restarts_with(|settings| {
            settings.http.rate_address_burst = 2_000;
            settings.http.rate_address_per_s = 20;
        }).await;
        let anar = world.client("Anar").await;
        let mut refused = 0;
        loop {
            let answer = Raw::of(&anar, "GET", "/v1/feed?ticket=spent").token("").send().await;
            if answer.status == 429 {
                answer.problem(429, "rate_limited");
                assert_eq!(answer.header("ratelimit-policy"), Some(r#""address";q=2000;w=100"#));
                break;
            }
            answer.problem(401, "ticket_invalid");
            refused += 1;
            assert!(refused < 200, "a spent ticket is tried without end");
        }
        world.restarts_with(|settings| settings.http.rate_address_burst = 1_000_000).await;
    }

    /// RFC 9110 §15.5.6: a path with other methods lists them.
    async fn a_method_a_path_does_not_have_is_405(world) {
        let anar = world.client("Anar").await;
        let order = "/v1/client/orders/019a0000-0000-7000-8000-000000000001";
        for (method, path, allow) in [
            ("PUT", "/v1/client/orders", "POST, GET, HEAD, OPTIONS"),
            ("POST", order, "GET, HEAD, OPTIONS"),
            ("GET", "/v1/auth/otp", "POST, OPTIONS"),
            ("DELETE", "/health/live", "GET, HEAD, OPTIONS"),
        ] {
            let answer = Raw::of(&anar, method, path).send().await;
            answer.problem(405, "method_not_allowed");
            assert_eq!(answer.header("allow"), Some(allow), "{method} {path}");
        }
        let options = Raw::of(&anar, "OPTIONS", "/v1/client/cars").send().await;
        assert_eq!((options.status, options.header("allow")), (204, Some("GET, POST, HEAD, OPTIONS")));
        Raw::of(&anar, "PUT", "/v1/nothing").send().await.problem(404, "not_found");
    }

    /// Pages of an allowed origin may call the API from a browser, others may not.
    ///
    /// # Source
    /// The Fetch standard, "CORS protocol".
    async fn pages_of_allowed_origins_may_call(world) {
        world.restarts_with(|settings| {
            settings.http.allowed_origins = vec!["https://panel.yumo.az".to_owned()];
        }).await;
        let anar = world.client("Anar").await;
        let preflight = |origin: &str| {
            Raw::of(&anar, "OPTIONS", "/v1/client/orders")
                .header("Origin", origin)
                .header("Access-Control-Request-Method", "POST")
                .header("Access-Control-Request-Headers", "authorization, idempotency-key, if-match")
        };
        let answer = preflight("https://panel.yumo.az").send().await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.header("access-control-allow-origin"), Some("https://panel.yumo.az"));
        let headers = answer.header("access-control-allow-headers").unwrap().to_ascii_lowercase();
        for header in ["authorization", "content-type", "idempotency-key", "if-match"] {
            assert!(headers.contains(header), "{headers}");
        }
        let answer = preflight("https://evil.az").send().await;
        assert_eq!(answer.header("access-control-allow-origin"), None);
        let own = Raw::of(&anar, "GET", ME).header("Origin", "https://panel.yumo.az").send().await;
        own.ok(200);
        assert_eq!(own.header("access-control-allow-origin"), Some("https://panel.yumo.az"));
        let exposed = own.header("access-control-expose-headers").unwrap().to_ascii_lowercase();
        assert!(exposed.contains("etag") && exposed.contains("retry-after"), "{exposed}");
        let other = Raw::of(&anar, "GET", ME).header("Origin", "https://evil.az").send().await;
        other.ok(200);
        assert_eq!(other.header("access-control-allow-origin"), None);
    }

    /// A page has 1 to 200 rows; any other number is refused, not adjusted.
    async fn a_page_has_one_to_two_hundred_rows(world) {
        let anar = world.client("Anar").await;
        for limit in ["0", "201", "-1", "18446744073709551616", "x"] {
            let path = format!("/v1/client/orders?limit={limit}");
            Raw::of(&anar, "GET", &path).send().await.problem(400, "malformed");
        }
        for limit in ["1", "200"] {
            let path = format!("/v1/client/orders?limit={limit}");
            Raw::of(&anar, "GET", &path).send().await.ok(200);
        }
    }

    /// ORD-3, ORD-4: the version is compared, however its tag is written; a tag that is not one
    /// version is refused.
    async fn a_version_is_the_same_however_it_is_tagged(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let order = anar.orders(&kristal).await;
        let path = format!("/v1/partner/orders/{}/accept", order.id);
        let accept = |tag: &str| {
            Raw::of(&kristal, "POST", &path).key("one").header("If-Match", tag).json(&json!({}))
        };
        for tag in ["*", r#""1", "2""#, r#""x""#, ""] {
            accept(tag).send().await.problem(400, "malformed");
        }
        accept(r#""1""#).header("If-Match", r#""1""#).send().await.problem(400, "malformed");
        accept(r#""1""#).key("two").send().await.problem(400, "malformed");
        accept(r#""1""#).send().await.ok(200);
        for tag in [r#"W/"1""#, "1"] {
            let again = accept(tag).send().await;
            again.ok(200);
            assert_eq!(again.header("idempotency-replayed"), Some("true"), "{tag}");
        }
        accept(r#""2""#).send().await.problem(422, "idempotency_key_reused");
    }
}
