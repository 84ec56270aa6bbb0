//! A branch's balance and arrival code, as its desk maintains them.

use crate::city::{available, shown_code};
use crate::people::cards::Begun;
use crate::people::staff::topped::Topped;
use crate::people::{Call, Desk};
use crate::statistics::one;
use client::{ApiError, Request};
use serde_json::json;
use tokio::time::Instant;

/// Accepted orders between two checks of the balance.
const ACCEPTS_PER_LOOK: u64 = 8;
/// Below this balance the desk tops up, or requests credit from support.
const LOW_QEPIK: i64 = 700;
/// Wait for a top-up, and delay before some request a refund, simulated seconds.
const REGRET_SECS: u64 = 900;
/// Simulated seconds between two reads of the arrival code and the balance: yesterday's code is
/// valid for ten minutes after midnight.
const GATE_LOOK_SECS: u64 = 300;
/// Amounts of a card top-up, qəpik; 50.00 and more earn a bonus.
const AMOUNTS: [i64; 4] = [2_000, 3_000, 5_000, 10_000];
/// Desks of a thousand that top up at a check although the balance suffices.
const EARLY_PER_MILLE: u32 = 60;
/// Payment pages of a thousand that are left unpaid.
const LEFT_PER_MILLE: u32 = 80;
/// Cards of a thousand that are declined.
const REFUSED_PER_MILLE: u32 = 80;
/// Top-ups of a thousand for which a refund is requested.
const REGRETS_PER_MILLE: u32 = 80;

impl Desk {
    pub(crate) async fn mind_the_balance(&mut self) {
        self.accepts += 1;
        if self.accepts.is_multiple_of(ACCEPTS_PER_LOOK) {
            self.look_at_the_balance().await;
        }
    }

    async fn look_at_the_balance(&mut self) {
        let Ok(left) = available(&self.branch.owner).await else { return };
        let early = self.shared.cards && self.dice.chance(EARLY_PER_MILLE);
        if left < LOW_QEPIK || early {
            self.wants_credit().await;
        }
    }

    /// Tops up by card where a provider is configured; otherwise, or when that fails, requests
    /// credit from support. Does nothing while a recent top-up is pending.
    pub(crate) async fn wants_credit(&mut self) {
        let wait = self.shared.pace.real(REGRET_SECS);
        if self.topped.as_ref().is_some_and(|topped| topped.at.elapsed() < wait) {
            return;
        }
        if !self.shared.cards || self.tops_up().await.is_err() {
            self.call_for_credit();
        }
    }

    pub(crate) fn call_for_credit(&self) {
        self.calls
            .ring(Call { branch_id: self.branch.id.clone(), branch: self.branch.name.clone() });
    }

    async fn tops_up(&mut self) -> Result<(), ApiError> {
        let census = self.shared.census.clone();
        let amount = self.dice.pick(&AMOUNTS).copied().unwrap_or_default();
        let request = Request::post("/v1/partner/top-ups", &json!({ "amount": amount }));
        let begun: Begun = self.branch.owner.read(&request).await?;
        one(&census.count.top_ups);
        let regrets = self.dice.chance(REGRETS_PER_MILLE);
        self.topped = Some(Topped { id: begun.id.clone(), regrets, at: Instant::now() });
        if self.dice.chance(LEFT_PER_MILLE) {
            one(&census.count.pages_left);
            census.tell(&self.branch.name, "left the page of the bank");
            return Ok(());
        }
        if self.dice.chance(REFUSED_PER_MILLE) && !begun.pay(false).await? {
            one(&census.count.cards_refused);
        }
        if begun.pay(true).await? {
            one(&census.count.top_ups_paid);
            let azn = format!("topped up {}.00 AZN by card", amount / 100);
            census.tell(&self.branch.name, azn);
        }
        Ok(())
    }

    /// Requests a refund for some top-ups a quarter of an hour later; what was spent stays.
    async fn regret(&mut self) {
        let wait = self.shared.pace.real(REGRET_SECS);
        let due = |topped: &&mut Topped| topped.regrets && topped.at.elapsed() >= wait;
        let Some(topped) = self.topped.as_mut().filter(due) else { return };
        topped.regrets = false;
        let request =
            Request::post(format!("/v1/partner/top-ups/{}/refund", topped.id), &json!({}));
        if self.branch.owner.done(&request).await.is_ok() {
            one(&self.shared.census.count.top_ups_back);
            self.shared.census.tell(&self.branch.name, "took a top-up back");
        }
    }

    pub(crate) async fn mind_the_gate(&mut self) {
        if Instant::now() < self.code_look_at {
            return;
        }
        self.code_look_at = Instant::now() + self.shared.pace.real(GATE_LOOK_SECS);
        if let Ok(code) = shown_code(&self.branch.owner).await {
            self.board.show(&self.branch.id, &code);
        }
        self.regret().await;
        // A branch that cannot cover a commission is hidden and gets no offers that would trigger a
        // check.
        self.look_at_the_balance().await;
    }
}
