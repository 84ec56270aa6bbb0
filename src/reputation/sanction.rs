//! The only writer of sanctions: imposing, ending and reopening one.

use entity::kinds::{CommandName, EventKind, TimerKind};
use entity::partner;
use entity::partner::PartnerState;
use entity::sanction::{self, SanctionKind};
use entity::value::{EventId, Instant, MarkId, PartnerId, PersonId, SanctionId};
use serde_json::json;
use uuid::Uuid;

use super::Refusal;
use super::read::{open, view};
use crate::access::people::person;
use crate::context::{Context, Tx};
use platform::engine::write_set::Unique;
use platform::{Audience, Command, CommandError};

/// A sanction to be imposed.
pub struct Imposed {
    /// The client or the branch.
    pub subject: Uuid,
    /// The kind of sanction.
    pub kind: SanctionKind,
    /// When it ends.
    pub until: Instant,
    /// The reason, for people.
    pub reason: String,
    /// The strikes it is imposed for (SAN-3).
    pub cause: Vec<MarkId>,
    /// The member of support who imposes it.
    pub by_person: Option<PersonId>,
}

/// Imposes a sanction where none of its kind is in force; one whose time is over is ended first.
///
/// # Errors
/// `no_such_subject`, or a fault; the command runs again where another one committed first.
pub async fn impose(tx: &mut Tx, imposed: Imposed) -> Result<sanction::Model, CommandError> {
    let Imposed { subject, kind, until, reason, cause, by_person } = imposed;
    match open(tx.db(), subject, kind).await? {
        // The caller found none in force: a concurrent command has imposed this one.
        Some(standing) if tx.now() < standing.until => return Err(CommandError::Contended),
        Some(over) => {
            close(tx, &over, over.until)?;
        }
        None => {}
    }
    let row = sanction::Model {
        id: SanctionId::new(),
        subject,
        kind,
        began_at: tx.now(),
        until,
        ended_at: None,
        reason,
        cause: serde_json::to_value(cause)?,
        address_lifted: false,
        by_person,
        version: 1,
    };
    tx.insert(row.clone());
    tx.unique(Unique {
        name: "sanction_standing",
        columns: "sanction.subject, sanction.kind",
        refusal: Refusal::Stands.refused(),
        choose_again: false,
    });
    tx.arm(TimerKind::SanctionEnd, row.id.0, until);
    if kind == SanctionKind::PartnerBlock {
        // The effect on the branch's orders is decided order by order (SAN-4).
        tx.arm(TimerKind::CloseAllForBlock, subject, tx.now());
    }
    raise(tx, subject, kind, true).await?;
    emit(tx, EventKind::SanctionBegan, &row)?;
    Ok(row)
}

/// Ends a sanction at this instant; a blocked branch is live again (SAN-4).
///
/// # Errors
/// Faults only; a lost race shows at the flush.
pub async fn end(
    tx: &mut Tx,
    row: &sanction::Model,
    at: Instant,
) -> Result<sanction::Model, CommandError> {
    let ended = close(tx, row, at)?;
    if row.kind == SanctionKind::PartnerBlock {
        raise(tx, row.subject, row.kind, false).await?;
    }
    Ok(ended)
}

/// Reopens a client's ban as it was (PEN-7).
///
/// # Errors
/// Faults only; a lost race shows at the flush.
pub fn reopen(tx: &mut Tx, row: &sanction::Model) -> Result<sanction::Model, CommandError> {
    let next = sanction::Model { ended_at: None, ..row.clone() };
    tx.update(row, &next);
    tx.arm(TimerKind::SanctionEnd, row.id.0, row.until);
    emit(tx, EventKind::SanctionBegan, &next)?;
    Ok(next)
}

/// Lets a new operator register at the address of a blocked branch (SAN-4).
pub fn lift_address(tx: &mut Tx, row: &sanction::Model) -> sanction::Model {
    let next = sanction::Model { address_lifted: true, ..row.clone() };
    tx.update(row, &next);
    next
}

/// Raises the version of the client's own row, so that a concurrent evaluation or sanction of the
/// client runs again.
///
/// # Errors
/// `no_such_subject`, or a fault.
pub async fn hold_client(tx: &mut Tx, client_id: PersonId) -> Result<(), CommandError> {
    let known = person::raise_read(tx, client_id).await?;
    if known { Ok(()) } else { Err(Refusal::NoSuchSubject.into()) }
}

/// Ends a sanction whose time is over.
pub struct EndSanction {
    /// The sanction.
    pub sanction_id: SanctionId,
}

impl Command<Context> for EndSanction {
    type Answer = ();
    const NAME: CommandName = CommandName::EndSanction;

    async fn run(&self, tx: &mut Tx) -> Result<(), CommandError> {
        let row = tx.find::<sanction::Entity>(self.sanction_id).await?;
        let row = row.ok_or(Refusal::NoSuchSanction)?;
        if row.ended_at.is_some() {
            return Err(Refusal::Over.into());
        }
        if tx.now() <= row.until {
            return Err(Refusal::NotOver.into());
        }
        end(tx, &row, row.until).await?;
        Ok(())
    }
}

fn close(tx: &mut Tx, row: &sanction::Model, at: Instant) -> Result<sanction::Model, CommandError> {
    let next = sanction::Model { ended_at: Some(at), ..row.clone() };
    tx.update(row, &next);
    tx.disarm(TimerKind::SanctionEnd, row.id.0);
    emit(tx, EventKind::SanctionEnded, &next)?;
    Ok(next)
}

/// Raises the version of the subject's row; a block sets its branch to blocked, its end to live.
async fn raise(
    tx: &mut Tx,
    subject: Uuid,
    kind: SanctionKind,
    began: bool,
) -> Result<(), CommandError> {
    let blocks = match kind {
        SanctionKind::ClientBan => return hold_client(tx, PersonId(subject)).await,
        SanctionKind::PartnerWarning | SanctionKind::PartnerVisibility => false,
        SanctionKind::PartnerBlock => true,
    };
    let row = tx.find::<partner::Entity>(PartnerId(subject)).await?;
    let row = row.ok_or(Refusal::NoSuchSubject)?;
    let state = match row.state {
        PartnerState::Live if blocks && began => PartnerState::Blocked,
        PartnerState::Blocked if blocks && !began => PartnerState::Live,
        // The end of a block does not admit a branch that was never admitted.
        state @ (PartnerState::Draft | PartnerState::Live | PartnerState::Blocked) => state,
    };
    tx.update(&row, &partner::Model { state, ..row.clone() });
    Ok(())
}

fn emit(tx: &mut Tx, event: EventKind, row: &sanction::Model) -> Result<(), CommandError> {
    let audience = match row.kind {
        SanctionKind::ClientBan => Audience::Client(PersonId(row.subject)),
        SanctionKind::PartnerWarning
        | SanctionKind::PartnerVisibility
        | SanctionKind::PartnerBlock => Audience::Branch(PartnerId(row.subject)),
    };
    let payload = json!({"sanction": view(row)?});
    tx.emit(&audience, event, None, EventId::new(), &payload)
}
