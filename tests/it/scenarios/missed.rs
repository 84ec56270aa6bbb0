//! Timers missing from this node's memory are found by the sweep, and firing twice is harmless.

use crate::support::{instant, seconds};

both! {
    /// ORD-5: a timer that was not fired is taken over a second later and fires once.
    async fn a_timer_nobody_fired_is_found_by_the_sweep(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let order = anar.orders(&kristal).await;
        world.app().engine.shared().timers.reset(world.now());
        world.clock.set(instant("2026-11-20T08:00:33Z"));
        assert_eq!(world.app().scheduler.sweep().await.unwrap(), 0, "not yet a second late");
        world.clock.set(instant("2026-11-20T08:00:33Z") + seconds(1));
        let (one, two) = tokio::join!(world.app().scheduler.sweep(), world.app().scheduler.sweep());
        assert!(one.unwrap() + two.unwrap() >= 1);
        anar.sees(&order).await.status("cancelled");
        let whole = world.support().sees(&order).await;
        assert_eq!(whole.ok()["steps"].as_array().unwrap().len(), 2);
        assert_eq!(kristal.balance().await, (5000, 0, 5000));
    }
}
