//! Support's acts on sanctions, each with a reason (SUP-2): imposing one, lifting one, opening an
//! address.

use chrono::TimeDelta;
use entity::kinds::{CommandName, EventKind, SupportQueue};
use entity::sanction::{self, SanctionKind};
use entity::value::{EventId, Money, SanctionId};
use serde_json::{Value, json};
use uuid::Uuid;

use super::Refusal;
use super::read::{SanctionView, standing, whole};
use super::sanction::{Imposed, end, impose, lift_address};
use crate::access::limits;
use crate::context::{Context, Tx};
use platform::codes::given;
use platform::engine::audit::AuditedAct;
use platform::{Audience, Command, CommandError};

/// The longest sanction that support may impose, in hours: a year.
const HOURS_MAX: i64 = 8_760;

/// Imposes a sanction.
pub struct Impose {
    /// The client or the branch.
    pub subject: Uuid,
    /// The kind of sanction.
    pub kind: SanctionKind,
    /// The duration in hours.
    pub hours: i64,
    /// Support's reason.
    pub reason: String,
}

impl Command<Context> for Impose {
    type Answer = SanctionView;
    const NAME: CommandName = CommandName::ImposeSanction;

    async fn run(&self, tx: &mut Tx) -> Result<SanctionView, CommandError> {
        let reason = given(&self.reason)?.to_owned();
        if !(1..=HOURS_MAX).contains(&self.hours) {
            return Err(Refusal::SanctionInvalid.into());
        }
        let (subject, kind) = (self.subject, self.kind);
        if let Some(stands) = standing(tx.db(), subject, kind, tx.now()).await? {
            return Err(Refusal::Stands.refused().with("until", stands.until).into());
        }
        let imposed = Imposed {
            subject,
            kind,
            until: tx.now() + TimeDelta::hours(self.hours),
            reason,
            cause: Vec::new(),
            by_person: tx.by().person_id,
        };
        let row = impose(tx, imposed).await?;
        recorded(tx, "impose_sanction", &row, None, &self.reason).await?;
        Ok(whole(&row)?)
    }
}

/// Ends a sanction before its time.
pub struct Lift {
    /// The sanction.
    pub sanction_id: SanctionId,
    /// Support's reason.
    pub reason: String,
}

impl Command<Context> for Lift {
    type Answer = SanctionView;
    const NAME: CommandName = CommandName::LiftSanction;

    async fn run(&self, tx: &mut Tx) -> Result<SanctionView, CommandError> {
        let reason = given(&self.reason)?;
        let row = not_over(tx, self.sanction_id).await?;
        let lifted = end(tx, &row, tx.now()).await?;
        recorded(tx, "lift_sanction", &lifted, Some(&row), reason).await?;
        emit(tx, EventKind::SupportSanctionLifted, &row, &lifted, reason)?;
        Ok(whole(&lifted)?)
    }
}

/// Lets a new operator register at the address of a blocked branch (SAN-4).
pub struct LiftAddress {
    /// The block.
    pub sanction_id: SanctionId,
    /// Support's reason.
    pub reason: String,
}

impl Command<Context> for LiftAddress {
    type Answer = SanctionView;
    const NAME: CommandName = CommandName::LiftAddress;

    async fn run(&self, tx: &mut Tx) -> Result<SanctionView, CommandError> {
        let reason = given(&self.reason)?;
        let row = not_over(tx, self.sanction_id).await?;
        if row.kind != SanctionKind::PartnerBlock {
            return Err(Refusal::NoBlock.into());
        }
        let lifted = lift_address(tx, &row);
        recorded(tx, "lift_address", &lifted, Some(&row), reason).await?;
        emit(tx, EventKind::SupportAddressLifted, &row, &lifted, reason)?;
        Ok(whole(&lifted)?)
    }
}

/// Writes the permanent audit record of the act.
async fn recorded(
    tx: &mut Tx,
    kind: &'static str,
    after: &sanction::Model,
    before: Option<&sanction::Model>,
    reason: &str,
) -> Result<(), CommandError> {
    let before = before.map(|row| whole(row).map(|view| json!(view))).transpose()?;
    let act = AuditedAct {
        kind,
        subject: ("sanction", after.id.0),
        amount: Money::ZERO,
        reason: reason.trim(),
        before: before.unwrap_or(Value::Null),
        after: json!(whole(after)?),
    };
    limits::act(tx, act).await
}

async fn not_over(tx: &mut Tx, id: SanctionId) -> Result<sanction::Model, CommandError> {
    let row = tx.find::<sanction::Entity>(id).await?.ok_or(Refusal::NoSuchSanction)?;
    let stands = row.ended_at.is_none() && tx.now() < row.until;
    if stands { Ok(row) } else { Err(Refusal::Over.into()) }
}

/// Emits the act to support: before, after, who and why.
fn emit(
    tx: &mut Tx,
    event: EventKind,
    before: &sanction::Model,
    after: &sanction::Model,
    reason: &str,
) -> Result<(), CommandError> {
    let payload = json!({
        "before": whole(before)?,
        "after": whole(after)?,
        "reason": reason,
        "by_person": tx.by().person_id,
    });
    tx.emit(&Audience::Support(SupportQueue::Sanctions), event, None, EventId::new(), &payload)
}
