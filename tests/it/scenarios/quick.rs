//! Quick orders: offered, accepted, driven to, served.

use crate::support::{minutes, seconds};

both! {
    /// QO-3, QO-4: the arrival deadline is the acceptance, 901 s of route and 10 min of buffer.
    async fn an_accepted_client_has_the_route_and_the_buffer_to_arrive(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let mut hears = anar.follows().await;
        let order = anar.orders(&kristal).await;
        world.advance(seconds(7)).await;
        let accepted = kristal.accepts(&order).await;
        accepted.status("confirmed");
        assert_eq!(accepted.at("arrival_deadline"), world.now() + seconds(901 + 600));
        hears.hears("order.confirmed").await;
        hears.acks().await;
        anar.departs(&order).await.status("on_the_way");
        anar.drives_to(&order, &kristal).await.ok();
        world.advance(minutes(5)).await;
        kristal.admits(&order).await.status("active");
        kristal.completes(&order, 1500).await.status("completed");
        assert_eq!(kristal.balance().await, (5000 - 135, 0, 5000 - 135));
    }
}
