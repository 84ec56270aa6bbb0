//! Access and refresh tokens: lifetime, rotation and binding.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::future::join_all;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use platform::crypto::{Keys, fresh_key};
use serde_json::json;
use yumo::access::sessions::token::Claims;

use super::{keys, me, pass, refreshes, strict};
use crate::realtime::feed_socket::FeedSocket;
use crate::support::{Person, World, seconds};
use crate::wire::raw::Raw;

/// A person signed in under the default limits.
async fn somebody(world: &mut World) -> Person {
    strict(world).await;
    let phone = world.scene.phone();
    Person::signs_in(&world.scene, "Anar", &phone).await
}

fn claims(person: &Person, exp: i64) -> Claims {
    let (sub, sid) = (person.person_id.parse().unwrap(), person.session_id.parse().unwrap());
    Claims { sub, sid, iat: exp - 900, exp }
}

both! {
    /// ACC-1: an access token is valid for fifteen minutes; the refresh token is exchanged for the
    /// next.
    async fn an_access_token_is_short(world) {
        let mut anar = somebody(world).await;
        pass(world, seconds(899));
        me(&anar).await.ok(200);
        pass(world, seconds(1));
        let late = me(&anar).await;
        late.problem(401, "token_expired");
        assert_eq!(late.header("www-authenticate"), Some("Bearer"));
        let renewed = refreshes(&anar, &anar.refresh_token).await;
        assert_eq!(renewed.header("cache-control"), Some("no-store"));
        let tokens = renewed.ok(200).clone();
        assert_eq!((&tokens["token_type"], &tokens["expires_in"]), (&"Bearer".into(), &900.into()));
        assert_eq!(tokens["session_id"], anar.session_id);
        assert_ne!(tokens["refresh_token"], anar.refresh_token);
        anar.takes(&tokens);
        me(&anar).await.ok(200);
    }

    /// ACC-1: if the answer was lost, exchanging the old token again returns the same new one.
    async fn a_lost_answer_is_given_again(world) {
        let anar = somebody(world).await;
        let old = anar.refresh_token.clone();
        let all = join_all((0..4).map(|_| refreshes(&anar, &old))).await;
        let next = all[0].ok(200)["refresh_token"].clone();
        assert!(all.iter().all(|answer| answer.ok(200)["refresh_token"] == next), "{all:?}");
        pass(world, seconds(20));
        assert_eq!(refreshes(&anar, &old).await.ok(200)["refresh_token"], next);
        me(&anar).await.ok(200);
        refreshes(&anar, next.as_str().unwrap()).await.ok(200);
    }

    /// ACC-1: a spent token that is used again late ends the session for both holders, its socket
    /// too; the person's other device goes on.
    async fn a_stolen_refresh_token_ends_the_session(world) {
        let mut anar = somebody(world).await;
        let stolen = anar.refresh_token.clone();
        let renewed = refreshes(&anar, &stolen).await.ok(200).clone();
        anar.takes(&renewed);
        pass(world, seconds(60));
        let tablet = anar.second_device().await;
        let (mut phone, mut other) =
            (FeedSocket::open(&anar, "client").await, FeedSocket::open(&tablet, "client").await);
        refreshes(&anar, &stolen).await.problem(401, "refresh_reused");
        me(&anar).await.problem(401, "session_ended");
        refreshes(&anar, &anar.refresh_token).await.problem(401, "refresh_invalid");
        assert_eq!(phone.closed().await, 4001);
        me(&tablet).await.ok(200);
        assert!(other.answers().await, "the tablet's socket stays");
    }

    /// ACC-1: a token two generations old is treated as stolen, however soon it is used.
    async fn an_older_token_is_a_copy_even_within_the_grace(world) {
        let anar = somebody(world).await;
        let second = refreshes(&anar, &anar.refresh_token).await.ok(200)["refresh_token"].clone();
        refreshes(&anar, second.as_str().unwrap()).await.ok(200);
        refreshes(&anar, &anar.refresh_token).await.problem(401, "refresh_reused");
        me(&anar).await.problem(401, "session_ended");
    }

    /// ACC-1: a device that was away for sixty days must sign in again.
    async fn a_refresh_token_ends(world) {
        let anar = somebody(world).await;
        pass(world, seconds(60 * 86_400));
        let renewed = refreshes(&anar, &anar.refresh_token).await.ok(200).clone();
        pass(world, seconds(60 * 86_400 + 1));
        let next = renewed["refresh_token"].as_str().unwrap();
        refreshes(&anar, next).await.problem(401, "refresh_invalid");
        world.support.0 = world.support().second_device().await;
    }

    /// ACC-1: garbage, forgeries and tokens of another kind authenticate nobody.
    async fn nobody_comes_in_by_a_token_that_was_not_given_out_here(world) {
        let anar = somebody(world).await;
        let theirs = {
            let sealing = [("a".to_owned(), fresh_key().unwrap())].into();
            Keys::new(&sealing, "a", &fresh_key().unwrap(), &fresh_key().unwrap()).unwrap()
        };
        let good = claims(&anar, world.now().timestamp() + 900);
        let ours = keys(world);
        let mut parts = anar.token.split('.');
        let (head, body, sign) =
            (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
        let none = URL_SAFE_NO_PAD.encode(json!({"alg": "none", "typ": "JWT"}).to_string());
        let other =
            URL_SAFE_NO_PAD.encode(serde_json::to_vec(&claims(&anar, good.exp + 1)).unwrap());
        let secret = EncodingKey::from_secret(ours.signing_bytes());
        let longer = jsonwebtoken::encode(&Header::new(Algorithm::HS512), &good, &secret).unwrap();
        let ticket =
            Raw::of(&anar, "POST", "/v1/auth/tickets").send().await.ok(201)["ticket"].clone();
        let tokens = [
            "x".to_owned(),
            "a.b.c".to_owned(),
            "..".to_owned(),
            "x".repeat(4000),
            good.sign(&theirs).unwrap(),
            format!("{none}.{body}."),
            format!("{none}.{body}.{sign}"),
            format!("{head}.{other}.{sign}"),
            format!("{head}.{body}."),
            longer,
            anar.refresh_token.clone(),
            ticket.as_str().unwrap().to_owned(),
        ];
        for token in &tokens {
            let answer = Raw::of(&anar, "GET", "/v1/auth/me").token(token).send().await;
            answer.problem(401, "unauthenticated");
            assert_eq!(answer.header("www-authenticate"), Some("Bearer"), "{token}");
            if *token != anar.refresh_token {
                refreshes(&anar, token).await.problem(401, "refresh_invalid");
            }
        }
        for header in ["Basic YTpi", "Bearer", anar.token.as_str()] {
            let bare =
                Raw::of(&anar, "GET", "/v1/auth/me").token("").header("Authorization", header);
            bare.send().await.problem(401, "unauthenticated");
        }
        refreshes(&anar, &anar.token).await.problem(401, "refresh_invalid");
        me(&anar).await.ok(200);
    }

    /// ACC-1: a validly signed token needs to be unexpired and of an open session.
    async fn a_signature_alone_is_not_enough(world) {
        let anar = somebody(world).await;
        let (ours, now) = (keys(world), world.now().timestamp());
        let shows = async |claims: Claims| {
            let token = claims.sign(&ours).unwrap();
            Raw::of(&anar, "GET", "/v1/auth/me").token(&token).send().await
        };
        shows(claims(&anar, now + 1)).await.ok(200);
        shows(claims(&anar, now)).await.problem(401, "token_expired");
        let sid = entity::value::SessionId::new();
        shows(Claims { sid, ..claims(&anar, now + 900) }).await.problem(401, "session_ended");
    }
}
