//! Marks that are undone with what they caused, and put back (PEN-7).

use entity::mark;
use entity::sanction::{self, SanctionKind};
use entity::value::{Instant, MarkId, OrderId, PersonId, SanctionId};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QuerySelect as _};
use serde::{Deserialize, Serialize};

use super::read;
use super::rules::{self, CLIENT_FAULTS, JUDGE_CLIENT};
use super::sanction::{end, hold_client, reopen};
use crate::platform::{Stop, Tx};
use crate::policy;

/// Marks of one order at most.
const MARKS_MAX: u64 = 100;
/// Bans of one client that fell and whose time is not over, at most.
const FALLEN_MAX: u64 = 10;

/// A mark's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MarkState {
    /// The mark.
    pub id: MarkId,
    /// When it was undone.
    pub voided_at: Option<Instant>,
}

/// A ban's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BanState {
    /// The sanction.
    pub id: SanctionId,
    /// Until then.
    pub until: Instant,
    /// When it ended.
    pub ended_at: Option<Instant>,
}

/// What counted against a client, as it was or as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted {
    /// Marks.
    pub marks: Vec<MarkState>,
    /// Bans they caused.
    pub bans: Vec<BanState>,
}

/// Undoes what counts against a client in one order, and ends the ban that no longer stands on
/// enough of it; gives what it changed, before and after.
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
) -> Result<(Counted, Counted), Stop> {
    // Read first: a judge who counted before raises its version.
    hold_client(tx, client_id).await?;
    let marks = mark::Entity::find()
        .filter(mark::Column::OrderId.eq(order_id))
        .filter(mark::Column::Subject.eq(client_id.0))
        .filter(mark::Column::Kind.is_in(CLIENT_FAULTS.iter().copied()))
        .filter(mark::Column::VoidedAt.is_null())
        .limit(MARKS_MAX)
        .all(tx.db())
        .await?;
    let (mut before, mut after) = (Counted::default(), Counted::default());
    for old in marks {
        before.marks.push(MarkState { id: old.id, voided_at: None });
        after.marks.push(MarkState { id: old.id, voided_at: Some(tx.now()) });
        tx.replace(mark::Model { voided_at: Some(tx.now()), ..old });
    }
    // One that fell with an earlier mark rests on these too: the last that is put back opens it.
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
        // What is left may still be enough for another one, with what came since.
        tx.arm(JUDGE_CLIENT, client_id.0, tx.now());
    }
    Ok((before, after))
}

/// Does a ban no longer stand on enough marks, these undone as well?
async fn falls(tx: &Tx, ban: &sanction::Model, now_void: &[MarkState]) -> Result<bool, Stop> {
    let cause = read::cause(ban)?;
    let gone = undone(tx, &cause).await?;
    let voided = |id| gone.iter().chain(now_void).any(|mark| mark.id == id);
    let keys = policy::book::in_force(tx)?.keys;
    // One that rests on none of these marks is not theirs to end.
    let theirs = now_void.iter().any(|mark| cause.contains(&mark.id));
    Ok(theirs && rules::falls(&cause, voided, keys.client.ban_count))
}

/// Those of these marks that are undone.
async fn undone(tx: &Tx, cause: &[MarkId]) -> Result<Vec<MarkState>, Stop> {
    let rows = mark::Entity::find()
        .filter(mark::Column::Id.is_in(cause.iter().copied()))
        .filter(mark::Column::VoidedAt.is_not_null())
        .all(tx.db())
        .await?;
    Ok(rows.iter().map(|row| MarkState { id: row.id, voided_at: row.voided_at }).collect())
}

/// Bans that fell with an earlier mark and rest on these as well, as they are.
async fn fallen(
    tx: &Tx,
    client_id: PersonId,
    now_void: &[MarkState],
) -> Result<Vec<BanState>, Stop> {
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
        // One that support lifted did not fall at the instant of a waiver.
        let fell = |mark: &MarkState| mark.voided_at == row.ended_at;
        if theirs && undone(tx, &cause).await?.iter().any(fell) {
            fallen.push(BanState { id: row.id, until: row.until, ended_at: row.ended_at });
        }
    }
    Ok(fallen)
}

/// Puts back what was undone: the marks count again, and a ban that has enough of them again and
/// whose time is not over stands again, unless another one stands.
///
/// # Errors
/// Faults only.
pub async fn unvoid(tx: &mut Tx, client_id: PersonId, before: &Counted) -> Result<(), Stop> {
    hold_client(tx, client_id).await?;
    for was in &before.marks {
        let row = tx.find::<mark::Entity>(was.id).await?;
        let row = Tx::must("mark", was.id, row)?;
        tx.replace(mark::Model { voided_at: was.voided_at, ..row });
    }
    let keys = policy::book::in_force(tx)?.keys;
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
    tx.arm(JUDGE_CLIENT, client_id.0, tx.now());
    Ok(())
}
