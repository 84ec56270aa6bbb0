//! Voiding strikes together with the ban they caused, and restoring both (PEN-7).

use entity::kinds::TimerKind;
use entity::sanction::{self, SanctionKind};
use entity::strike;
use entity::value::{Instant, MarkId, OrderId, PersonId, SanctionId};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QuerySelect as _};
use serde::{Deserialize, Serialize};

use super::read;
use super::rules::{self, CLIENT_FAULTS};
use super::sanction::{end, hold_client, reopen};
use crate::context::Tx;
use crate::policy;
use platform::CommandError;

/// Maximum number of strikes of one order.
const MARKS_MAX: u64 = 100;
/// Maximum number of a client's bans that were ended by a waiver before their time.
const FALLEN_MAX: u64 = 10;

/// The state of a strike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MarkState {
    /// The strike.
    pub id: MarkId,
    /// When it was voided.
    pub voided_at: Option<Instant>,
}

/// The state of a ban.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BanState {
    /// The sanction.
    pub id: SanctionId,
    /// When it ends.
    pub until: Instant,
    /// When it was ended.
    pub ended_at: Option<Instant>,
}

/// A client's strikes and bans, before or after a waiver.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted {
    /// The strikes.
    pub marks: Vec<MarkState>,
    /// The bans they caused.
    pub bans: Vec<BanState>,
}

/// Voids a client's strikes from one order, and ends the ban that has too few strikes left; returns
/// what it changed, before and after.
///
/// # Source
/// PEN-7: counters, and the ban they caused.
///
/// # Errors
/// Faults only.
pub async fn void(
    tx: &mut Tx,
    client_id: PersonId,
    order_id: OrderId,
) -> Result<(Counted, Counted), CommandError> {
    // Read first, because an evaluation that counted before raises this row's version.
    hold_client(tx, client_id).await?;
    let marks = strike::Entity::find()
        .filter(strike::Column::OrderId.eq(order_id))
        .filter(strike::Column::Subject.eq(client_id.0))
        .filter(strike::Column::Kind.is_in(CLIENT_FAULTS.iter().copied()))
        .filter(strike::Column::VoidedAt.is_null())
        .limit(MARKS_MAX)
        .all(tx.db())
        .await?;
    let (mut before, mut after) = (Counted::default(), Counted::default());
    for old in marks {
        before.marks.push(MarkState { id: old.id, voided_at: None });
        after.marks.push(MarkState { id: old.id, voided_at: Some(tx.now()) });
        tx.replace(strike::Model { voided_at: Some(tx.now()), ..old });
    }
    // A ban ended with an earlier strike may depend on these too; restoring the last one reopens
    // it.
    before.bans = fallen(tx, client_id, &after.marks).await?;
    after.bans.clone_from(&before.bans);
    let kind = SanctionKind::ClientBan;
    let Some(ban) = read::standing(tx.db(), client_id.0, kind, tx.now()).await? else {
        return Ok((before, after));
    };
    if falls(tx, &ban, &after.marks).await? {
        before.bans.push(BanState { id: ban.id, until: ban.until, ended_at: None });
        let ended = end(tx, &ban, tx.now()).await?;
        after.bans.push(BanState { id: ban.id, until: ban.until, ended_at: ended.ended_at });
        // The remaining and the newer strikes may suffice for another ban.
        tx.arm(TimerKind::JudgeClient, client_id.0, tx.now());
    }
    Ok((before, after))
}

/// Whether a ban has too few strikes left, with `now_void` voided as well.
async fn falls(
    tx: &Tx,
    ban: &sanction::Model,
    now_void: &[MarkState],
) -> Result<bool, CommandError> {
    let cause = read::cause(ban)?;
    let gone = undone(tx, &cause).await?;
    let voided = |id| gone.iter().chain(now_void).any(|mark| mark.id == id);
    let keys = policy::registry::in_force(tx)?.keys;
    // A ban that depends on none of these strikes is not ended.
    let theirs = now_void.iter().any(|mark| cause.contains(&mark.id));
    Ok(theirs && rules::falls(&cause, voided, keys.client.ban_count))
}

/// Those of these strikes that are voided.
async fn undone(tx: &Tx, cause: &[MarkId]) -> Result<Vec<MarkState>, CommandError> {
    let rows = strike::Entity::find()
        .filter(strike::Column::Id.is_in(cause.iter().copied()))
        .filter(strike::Column::VoidedAt.is_not_null())
        .all(tx.db())
        .await?;
    Ok(rows.iter().map(|row| MarkState { id: row.id, voided_at: row.voided_at }).collect())
}

/// Bans that were ended with an earlier strike and depend on these as well, in their current state.
async fn fallen(
    tx: &Tx,
    client_id: PersonId,
    now_void: &[MarkState],
) -> Result<Vec<BanState>, CommandError> {
    let rows = sanction::Entity::find()
        .filter(sanction::Column::Subject.eq(client_id.0))
        .filter(sanction::Column::Kind.eq(SanctionKind::ClientBan))
        .filter(sanction::Column::EndedAt.is_not_null())
        .filter(sanction::Column::Until.gt(tx.now()))
        .limit(FALLEN_MAX)
        .all(tx.db())
        .await?;
    let mut fallen = Vec::new();
    for row in rows {
        let cause = read::cause(&row)?;
        let theirs = now_void.iter().any(|mark| cause.contains(&mark.id));
        // A ban lifted by support did not end at the instant of a waiver.
        let fell = |mark: &MarkState| mark.voided_at == row.ended_at;
        if theirs && undone(tx, &cause).await?.iter().any(fell) {
            fallen.push(BanState { id: row.id, until: row.until, ended_at: row.ended_at });
        }
    }
    Ok(fallen)
}

/// Restores voided strikes: they count again, and a ban that has enough of them again and whose
/// time is not over is reopened, unless another one is open.
///
/// # Errors
/// Faults only.
pub async fn unvoid(
    tx: &mut Tx,
    client_id: PersonId,
    before: &Counted,
) -> Result<(), CommandError> {
    hold_client(tx, client_id).await?;
    for was in &before.marks {
        let row = tx.find::<strike::Entity>(was.id).await?;
        let row = Tx::must("strike", was.id, row)?;
        tx.replace(strike::Model { voided_at: was.voided_at, ..row });
    }
    let keys = policy::registry::in_force(tx)?.keys;
    let other = read::open(tx.db(), client_id.0, SanctionKind::ClientBan).await?;
    for was in &before.bans {
        let row = tx.find::<sanction::Entity>(was.id).await?;
        let row = Tx::must("sanction", was.id, row)?;
        let cause = read::cause(&row)?;
        let gone = undone(tx, &cause).await?;
        let back = |id| before.marks.iter().any(|was| was.id == id && was.voided_at.is_none());
        let voided = |id| !back(id) && gone.iter().any(|mark| mark.id == id);
        let since = was.ended_at.is_none() || was.ended_at == row.ended_at;
        let ended = row.ended_at.is_some() && since && tx.now() < row.until;
        let enough = !rules::falls(&cause, voided, keys.client.ban_count);
        if other.is_none() && ended && enough {
            reopen(tx, &row)?;
            break;
        }
    }
    tx.arm(TimerKind::JudgeClient, client_id.0, tx.now());
    Ok(())
}
