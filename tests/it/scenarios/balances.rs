//! The commission calculator, and who may see balances (COM-1, COM-2, BAL-1).

use serde_json::json;

use crate::support::Person;

both! {
    /// COM-1, COM-2: anyone may ask; the expected amounts and commissions are written by hand.
    async fn anyone_may_ask_what_the_commission_is(world) {
        let anyone = Person::stranger(&world.scene, "Anyone", "");
        for (amount, commission) in [
            (11, 0),
            (1500, 135),
            (2000, 180),
            (2001, 160),
            (5000, 400),
            (5001, 350),
            (10_001, 600),
            (20_001, 1000),
            (50_001, 2000),
            (100_000, 4000),
            (100_001, 3000),
        ] {
            let said = anyone.get(&format!("/v1/open/commission?amount={amount}")).await;
            assert_eq!(said.money("commission"), commission, "on {amount}");
        }
        let brackets = anyone.get("/v1/open/commission?amount=1").await;
        let brackets = brackets.ok()["brackets"].as_array().unwrap().clone();
        let rates: Vec<_> = brackets.iter().map(|b| b["rate_bp"].as_i64().unwrap()).collect();
        assert_eq!(rates, [900, 800, 700, 600, 500, 400, 300]);
        let kristal = world.branch("Kristal").await;
        let seen = kristal.get("/v1/partner/commission?amount=2500").await;
        assert_eq!(seen.money("commission"), 200);
        assert_eq!(seen.ok()["brackets"], json!(brackets));
    }

    /// BAL-1: posted, held and available are shown separately, with the floor for holds.
    async fn balance_and_holds_are_shown_apart(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let order = anar.orders(&kristal).await;
        assert_eq!(kristal.balance().await, (5000, 0, 5000), "an offer holds nothing");
        kristal.accepts(&order).await.ok();
        assert_eq!(kristal.balance().await, (5000, 135, 4865));
        assert_eq!(kristal.get("/v1/partner/balance").await.money("floor"), -500);
        let path = format!("/v1/support/partners/{}", kristal.partner_id);
        let seen = world.support().get(&path).await;
        assert_eq!(seen.ok()["balance"]["held"]["amount"], 135);
        let client = anar.sees(&order).await;
        assert!(client.ok().get("commission").is_none(), "the client sees no commission");
    }
}
