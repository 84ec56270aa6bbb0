//! What a desk minds besides its orders: the balance and the code at the gate.

use crate::found::{available, shown_code};
use crate::staff::Desk;
use crate::support::Call;
use tokio::time::Instant;

/// Accepted orders between two looks at the balance.
const ACCEPTS_PER_LOOK: u64 = 8;
/// Below this the desk calls support for more.
const LOW_QEPIK: i64 = 700;
/// The town's seconds between two looks at the code at the gate and at the balance.
const CODE_LOOK_SECS: u64 = 900;

impl Desk {
    pub(crate) async fn mind_the_balance(&mut self) {
        self.accepts += 1;
        if self.accepts.is_multiple_of(ACCEPTS_PER_LOOK) {
            self.look_at_the_balance().await;
        }
    }

    async fn look_at_the_balance(&self) {
        if let Ok(left) = available(&self.branch.owner).await
            && left < LOW_QEPIK
        {
            self.call_for_credit();
        }
    }

    pub(crate) fn call_for_credit(&self) {
        self.calls
            .ring(Call { branch_id: self.branch.id.clone(), branch: self.branch.name.clone() });
    }

    pub(crate) async fn mind_the_gate(&mut self) {
        if Instant::now() < self.code_look_at {
            return;
        }
        self.code_look_at = Instant::now() + self.shared.pace.real(CODE_LOOK_SECS);
        if let Ok(code) = shown_code(&self.branch.owner).await {
            self.board.show(&self.branch.id, &code);
        }
        // A branch that cannot afford a commission is hidden, so no offer would remind it.
        self.look_at_the_balance().await;
    }
}
