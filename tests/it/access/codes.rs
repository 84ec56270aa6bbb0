//! One-time codes: issued, entered, guessed, stored.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use futures_util::future::join_all;
use platform::crypto::digest;
use platform::engine::idempotency;

use super::{answers, asks, pass, said, seen, stranger, strict, wrong};
use crate::support::{Person, seconds};
use crate::wire::rows;

both! {
    /// ACC-1: six digits, valid for exactly five minutes.
    async fn a_code_has_six_digits_and_five_minutes(world) {
        strict(world).await;
        let (anar, leyla) = (stranger(world, "Anar"), stranger(world, "Leyla"));
        let sent = asks(&anar).await.ok(202).clone();
        assert_eq!((&sent["resend_after_s"], &sent["expires_in_s"]), (&60.into(), &300.into()));
        asks(&leyla).await.ok(202);
        let (his, hers) =
            (world.scene.mailbox.take(&anar.phone), world.scene.mailbox.take(&leyla.phone));
        assert!(his.len() == 6 && his.bytes().all(|digit| digit.is_ascii_digit()), "{his}");
        pass(world, seconds(300));
        answers(&anar, &his).await.ok(201);
        pass(world, TimeDelta::microseconds(1));
        answers(&leyla, &hers).await.problem(401, "code_expired");
    }

    /// ACC-1: of twenty concurrent guesses five are compared, and then even the right code is
    /// refused.
    async fn a_code_takes_five_guesses_however_fast_they_come(world) {
        strict(world).await;
        let thief = stranger(world, "A thief");
        asks(&thief).await.ok(202);
        let code = world.scene.mailbox.take(&thief.phone);
        let guesses: Vec<String> = (0..20).map(|n| wrong(&code, n)).collect();
        let all = join_all(guesses.iter().map(|guess| answers(&thief, guess))).await;
        let compared = all.iter().filter(|answer| said(answer) == "code_wrong").count();
        assert_eq!(compared, 5, "{all:?}");
        for late in all.iter().filter(|answer| said(answer) != "code_wrong") {
            late.problem(429, "too_many_tries");
        }
        answers(&thief, &code).await.problem(429, "too_many_tries");
        pass(world, seconds(60));
        asks(&thief).await.ok(202);
        let fresh = world.scene.mailbox.take(&thief.phone);
        answers(&thief, &fresh).await.ok(201);
    }

    /// ACC-1: the fifth attempt may still be the right code.
    async fn four_slips_are_forgiven(world) {
        strict(world).await;
        let anar = stranger(world, "Anar");
        asks(&anar).await.ok(202);
        let code = world.scene.mailbox.take(&anar.phone);
        for n in 0..4 {
            answers(&anar, &wrong(&code, n)).await.problem(401, "code_wrong");
        }
        answers(&anar, &code).await.ok(201);
    }

    /// ACC-1: a code opens one session, even if it is entered five times concurrently.
    async fn a_code_serves_once(world) {
        strict(world).await;
        let anar = stranger(world, "Anar");
        asks(&anar).await.ok(202);
        let code = world.scene.mailbox.take(&anar.phone);
        let all = join_all((0..5).map(|_| answers(&anar, &code))).await;
        let said: Vec<String> = all.iter().map(said).collect();
        assert_eq!(said.iter().filter(|said| *said == "ok").count(), 1, "{said:?}");
        assert_eq!(said.iter().filter(|said| *said == "code_wrong").count(), 4, "{said:?}");
        answers(&anar, &code).await.problem(401, "code_wrong");
    }

    /// ACC-1: only the newest code is valid, and only for its own number.
    async fn an_older_code_and_anothers_code_are_wrong(world) {
        strict(world).await;
        let (anar, leyla) = (stranger(world, "Anar"), stranger(world, "Leyla"));
        asks(&anar).await.ok(202);
        let old = world.scene.mailbox.take(&anar.phone);
        pass(world, seconds(60));
        asks(&anar).await.ok(202);
        asks(&leyla).await.ok(202);
        let (new, hers) =
            (world.scene.mailbox.take(&anar.phone), world.scene.mailbox.take(&leyla.phone));
        for other in [old, hers].iter().filter(|other| **other != new) {
            answers(&anar, other).await.problem(401, "code_wrong");
        }
        answers(&anar, &new).await.ok(201);
    }

    /// ACC-1: requests and refusals are the same for a known and an unknown number.
    async fn nobody_learns_whether_a_number_is_known(world) {
        let known = world.client("Anar").await;
        let known = Person::stranger(&world.scene, "Somebody", &known.phone);
        strict(world).await;
        pass(world, seconds(60));
        let unknown = stranger(world, "Somebody");
        let tells = async |person: &Person| {
            let mut told = vec![seen(&answers(person, "000000").await)];
            told.push(seen(&asks(person).await));
            told.push(seen(&asks(person).await));
            let code = world.scene.mailbox.take(&person.phone);
            for n in 0..6 {
                told.push(seen(&answers(person, &wrong(&code, n)).await));
            }
            told
        };
        assert_eq!(tells(&known).await, tells(&unknown).await);
        let (a, b) = (stranger(world, "A"), world.client("B").await);
        asks(&a).await.ok(202);
        pass(world, seconds(60));
        asks(&b).await.ok(202);
        pass(world, seconds(301));
        let (a, b) = (answers(&a, "000000").await, answers(&b, "000000").await);
        assert_eq!(seen(&a), seen(&b), "both codes are old");
    }

    /// ACC-1: sign-in works in the hour after the previous code was deleted.
    async fn acc_1_a_right_code_is_right_two_days_later(world) {
        strict(world).await;
        let anar = stranger(world, "Anar");
        asks(&anar).await.ok(202);
        let code = world.scene.mailbox.take(&anar.phone);
        pass(world, seconds(240));
        answers(&anar, &code).await.ok(201);
        // The code is older than two days, its answer is not: this sweep deletes the code.
        pass(world, TimeDelta::hours(48) - seconds(120));
        let engine = &world.app().engine;
        let (db, now) = (&engine.shared().db.write, world.now());
        idempotency::forget(db, now - TimeDelta::hours(idempotency::KEPT_HOURS)).await.unwrap();
        yumo::access::codes::otp::forget(db, now).await.unwrap();
        asks(&anar).await.ok(202);
        let code = world.scene.mailbox.take(&anar.phone);
        answers(&anar, &code).await.ok(201);
    }

    /// ACC-1: neither a code nor its unkeyed hash is stored anywhere.
    async fn a_code_is_kept_only_as_a_keyed_hash(world) {
        let mut codes = BTreeSet::new();
        for n in 0..10 {
            let person = stranger(world, "Somebody");
            asks(&person).await.ok(202);
            let code = world.scene.mailbox.take(&person.phone);
            if n % 2 == 0 {
                answers(&person, &code).await.ok(201);
            }
            codes.insert(code);
        }
        let rows = rows::all(world).await;
        assert!(rows["otp"].len() >= 10);
        for (table, row) in
            rows.iter().flat_map(|(table, rows)| rows.iter().map(move |r| (table, r)))
        {
            let word = |c: char| !c.is_ascii_alphanumeric() && !"._-+:".contains(c);
            let plain = row.split(word).find(|word| codes.contains(*word));
            assert_eq!(plain, None, "{table}: {row}");
            for code in &codes {
                assert!(!row.contains(&digest(code.as_bytes())), "{table}: {row}");
            }
        }
    }
}
