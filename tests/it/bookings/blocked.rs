//! The effect of a sanction that blocks a branch on its bookings (SAN-4).

use serde_json::json;

use super::one_bay;
use crate::support::booking::hours;
use crate::support::faults::imposes;
use crate::support::{Client, instant, minutes, seconds};

both! {
    /// SAN-4: a confirmed booking inside the block is cancelled free, with alternatives; one after
    /// it, on the way or arrived goes on; a mere request is cancelled, whenever its start.
    async fn san_4_bookings_inside_a_block_are_cancelled_free(world) {
        let (kristal, anar) = one_bay(world).await;
        let shine = world.branch("Shine").await;
        shine.adds_bay("Bay 1", "wash").await;
        let mut people: Vec<Client> = Vec::new();
        for name in ["Leyla", "Rauf", "Farid", "Nigar"] {
            people.push(world.client(name).await);
        }
        let [leyla, rauf, farid, nigar] = people.try_into().ok().unwrap();
        let ten = instant("2026-11-20T10:00:00Z");
        let under_way = leyla.has_booked(&kristal, ten).await;
        let there = rauf.has_booked(&kristal, ten + minutes(30)).await;
        let inside = anar.has_booked(&kristal, ten + hours(24)).await;
        let after = farid.has_booked(&kristal, ten + hours(72)).await;
        world.until(ten - minutes(30)).await;
        let asked = nigar.books(&kristal, ten + hours(96)).await;
        leyla.departs(&under_way).await.status("on_the_way");
        rauf.drives_to(world, &there, &kristal).await.ok();
        let mut hears = anar.follows().await;
        imposes(world, &kristal.partner_id, "partner_block", 48).await.ok();
        world.advance(seconds(1)).await;
        let over = anar.sees(&inside).await;
        assert_eq!(over.status("cancelled")["reason"], "partner_blocked");
        assert_eq!(over.ok()["penalty"], json!(null));
        hears.hears("order.partner_blocked").await;
        assert_eq!(nigar.sees(&asked).await.status("cancelled")["reason"], "partner_blocked");
        farid.sees(&after).await.status("confirmed");
        let items = anar.alternatives(&inside).await.ok()["items"].clone();
        assert_eq!(items[0]["partner"]["id"], shine.partner_id.as_str());
        assert_eq!(items[0]["place"]["starts_at"], "2026-11-21T10:00:00Z");
        assert_eq!(world.marks(&anar.person_id, "client_late_cancel").await, 0);
        for order in [&under_way, &there] {
            kristal.admits(order).await.status("active");
            kristal.completes(order, 1500).await.status("completed");
        }
        // 1.35 is captured twice, 1.35 is held for the booking after the block.
        assert_eq!(kristal.balance().await, (4730, 135, 4595));
    }

    /// SAN-4, BK-8: a move into a block is neither proposed nor accepted.
    async fn san_4_no_move_leads_into_a_block(world) {
        let (kristal, anar) = one_bay(world).await;
        let ten = instant("2026-11-23T10:00:00Z");
        let order = anar.has_booked(&kristal, ten).await;
        kristal.proposes_start(&order, ten - hours(48)).await.ok();
        imposes(world, &kristal.partner_id, "partner_block", 48).await.ok();
        world.advance(seconds(1)).await;
        anar.answers(&order, "reschedule", "accept").await.refused("partner_not_taking");
        anar.answers(&order, "reschedule", "decline").await.status("confirmed");
        assert_eq!(anar.sees(&order).await.at("starts_at"), ten);
    }
}
