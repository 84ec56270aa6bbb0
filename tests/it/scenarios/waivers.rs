//! Waiving a penalty with all its consequences, and reinstating it (PEN-7).

use chrono::TimeDelta;
use entity::value::PersonId;
use platform::By;
use serde_json::{Value, json};
use yumo::reputation::judge::JudgeClient;

use crate::support::faults::{
    accepted, decides, disputes, imposes, leaves_late, leaves_late_paying, newest_penalty, pays,
    sanctions,
};
use crate::support::{World, books, seconds};

async fn whole(world: &World, penalty: &str) -> Value {
    world.support().get(&format!("/v1/support/penalties/{penalty}")).await.ok().clone()
}

fn texts<'v>(rows: &'v Value, field: &str) -> Vec<&'v str> {
    rows.as_array().unwrap().iter().map(|row| row[field].as_str().unwrap()).collect()
}

both! {
    /// PEN-7: the payment is refunded the way it came, even below the floor; reinstating shares it
    /// again; every row is as it was.
    async fn pen_7_a_waiver_gives_back_and_is_undone_in_one_step(world) {
        let (kristal, anar) = (world.branch_with("Kristal", 135).await, world.client("Anar").await);
        let penalty = leaves_late(world, &kristal, &anar, "wash.body").await;
        pays(world, &penalty, 101).await.ok();
        pays(world, &penalty, 49).await.ok();
        assert_eq!(kristal.balance().await, (210, 0, 210));
        // The balance is taken to its floor, so that the refund passes it.
        let before = newest_penalty(&anar).await;
        world.tampers("UPDATE wallet SET floor = 210").await;
        let (mut client, mut branch) = (anar.follows().await, kristal.follows().await);
        let waived = decides(world, &penalty, "waive").await;
        assert_eq!((&waived.ok()["state"], waived.money("paid")), (&json!("waived"), 0));
        assert_eq!(kristal.balance().await, (135, 0, 135));
        assert_eq!(client.hears("penalty.changed").await["data"]["penalty"]["state"], "waived");
        let told = branch.hears("balance.changed").await;
        assert_eq!(told["data"]["kind"], "penalty_share_back");
        assert_eq!(told["data"]["amount"]["amount"], -75);
        decides(world, &penalty, "waive").await.refused("penalty_waived");
        pays(world, &penalty, 1).await.refused("penalty_waived");
        disputes(&anar, &penalty).await.refused("penalty_waived");
        assert_eq!(world.support().proof().await.ok()["ok"], true);

        let back = decides(world, &penalty, "reinstate").await;
        assert_eq!(back.ok()["state"], "paid");
        assert_eq!(newest_penalty(&anar).await, before);
        assert_eq!(kristal.balance().await, (210, 0, 210));
        decides(world, &penalty, "reinstate").await.refused("penalty_not_waived");
        let seen = whole(world, &penalty).await;
        let n: Vec<i64> =
            seen["postings"].as_array().unwrap().iter().map(|p| p["n"].as_i64().unwrap()).collect();
        assert_eq!(n.iter().max(), Some(&4));
        let act = &seen["waivers"][0];
        assert_eq!(act["before"]["penalty"]["paid"]["amount"], 150);
        assert_eq!(act["before"]["posted"]["partner"]["amount"], 75);
        assert_eq!(act["after"]["penalty"]["state"], "waived");
        assert_eq!(act["after"]["posted"]["partner"]["amount"], 0);
        assert_eq!(act["undone_reason"], "Our clock was wrong");
        // It can be waived again, under new posting numbers.
        decides(world, &penalty, "waive").await.ok();
        assert_eq!(kristal.balance().await, (135, 0, 135));
        assert_eq!(whole(world, &penalty).await["waivers"].as_array().unwrap().len(), 2);
    }

    /// PEN-7: an unpaid one moves no money; its strike no longer counts, then does again.
    async fn pen_7_an_unpaid_penalty_is_undone_too(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let penalty = leaves_late(world, &kristal, &anar, "wash.body").await;
        leaves_late(world, &kristal, &anar, "wash.body").await;
        anar.tries(&kristal, &["wash.body"]).await.refused("penalties_unpaid");
        decides(world, &penalty, "waive").await.ok();
        assert_eq!(whole(world, &penalty).await["postings"], json!([]));
        let marks = whole(world, &penalty).await["waivers"][0]["after"]["counted"]["marks"].clone();
        assert_eq!(texts(&marks, "voided_at"), ["2026-11-20T08:00:22Z"]);
        let order = anar.orders(&kristal).await;
        anar.cancels(&order).await.ok();
        let before = books::everything(&world.db()).await;
        decides(world, &penalty, "reinstate").await.ok();
        anar.tries(&kristal, &["wash.body"]).await.refused("penalties_unpaid");
        let after = books::everything(&world.db()).await;
        let voided = |rows: &[String]| {
            let marks = rows.iter().filter(|row| row.starts_with("strike "));
            marks.filter(|row| !row.contains("voided_at: None")).count()
        };
        assert_eq!((voided(&before), voided(&after)), (1, 0));
    }

    /// PEN-7: the fifth fault caused a ban; without the second there are four, and the ban is
    /// lifted. Reinstated, the ban is as it was.
    async fn pen_7_a_waiver_lifts_the_ban_it_caused(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        leaves_late_paying(world, &kristal, &anar, 1).await;
        let second = leaves_late(world, &kristal, &anar, "wash.body").await;
        pays(world, &second, 150).await.ok();
        leaves_late_paying(world, &kristal, &anar, 2).await;
        let mut hears = anar.follows().await;
        leaves_late_paying(world, &kristal, &anar, 1).await;
        let began = hears.hears("sanction.began").await["data"]["sanction"].clone();
        let refused = anar.tries(&kristal, &["wash.body"]).await;
        assert_eq!(refused.refused("client_banned")["until"], began["until"]);
        assert_eq!(began["cause"].as_array().unwrap().len(), 5);

        assert_eq!(kristal.balance().await.0, 5000 + 5 * 75);
        decides(world, &second, "waive").await.ok();
        assert_eq!(kristal.balance().await.0, 5000 + 4 * 75);
        let ended = hears.hears("sanction.ended").await["data"]["sanction"].clone();
        assert_eq!((&ended["id"], &ended["until"]), (&began["id"], &began["until"]));
        world.advance(seconds(1)).await;
        let order = anar.orders(&kristal).await;
        anar.cancels(&order).await.ok();
        let bans = whole(world, &second).await["waivers"][0]["after"]["counted"]["bans"].clone();
        assert_eq!(texts(&bans, "id"), [began["id"].as_str().unwrap()]);

        decides(world, &second, "reinstate").await.ok();
        let again = hears.hears("sanction.began").await["data"]["sanction"].clone();
        assert_eq!(again, began);
        anar.tries(&kristal, &["wash.body"]).await.refused("client_banned");
        world.advance(TimeDelta::hours(168)).await;
        anar.orders(&kristal).await;
    }

    /// PEN-7, SAN-1: a lifted ban starts no new window: the four faults left count, and the next
    /// one bans.
    async fn pen_7_what_is_left_of_a_ban_counts_on(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        leaves_late_paying(world, &kristal, &anar, 5).await;
        anar.tries(&kristal, &["wash.body"]).await.refused("client_banned");
        let newest = newest_penalty(&anar).await["id"].as_str().unwrap().to_owned();
        decides(world, &newest, "waive").await.ok();
        world.advance(seconds(1)).await;
        leaves_late_paying(world, &kristal, &anar, 1).await;
        anar.tries(&kristal, &["wash.body"]).await.refused("client_banned");
        let bans = sanctions(world, &anar.person_id).await;
        assert_eq!(bans.len(), 2);
        // The first ban is over already: reinstating changes neither.
        decides(world, &newest, "reinstate").await.ok();
        world.advance(seconds(1)).await;
        assert_eq!(sanctions(world, &anar.person_id).await, bans);
    }

    /// PEN-7, SAN-3: a sanction count concurrent with a waiver leaves no ban, whichever commits
    /// first.
    async fn pen_7_a_judge_and_a_waiver_at_once_leave_no_ban(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        leaves_late_paying(world, &kristal, &anar, 4).await;
        let client_id: PersonId = anar.person_id.parse().unwrap();
        for _ in 0..4 {
            let fifth = leaves_late(world, &kristal, &anar, "wash.body").await;
            let judge = || world.app().engine.execute(By::CLOCK, None, JudgeClient { client_id });
            let waive = decides(world, &fifth, "waive");
            let (one, waived, two) = tokio::join!(judge(), waive, judge());
            assert!(one.is_ok() && two.is_ok(), "{one:?} {two:?}");
            waived.ok();
            world.advance(seconds(1)).await;
            let bans = sanctions(world, &anar.person_id).await;
            assert!(bans.iter().all(|ban| !ban["ended_at"].is_null()), "{bans:?}");
        }
        leaves_late(world, &kristal, &anar, "wash.body").await;
        world.advance(seconds(1)).await;
        assert!(sanctions(world, &anar.person_id).await[0]["ended_at"].is_null());
    }

    /// PEN-7: of two waived strikes the last one reinstated, whichever it is, restores the ban;
    /// with one of them missing there are four.
    async fn pen_7_a_ban_stands_again_with_all_its_marks(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let mut two = Vec::new();
        for _ in 0..2 {
            two.push(leaves_late(world, &kristal, &anar, "wash.body").await);
            pays(world, two.last().unwrap(), 150).await.ok();
            world.advance(seconds(1)).await;
        }
        leaves_late_paying(world, &kristal, &anar, 3).await;
        let ban = sanctions(world, &anar.person_id).await[0].clone();
        for order in [[0, 1], [1, 0]] {
            for penalty in &two {
                decides(world, penalty, "waive").await.ok();
                world.advance(seconds(1)).await;
            }
            let [first, last] = order.map(|i: usize| two[i].clone());
            decides(world, &first, "reinstate").await.ok();
            world.advance(seconds(1)).await;
            let fell = sanctions(world, &anar.person_id).await;
            assert!(fell.len() == 1 && !fell[0]["ended_at"].is_null(), "{fell:?}");
            let open = anar.orders(&kristal).await;
            anar.cancels(&open).await.ok();
            decides(world, &last, "reinstate").await.ok();
            world.advance(seconds(1)).await;
            assert_eq!(sanctions(world, &anar.person_id).await[0], ban);
            anar.tries(&kristal, &["wash.body"]).await.refused("client_banned");
        }
    }

    /// PEN-7: a ban that has enough other strikes stays; so does one that support imposed.
    async fn pen_7_a_ban_that_rests_on_others_stands(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let penalty = leaves_late(world, &kristal, &anar, "wash.body").await;
        world.advance(seconds(1)).await;
        imposes(world, &anar.person_id, "client_ban", 24).await.ok();
        decides(world, &penalty, "waive").await.ok();
        anar.tries(&kristal, &["wash.body"]).await.refused("client_banned");
        assert_eq!(whole(world, &penalty).await["waivers"][0]["before"]["counted"]["bans"], json!([]));
    }

    /// PEN-7: a dispute opened in time may be granted later; reinstated, it is disputed again.
    async fn pen_7_a_dispute_opened_in_time_is_granted_later(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let penalty = leaves_late(world, &kristal, &anar, "wash.body").await;
        pays(world, &penalty, 1).await.ok();
        disputes(&anar, &penalty).await.ok();
        world.advance(TimeDelta::days(20)).await;
        decides(world, &penalty, "waive").await.ok();
        assert_eq!(kristal.balance().await.0, 5000);
        let back = decides(world, &penalty, "reinstate").await;
        assert_eq!((&back.ok()["state"], back.money("paid")), (&json!("disputed"), 1));
        assert_eq!(kristal.balance().await.0, 5001);
        // Of two concurrent waivers one takes effect.
        let (one, two) =
            tokio::join!(decides(world, &penalty, "waive"), decides(world, &penalty, "waive"));
        let (won, lost) = if one.status == 200 { (one, two) } else { (two, one) };
        assert_eq!(won.ok()["state"], "waived");
        lost.refused("penalty_waived");
        assert_eq!(kristal.balance().await.0, 5000);
        let open = accepted(&kristal, &anar).await;
        anar.sees(&open).await.status("confirmed");
    }
}
