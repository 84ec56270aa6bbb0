//! The proof of bonus: each lot is the sum of its postings, what is held of it is held by an open
//! order, each queue has one head, and what clients have set aside belongs to open orders (BON-1,
//! BON-3, BON-5, BAL-6).

use std::collections::{BTreeMap, BTreeSet};

use entity::hold::{HoldState, Leg};
use entity::lot::{self, LotSource, LotState};
use entity::order::Status;
use entity::value::{LotId, Money, OrderId};
use entity::{campaign, hold, order, purse, reservation};
use sea_orm::{
    ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
};
use uuid::Uuid;

use super::chart;
use super::proof::Proof;
use crate::platform::{Snapshot, Stop};

/// Rows read at once.
const BATCH: u64 = 5_000;

/// What open orders hold of each lot.
type Pins = BTreeMap<LotId, i64>;

/// Everything about bonus.
pub(super) async fn bonus(
    read: &Snapshot,
    proof: &mut Proof,
    accounts: &BTreeMap<String, i64>,
    holds: &[hold::Model],
) -> Result<(), Stop> {
    let mut pins = Pins::new();
    for row in holds {
        parts(proof, row);
        add(&mut pins, row.legs.as_ref().map(|legs| legs.0.as_slice()).unwrap_or_default());
    }
    reservations(read, proof, &mut pins).await?;
    let live = lots(read, proof, accounts, pins).await?;
    let purses = purse::Entity::find().filter(purse::Column::Live.eq(true)).all(read).await?;
    let said: BTreeSet<Uuid> = purses.iter().map(|row| row.id).collect();
    proof.checked("purse", purses.len());
    for owner in said.symmetric_difference(&live) {
        let detail = format!("says live={}, its lots differ", said.contains(owner));
        proof.wrong("purse_live", "purse", owner, detail);
    }
    Ok(())
}

fn add(pins: &mut Pins, legs: &[Leg]) {
    for leg in legs {
        if let Some(pin) = leg.pin {
            *pins.entry(pin.lot).or_default() += leg.amount.0;
        }
    }
}

/// The parts of a hold add up to what it says it holds.
fn parts(proof: &mut Proof, row: &hold::Model) {
    let legs = row.legs.as_ref().map(|legs| legs.0.as_slice()).unwrap_or_default();
    let of = |bonus: bool| {
        let parts = legs.iter().filter(|leg| leg.pin.is_some() == bonus);
        parts.map(|leg| leg.amount.0).sum::<i64>()
    };
    let plain = row.legs.is_none() && row.bonus == Money::ZERO;
    if !plain && (of(false), of(true)) != (row.amount.0, row.bonus.0) {
        let detail = format!("says {} and {} of bonus, its parts differ", row.amount, row.bonus);
        proof.wrong("hold_parts", "hold", row.id, detail);
    }
}

/// What is set aside belongs to an open order that says so, and the other way round.
async fn reservations(read: &Snapshot, proof: &mut Proof, pins: &mut Pins) -> Result<(), Stop> {
    let open = [Status::Requested, Status::Confirmed, Status::OnTheWay, Status::Active];
    let mut due: BTreeMap<OrderId, Money> = order::Entity::find()
        .select_only()
        .column(order::Column::Id)
        .column(order::Column::Bonus)
        .filter(order::Column::Bonus.ne(0))
        .filter(order::Column::Status.is_in(open))
        .into_tuple::<(OrderId, Money)>()
        .all(read)
        .await?
        .into_iter()
        .collect();
    let rows = reservation::Entity::find()
        .filter(reservation::Column::State.eq(HoldState::Open))
        .filter(reservation::Column::Amount.ne(0))
        .all(read)
        .await?;
    proof.checked("reservation", rows.len());
    for row in rows {
        let sum: i64 = row.legs.0.iter().map(|leg| leg.amount.0).sum();
        let wanted = due.remove(&row.id);
        if wanted != Some(row.amount) || sum != row.amount.0 {
            let detail = format!("sets {} aside, its parts {}", row.amount, Money(sum));
            proof.wrong("reservation_order", "reservation", row.id, detail);
        }
        add(pins, &row.legs.0);
    }
    for (id, amount) in due {
        let detail = format!("is paid with {amount} of bonus that nothing sets aside");
        proof.wrong("order_reserved", "order", id, detail);
    }
    Ok(())
}

/// Checks each lot; gives the owners that have one in their queue.
async fn lots(
    read: &Snapshot,
    proof: &mut Proof,
    accounts: &BTreeMap<String, i64>,
    mut pins: Pins,
) -> Result<BTreeSet<Uuid>, Stop> {
    let mut unseen: BTreeMap<&String, i64> = accounts
        .iter()
        .filter(|(name, sum)| name.starts_with("lot:") && **sum != 0)
        .map(|(name, sum)| (name, *sum))
        .collect();
    let mut heads: BTreeMap<Uuid, (i64, Vec<lot::Model>)> = BTreeMap::new();
    let mut given: BTreeMap<Uuid, i64> = BTreeMap::new();
    let mut after = LotId(Uuid::nil());
    loop {
        let rows = lot::Entity::find()
            .filter(lot::Column::Id.gt(after))
            .order_by_asc(lot::Column::Id)
            .limit(BATCH)
            .all(read)
            .await?;
        proof.checked("lot", rows.len());
        let Some(last) = rows.last() else { break };
        after = last.id;
        for row in rows {
            let sum = unseen.remove(&chart::lot(row.id)).unwrap_or(0);
            if sum != row.free.0 + row.pinned.0 {
                let has = Money(row.free.0 + row.pinned.0);
                let detail = format!("has {has}, its postings say {}", Money(sum));
                proof.wrong("lot_posted", "lot", row.id, detail);
            }
            let held = pins.remove(&row.id).unwrap_or(0);
            if held != row.pinned.0 {
                let detail =
                    format!("is held for {}, open orders hold {}", row.pinned, Money(held));
                proof.wrong("lot_pinned", "lot", row.id, detail);
            }
            if let Some(campaign) = row.source_id.filter(|_| row.source == LotSource::Campaign) {
                *given.entry(campaign).or_default() += row.amount.0;
            }
            queue(proof, &mut heads, row);
        }
    }
    for (name, sum) in unseen {
        proof.wrong("lot_account", "posting", name, format!("has {} and no lot", Money(sum)));
    }
    for (lot, held) in pins {
        proof.wrong("lot_held", "lot", lot, format!("{} is held of no lot", Money(held)));
    }
    campaigns(read, proof, given).await?;
    let mut live = BTreeSet::new();
    for (owner, (first, running)) in heads {
        live.insert(owner);
        if running.len() != 1 || running.iter().any(|lot| lot.place != first) {
            let detail = format!("{} clocks run", running.len());
            proof.wrong("queue_head", "purse", owner, detail);
        }
    }
    Ok(live)
}

/// Each campaign has given what its lots say (BON-8).
async fn campaigns(
    read: &Snapshot,
    proof: &mut Proof,
    mut given: BTreeMap<Uuid, i64>,
) -> Result<(), Stop> {
    let rows = campaign::Entity::find().all(read).await?;
    proof.checked("campaign", rows.len());
    for row in rows {
        let sum = given.remove(&row.id.0).unwrap_or(0);
        if sum != row.granted.0 {
            let detail = format!("has given {}, its lots say {}", row.granted, Money(sum));
            proof.wrong("campaign_granted", "campaign", row.id, detail);
        }
    }
    Ok(())
}

/// Notes the first place of each queue and the lots whose clocks run; what is over has nothing
/// free.
fn queue(proof: &mut Proof, heads: &mut BTreeMap<Uuid, (i64, Vec<lot::Model>)>, row: lot::Model) {
    let live = matches!(row.state, LotState::Queued | LotState::Running);
    if live != row.free.is_positive() {
        let detail = format!("is {:?} with {} free", row.state, row.free);
        proof.wrong("lot_state", "lot", row.id, detail);
    }
    if !live {
        return;
    }
    let head = heads.entry(row.owner).or_insert((row.place, Vec::new()));
    head.0 = head.0.min(row.place);
    if row.state == LotState::Running {
        head.1.push(row);
    }
}
