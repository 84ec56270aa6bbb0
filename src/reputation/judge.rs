//! The commands that count strikes and impose sanctions; a timer executes one after each strike is
//! recorded (SAN-3).

use chrono::TimeDelta;
use entity::kinds::CommandName;
use entity::value::{PartnerId, PersonId};
use entity::{partner, person};
use uuid::Uuid;

use super::read::record;
use super::rules::{self, CLIENT_FAULTS, PARTNER_FAULTS, Verdict};
use super::sanction::{Imposed, impose};
use crate::context::{Context, Tx};
use crate::policy;
use platform::{Command, CommandError};

/// Counts a client's strikes (SAN-1).
pub struct JudgeClient {
    /// The client.
    pub client_id: PersonId,
}

impl Command<Context> for JudgeClient {
    type Answer = ();
    const NAME: CommandName = CommandName::JudgeClient;

    async fn run(&self, tx: &mut Tx) -> Result<(), CommandError> {
        // Read first, because a concurrent waiver of a strike raises this row's version.
        let client = tx.find::<person::Entity>(self.client_id).await?;
        Tx::must("person", self.client_id, client)?;
        let keys = policy::registry::in_force(tx)?.keys;
        let since = tx.now() - TimeDelta::hours(keys.client.ban_window_h);
        let subject = self.client_id.0;
        let (faults, earlier) = record(tx.db(), subject, CLIENT_FAULTS, since).await?;
        let verdict = rules::judge_client(&faults, &earlier, &keys.client, tx.now());
        punish(tx, subject, verdict, "Late cancels, burns and no-shows").await
    }
}

/// Counts a branch's strikes (SAN-2).
pub struct JudgePartner {
    /// The branch.
    pub partner_id: PartnerId,
}

impl Command<Context> for JudgePartner {
    type Answer = ();
    const NAME: CommandName = CommandName::JudgePartner;

    async fn run(&self, tx: &mut Tx) -> Result<(), CommandError> {
        let branch = tx.find::<partner::Entity>(self.partner_id).await?;
        Tx::must("partner", self.partner_id, branch)?;
        let keys = policy::registry::in_force(tx)?.keys;
        let since = tx.now() - TimeDelta::hours(keys.partner.fault_window_h);
        let subject = self.partner_id.0;
        let (faults, earlier) = record(tx.db(), subject, PARTNER_FAULTS, since).await?;
        let verdict = rules::judge_partner(&faults, &earlier, &keys.partner, tx.now());
        punish(tx, subject, verdict, "Cancellations by the branch's fault").await
    }
}

async fn punish(
    tx: &mut Tx,
    subject: Uuid,
    verdict: Option<Verdict>,
    what: &str,
) -> Result<(), CommandError> {
    let Some(Verdict { kind, until, cause }) = verdict else { return Ok(()) };
    let reason = format!("{what}: {}", cause.len());
    impose(tx, Imposed { subject, kind, until, reason, cause, by_person: None }).await?;
    Ok(())
}
