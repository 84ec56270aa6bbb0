//! A client's finances: bonus to spend, penalties to pay or to dispute.

use crate::people::cards::Begun;
use crate::people::client::{Client, put};
use crate::statistics::one;
use client::{ApiError, Money, Page, Penalty, Request};
use serde::Deserialize;
use serde_json::{Value, json};

/// The simulator's campaign code.
pub const CODE: &str = "BAHAR";
/// Clients of a thousand who learn of the campaign before an order.
const HEARS_PER_MILLE: u32 = 400;
/// Orders of a thousand that clients with bonus pay with it.
const WITH_BONUS_PER_MILLE: u32 = 600;
/// Clients of a thousand who pay their penalties.
const PAYS_PER_MILLE: u32 = 850;
/// Penalties of a thousand that are disputed instead of paid.
const DISPUTES_PER_MILLE: u32 = 150;
/// Cards of a thousand that are declined.
const REFUSED_PER_MILLE: u32 = 80;
/// Simulated seconds until a payment is credited, also when its callback is lost.
const COMES_SECS: u64 = 1200;

#[derive(Deserialize)]
struct Bonus {
    usable: Money,
}

impl Client {
    /// Redeems the campaign code once, if there is a campaign and this client learns of it.
    pub(crate) async fn hears_of_the_campaign(&mut self) {
        if !self.shared.cards || self.has_code || !self.dice.chance(HEARS_PER_MILLE) {
            return;
        }
        self.has_code = true;
        let request = Request::post("/v1/client/bonus/codes", &json!({ "code": CODE }));
        if self.me.done(&request).await.is_ok() {
            one(&self.shared.census.count.codes);
        }
    }

    /// Pays an order in part or in full with bonus, if the client has any.
    pub(crate) async fn pays_with_bonus(&mut self, body: &mut Value) -> Result<(), ApiError> {
        if !self.has_code || !self.dice.chance(WITH_BONUS_PER_MILLE) {
            return Ok(());
        }
        let Bonus { usable } = self.me.read(&Request::get("/v1/client/bonus")).await?;
        let total = body.get("shown_total").and_then(Value::as_i64).unwrap_or_default();
        let wholly = self.dice.chance(500);
        let amount = usable.amount.min(if wholly { total } else { total / 2 });
        if amount > 0 {
            put(body, "pay_with_bonus", json!(amount));
        }
        Ok(())
    }

    /// Pays or disputes the client's penalties and waits for the engine to record it; returns
    /// whether the client may continue.
    pub(crate) async fn settles_debts(&mut self) -> bool {
        if !self.shared.cards || !self.dice.chance(PAYS_PER_MILLE) {
            return false;
        }
        let page: Result<Page<Penalty>, _> =
            self.me.read(&Request::get("/v1/client/penalties")).await;
        let Ok(page) = page else { return false };
        for penalty in page.items.iter().filter(|penalty| penalty.state == "pending") {
            if self.settles(penalty).await.is_err() {
                return false;
            }
        }
        self.idle(COMES_SECS).await;
        true
    }

    async fn settles(&mut self, penalty: &Penalty) -> Result<(), ApiError> {
        let census = self.shared.census.clone();
        if self.dice.chance(DISPUTES_PER_MILLE) {
            let body = json!({ "reason": "Darvaza bağlı idi" });
            let request =
                Request::post(format!("/v1/client/penalties/{}/dispute", penalty.id), &body);
            // A penalty that can no longer be disputed is paid.
            if self.me.done(&request).await.is_ok() {
                one(&census.count.penalties_disputed);
                census.tell(&self.me.name, "disputed a penalty");
                return Ok(());
            }
        }
        let path = format!("/v1/client/penalties/{}/payments", penalty.id);
        let begun: Begun = self.me.read(&Request::post(&path, &json!({}))).await?;
        let refused = self.dice.chance(REFUSED_PER_MILLE);
        if refused && !begun.pay(false).await? {
            one(&census.count.cards_refused);
        }
        if begun.pay(true).await? {
            one(&census.count.penalties_paid);
            census.tell(&self.me.name, "paid a penalty");
        }
        Ok(())
    }
}
