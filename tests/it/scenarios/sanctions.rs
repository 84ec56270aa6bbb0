//! Bans, warnings, lowered visibility and blocks: counted by a timer, emitted as events, ended
//! (SAN).

use chrono::TimeDelta;
use entity::value::{PartnerId, PersonId};
use platform::By;
use serde_json::json;
use yumo::reputation::judge::{JudgeClient, JudgePartner};

use crate::support::faults::{
    accepted, imposes, kinds, leaves_late, leaves_late_paying, lets_go, lifts, pays_all, sanctions,
};
use crate::support::people::Support;
use crate::support::{Branch, Reply, World, minutes, seconds};

const MICROSECOND: TimeDelta = TimeDelta::microseconds(1);

async fn registers(world: &World, address: &str, phone: &str) -> Reply {
    let body = json!({
        "name": "Again", "address": address, "zone": "Asia/Baku",
        "point": {"lat": 40.41, "lon": 49.9}, "owner_phone": phone,
    });
    world.support().post("/v1/support/partners", body).await
}

async fn state(world: &World, branch: &Branch) -> String {
    let seen = world.support().get(&format!("/v1/support/partners/{}", branch.partner_id)).await;
    seen.ok()["state"].as_str().unwrap().to_owned()
}

both! {
    /// SAN-1: the fifth fault bans for a week; running orders go on; the ban ends by itself; after
    /// it the window begins anew.
    async fn san_1_five_faults_ban_a_client_for_a_week(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let mut hears = anar.follows().await;
        leaves_late_paying(world, &kristal, &anar, 4).await;
        assert_eq!(kinds(world, &anar.person_id).await, Vec::<String>::new());
        let running = accepted(&kristal, &anar.with_another("sedan").await).await;
        anar.departs(&running).await.ok();
        leaves_late(world, &kristal, &anar, "wash.body").await;
        let fifth = world.now();
        // A timer starts the count, and it has not fired yet.
        assert_eq!(kinds(world, &anar.person_id).await, Vec::<String>::new());
        world.advance(MICROSECOND).await;
        let ban = sanctions(world, &anar.person_id).await[0].clone();
        assert_eq!((&ban["kind"], ban["cause"].as_array().unwrap().len()), (&json!("client_ban"), 5));
        assert_eq!(hears.hears("sanction.began").await["data"]["sanction"]["id"], ban["id"]);
        let own = anar.get("/v1/client/sanctions").await;
        assert_eq!(own.ok()["items"][0]["id"], ban["id"]);
        pays_all(world, &anar).await;
        anar.tries(&kristal, &["wash.body"]).await.refused("client_banned");
        kristal.admits(&running).await.status("active");
        kristal.completes(&running, 1500).await.status("completed");

        let end = fifth + MICROSECOND + TimeDelta::hours(168);
        world.until(end - MICROSECOND).await;
        anar.tries(&kristal, &["wash.body"]).await.refused("client_banned");
        world.until(end + MICROSECOND).await;
        let ended = hears.hears("sanction.ended").await["data"]["sanction"].clone();
        assert_eq!((&ended["id"], &ended["ended_at"]), (&ban["id"], &ban["until"]));
        // All five are still within 240 hours; four more after the ban are not a fifth.
        leaves_late_paying(world, &kristal, &anar, 4).await;
        assert_eq!(kinds(world, &anar.person_id).await, ["client_ban"]);
        leaves_late_paying(world, &kristal, &anar, 1).await;
        assert_eq!(kinds(world, &anar.person_id).await, ["client_ban", "client_ban"]);
    }

    /// SAN-1: no-shows count like late cancels; those older than 240 hours do not.
    async fn san_1_the_window_rolls(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        for _ in 0..2 {
            let order = accepted(&kristal, &anar).await;
            world.advance(minutes(36)).await;
            anar.sees(&order).await.status("cancelled");
            pays_all(world, &anar).await;
        }
        assert_eq!(world.marks(&anar.person_id, "client_no_show").await, 2);
        world.advance(TimeDelta::hours(239)).await;
        leaves_late_paying(world, &kristal, &anar, 2).await;
        // The first of them is out of the window now, so of five four are left.
        world.advance(minutes(60)).await;
        leaves_late_paying(world, &kristal, &anar, 1).await;
        assert_eq!(kinds(world, &anar.person_id).await, Vec::<String>::new());
    }

    /// ARR-3, SAN-1: a ban that ends at an instant no longer refuses at that instant.
    async fn arr_3_a_ban_ends_before_the_placing_check(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        imposes(world, &anar.person_id, "client_ban", 1).await.ok();
        world.advance(minutes(60) - MICROSECOND).await;
        anar.tries(&kristal, &["wash.body"]).await.refused("client_banned");
        world.advance(MICROSECOND).await;
        // Its timer fires strictly later, so the row is still open.
        assert!(sanctions(world, &anar.person_id).await[0]["ended_at"].is_null());
        anar.orders(&kristal).await;
    }

    /// SAN-2, SAN-3: 3 faults warn, 5 lower the visibility, 8 block; each once.
    async fn san_2_three_five_and_eight_faults_of_a_branch(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let mut hears = kristal.follows().await;
        let subject = kristal.partner_id.as_str();
        lets_go(world, &kristal, &anar, 2).await;
        assert_eq!(kinds(world, subject).await, Vec::<String>::new());
        lets_go(world, &kristal, &anar, 1).await;
        assert_eq!(kinds(world, subject).await, ["partner_warning"]);
        lets_go(world, &kristal, &anar, 1).await;
        assert_eq!(kinds(world, subject).await, ["partner_warning"]);
        lets_go(world, &kristal, &anar, 1).await;
        let two = ["partner_warning", "partner_visibility"];
        assert_eq!(kinds(world, subject).await, two);
        lets_go(world, &kristal, &anar, 2).await;
        assert_eq!(kinds(world, subject).await, two);
        assert_eq!(state(world, &kristal).await, "live");
        lets_go(world, &kristal, &anar, 1).await;
        let three = ["partner_warning", "partner_visibility", "partner_block"];
        assert_eq!(kinds(world, subject).await, three);
        assert_eq!(state(world, &kristal).await, "blocked");
        for kind in three {
            assert_eq!(hears.hears("sanction.began").await["data"]["sanction"]["kind"], kind);
        }
        let own = kristal.get("/v1/partner/sanctions").await;
        let block = own.ok()["items"][0].clone();
        assert_eq!(block["cause"].as_array().unwrap().len(), 8);
        anar.tries(&kristal, &["wash.body"]).await.refused("partner_not_taking");
    }

    /// SAN-2: five within a week, and five others within thirty days: blocked.
    async fn san_2_a_repeat_of_five_blocks(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let subject = kristal.partner_id.as_str();
        lets_go(world, &kristal, &anar, 5).await;
        world.advance(TimeDelta::days(20)).await;
        lets_go(world, &kristal, &anar, 4).await;
        let warned = ["partner_warning", "partner_visibility", "partner_warning"];
        assert_eq!(kinds(world, subject).await, warned);
        lets_go(world, &kristal, &anar, 1).await;
        let block = sanctions(world, subject).await[0].clone();
        let five = block["cause"].as_array().unwrap().len();
        assert_eq!((&block["kind"], five), (&json!("partner_block"), 5));
    }

    /// SAN-2: after thirty days five others count as a first five again.
    async fn san_2_after_thirty_days_it_is_no_repeat(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        lets_go(world, &kristal, &anar, 5).await;
        world.advance(TimeDelta::days(31)).await;
        // Tokens expire after a month.
        world.support = Support(world.support.second_device().await);
        let (mut kristal, mut anar) = (kristal, anar);
        kristal.person = kristal.second_device().await;
        anar.person = anar.second_device().await;
        lets_go(world, &kristal, &anar, 5).await;
        let all = kinds(world, &kristal.partner_id).await;
        let twice = ["partner_warning", "partner_visibility"].repeat(2);
        assert_eq!(all, twice);
    }

    /// SAN-4: a block cancels requests free of charge, clients on the way are served; a timer ends
    /// it.
    async fn san_4_a_block_shuts_out_what_is_asked_and_ends_by_itself(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let (leyla, rauf) = (world.client("Leyla").await, world.client("Rauf").await);
        let coming = accepted(&kristal, &leyla).await;
        leyla.departs(&coming).await.status("on_the_way");
        lets_go(world, &kristal, &anar, 7).await;
        let asked = rauf.orders(&kristal).await;
        lets_go(world, &kristal, &anar, 1).await;
        let shut = rauf.sees(&asked).await;
        assert_eq!(shut.status("cancelled")["reason"], "partner_blocked");
        assert!(shut.json["penalty"].is_null());
        leyla.sees(&coming).await.status("on_the_way");
        kristal.admits(&coming).await.status("active");
        kristal.completes(&coming, 1500).await.status("completed");
        let mut hears = kristal.follows().await;
        let block = sanctions(world, &kristal.partner_id).await[0].clone();
        let until = crate::support::ask::at(&block["until"]);
        assert_eq!(until - crate::support::ask::at(&block["began_at"]), TimeDelta::days(14));
        world.until(until).await;
        assert_eq!(state(world, &kristal).await, "blocked");
        world.advance(MICROSECOND).await;
        assert_eq!(state(world, &kristal).await, "live");
        // The warning and the visibility ended a week before.
        for kind in ["partner_warning", "partner_visibility", "partner_block"] {
            assert_eq!(hears.hears("sanction.ended").await["data"]["sanction"]["kind"], kind);
        }
        anar.orders(&kristal).await;
    }

    /// SAN-4: during a block the owner's number and the address cannot register a branch; support
    /// may open the address for a new operator; afterwards anybody may register.
    async fn san_4_a_blocked_branch_does_not_register_again(world) {
        let kristal = world.branch("Kristal").await;
        let address = "KRISTAL  Street 1.";
        let block = imposes(world, &kristal.partner_id, "partner_block", 48).await.ok().clone();
        let fresh = world.scene.phone();
        registers(world, address, &fresh).await.refused("registration_blocked");
        registers(world, "Elsewhere, 2", &kristal.phone).await.refused("registration_blocked");
        registers(world, "Elsewhere, 2", &fresh).await.ok();
        let opened = lifts(world, &block, "lift-address").await;
        assert_eq!(opened.ok()["address_lifted"], true);
        registers(world, address, &world.scene.phone()).await.ok();
        registers(world, "Elsewhere, 3", &kristal.phone).await.refused("registration_blocked");
        world.advance(TimeDelta::hours(48)).await;
        registers(world, "Elsewhere, 3", &kristal.phone).await.ok();
    }

    /// SAN-3: a waived fault does not count, and concurrent counts sanction once.
    async fn san_3_judges_at_once_sanction_once(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        leaves_late_paying(world, &kristal, &anar, 4).await;
        leaves_late(world, &kristal, &anar, "wash.body").await;
        let judge = || {
            let client_id: PersonId = anar.person_id.parse().unwrap();
            world.app().engine.execute(By::CLOCK, None, JudgeClient { client_id })
        };
        let (one, two, three) = tokio::join!(judge(), judge(), judge());
        assert!(one.is_ok() && two.is_ok() && three.is_ok(), "{one:?} {two:?} {three:?}");
        assert_eq!(kinds(world, &anar.person_id).await, ["client_ban"]);
        world.advance(seconds(1)).await;
        assert_eq!(kinds(world, &anar.person_id).await, ["client_ban"]);

        let leyla = world.client("Leyla").await;
        for _ in 0..3 {
            let order = accepted(&kristal, &leyla).await;
            kristal.cancels(&order).await.ok();
        }
        world.tampers(&format!(
            "UPDATE strike SET voided_at = '{}' WHERE id = (SELECT id FROM strike WHERE kind = \
             'partner_cancelled' LIMIT 1)",
            world.now().format("%Y-%m-%d %H:%M:%S%.6f+00:00")
        ))
        .await;
        world.advance(seconds(1)).await;
        assert_eq!(kinds(world, &kristal.partner_id).await, Vec::<String>::new());
        let order = accepted(&kristal, &leyla).await;
        kristal.cancels(&order).await.ok();
        let partner_id: PartnerId = kristal.partner_id.parse().unwrap();
        let judge = || world.app().engine.execute(By::CLOCK, None, JudgePartner { partner_id });
        let (one, two) = tokio::join!(judge(), judge());
        assert!(one.is_ok() && two.is_ok(), "{one:?} {two:?}");
        assert_eq!(kinds(world, &kristal.partner_id).await, ["partner_warning"]);
    }

    /// SAN-4, SUP-2: support imposes and lifts with a reason; both are recorded and emitted.
    async fn san_4_support_imposes_and_lifts(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let (mut hears, mut queue) = (anar.follows().await, world.support().watches("sanctions").await);
        imposes(world, &anar.person_id, "client_ban", 0).await.refused("sanction_invalid");
        imposes(world, &anar.person_id, "client_ban", 8761).await.refused("sanction_invalid");
        imposes(world, &kristal.partner_id, "client_ban", 1).await.refused("no_such_subject");
        imposes(world, &anar.person_id, "partner_block", 1).await.refused("no_such_subject");
        let ban = imposes(world, &anar.person_id, "client_ban", 24).await.ok().clone();
        assert_eq!(ban["by_person"], world.support().person_id.as_str());
        assert_eq!(hears.hears("sanction.began").await["data"]["sanction"]["reason"], "A false name");
        assert!(anar.get("/v1/client/sanctions").await.ok()["items"][0]["by_person"].is_null());
        let twice = imposes(world, &anar.person_id, "client_ban", 1).await;
        assert_eq!(twice.refused("already_sanctioned")["until"], ban["until"]);
        lifts(world, &ban, "lift-address").await.refused("not_a_block");
        world.advance(minutes(1)).await;
        let lifted = lifts(world, &ban, "lift").await;
        assert_eq!(lifted.at("ended_at"), world.now());
        hears.hears("sanction.ended").await;
        let told = queue.hears("support.sanction_lifted").await["data"].clone();
        assert!(told["before"]["ended_at"].is_null());
        assert_eq!(told["after"]["ended_at"], lifted.json["ended_at"]);
        assert_eq!(told["reason"], "It was settled");
        lifts(world, &ban, "lift").await.refused("sanction_over");
        anar.orders(&kristal).await;

        let block = imposes(world, &kristal.partner_id, "partner_block", 1).await.ok().clone();
        assert_eq!(state(world, &kristal).await, "blocked");
        lifts(world, &block, "lift").await.ok();
        assert_eq!(state(world, &kristal).await, "live");
        // A sanction past its end that no timer has ended yet makes room for the next.
        imposes(world, &kristal.partner_id, "partner_block", 1).await.ok();
        world.clock.set(world.now() + minutes(60));
        let next = imposes(world, &kristal.partner_id, "partner_block", 2).await;
        next.ok();
        assert_eq!(state(world, &kristal).await, "blocked");
        world.advance(minutes(119)).await;
        assert_eq!(state(world, &kristal).await, "blocked");
        world.advance(minutes(2)).await;
        assert_eq!(state(world, &kristal).await, "live");
    }
}
