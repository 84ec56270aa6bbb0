//! The proof of bonus: each lot is the sum of its postings, what is held of it is held by an open
//! order, each queue has one head, and what clients have reserved belongs to open orders (BON-1,
//! BON-3, BON-5, BAL-6).

use std::collections::{BTreeMap, BTreeSet};

use entity::bonus_account::OwnerKind;
use entity::hold::{Allocation, HoldState};
use entity::lot::{self, LotSource, LotState};
use entity::order::OrderStatus;
use entity::value::{LotId, Money, OrderId, PartnerId, PersonId};
use entity::{bonus_account, campaign, hold, order, reservation};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QuerySelect as _};
use uuid::Uuid;

use super::finding::Proof;
use super::posted::{self, Posted};
use super::scope::{ProofScope, Reading, open};
use crate::ledger::chart;
use platform::CommandError;

/// The amount that open orders hold of each lot.
type Pins = BTreeMap<LotId, i64>;

/// Runs all checks of bonus.
pub(super) async fn bonus(
    reading: &Reading<'_>,
    proof: &mut Proof,
    posted: &Posted,
    holds: &[hold::Model],
) -> Result<(), CommandError> {
    let mut pins = Pins::new();
    for row in holds {
        if !proof.skips("hold", row.id.0) {
            parts(proof, row);
        }
        add(
            &mut pins,
            row.allocations
                .as_ref()
                .map(|allocations| allocations.0.as_slice())
                .unwrap_or_default(),
        );
    }
    reservations(reading, proof, &mut pins).await?;
    let live = lots(reading, proof, posted, pins).await?;
    let select = bonus_account::Entity::find().filter(bonus_account::Column::Live.eq(true));
    let bonus_accounts = open(reading.read, proof, select).await?;
    let said: BTreeSet<Uuid> = bonus_accounts.iter().map(|row| row.id).collect();
    for owner in said.symmetric_difference(&live) {
        if proof.reads("lot") && !proof.skips("bonus_account", *owner) {
            let detail = format!("says live={}, its lots differ", said.contains(owner));
            proof.wrong("bonus_account_live", "bonus_account", owner, detail);
        }
    }
    Ok(())
}

fn add(pins: &mut Pins, allocations: &[Allocation]) {
    for allocation in allocations {
        if let Some(pin) = allocation.pin {
            *pins.entry(pin.lot).or_default() += allocation.amount.0;
        }
    }
}

/// Checks that a hold's allocations add up to its amounts.
fn parts(proof: &mut Proof, row: &hold::Model) {
    let allocations =
        row.allocations.as_ref().map(|allocations| allocations.0.as_slice()).unwrap_or_default();
    let of = |bonus: bool| {
        let parts = allocations.iter().filter(|allocation| allocation.pin.is_some() == bonus);
        parts.map(|allocation| allocation.amount.0).sum::<i64>()
    };
    let plain = row.allocations.is_none() && row.bonus == Money::ZERO;
    if !plain && (of(false), of(true)) != (row.amount.0, row.bonus.0) {
        let detail = format!("says {} and {} of bonus, its parts differ", row.amount, row.bonus);
        proof.wrong("hold_parts", "hold", row.id, detail);
    }
}

/// Checks that each reservation belongs to an open order that states it, and the other way round.
async fn reservations(
    reading: &Reading<'_>,
    proof: &mut Proof,
    pins: &mut Pins,
) -> Result<(), CommandError> {
    let read = reading.read;
    let live = [
        OrderStatus::Requested,
        OrderStatus::Confirmed,
        OrderStatus::OnTheWay,
        OrderStatus::Active,
    ];
    let mut due: BTreeMap<OrderId, Money> = order::Entity::find()
        .select_only()
        .column(order::Column::Id)
        .column(order::Column::Bonus)
        .filter(order::Column::Bonus.ne(0))
        .filter(order::Column::Status.is_in(live))
        .into_tuple::<(OrderId, Money)>()
        .all(read)
        .await?
        .into_iter()
        .collect();
    let select = reservation::Entity::find()
        .filter(reservation::Column::State.eq(HoldState::Open))
        .filter(reservation::Column::Amount.ne(0));
    for row in open(read, proof, select).await? {
        let sum: i64 = row.allocations.0.iter().map(|allocation| allocation.amount.0).sum();
        let wanted = due.remove(&row.id);
        if wanted != Some(row.amount) || sum != row.amount.0 {
            let detail = format!("sets {} aside, its parts {}", row.amount, Money(sum));
            proof.wrong("reservation_order", "reservation", row.id, detail);
        }
        add(pins, &row.allocations.0);
    }
    for (id, amount) in
        due.into_iter().filter(|(id, _)| !proof.skips("reservation", id.0)).collect::<Vec<_>>()
    {
        let detail = format!("is paid with {amount} of bonus that nothing sets aside");
        proof.wrong("order_reserved", "order", id, detail);
    }
    Ok(())
}

/// Checks each lot; returns the owners that have one in their queue.
async fn lots(
    reading: &Reading<'_>,
    proof: &mut Proof,
    posted: &Posted,
    mut pins: Pins,
) -> Result<BTreeSet<Uuid>, CommandError> {
    let mut unseen: BTreeMap<&String, i64> = posted
        .accounts
        .iter()
        .filter(|(name, sum)| name.starts_with("lot:") && **sum != 0)
        .map(|(name, sum)| (name, *sum))
        .collect();
    let mut heads: BTreeMap<Uuid, (i64, Vec<lot::Model>)> = BTreeMap::new();
    let mut given: BTreeMap<Uuid, i64> = BTreeMap::new();
    let named = named(reading, &unseen, &pins).await?;
    let mut walk = reading.walk(|touched| {
        let named: BTreeSet<Uuid> = touched.lots.iter().copied().chain(named).collect();
        named.into_iter().collect()
    });
    while let Some(rows) =
        walk.next(reading.read, proof, lot::Entity::find(), |row| row.id.0).await?
    {
        for row in rows {
            let sum = unseen.remove(&chart::lot(row.id)).unwrap_or(0);
            if sum != row.free.0 + row.pinned.0 {
                let has = Money(row.free.0 + row.pinned.0);
                let detail = format!("has {has}, its postings say {}", Money(sum));
                proof.wrong("lot_posted", "lot", row.id, detail);
            }
            let held = pins.remove(&row.id).unwrap_or(0);
            if held != row.pinned.0 && proof.reads("hold") && proof.reads("reservation") {
                let detail =
                    format!("is held for {}, open orders hold {}", row.pinned, Money(held));
                proof.wrong("lot_pinned", "lot", row.id, detail);
            }
            stated(proof, posted, &row, reading.whole());
            if let Some(campaign) = row.source_id.filter(|_| row.source == LotSource::Campaign) {
                *given.entry(campaign).or_default() += row.amount.0;
            }
            queue(proof, &mut heads, row);
        }
    }
    for (name, sum) in unseen {
        if !posted::lot(name).is_some_and(|id| proof.skips("lot", id)) {
            proof.wrong("lot_account", "posting", name, format!("has {} and no lot", Money(sum)));
        }
    }
    for (lot, held) in pins {
        if !proof.skips("lot", lot.0) {
            proof.wrong("lot_held", "lot", lot, format!("{} is held of no lot", Money(held)));
        }
    }
    if reading.whole() && proof.reads("lot") {
        campaigns(reading, proof, given).await?;
    }
    let mut live = BTreeSet::new();
    for (owner, (first, running)) in heads {
        live.insert(owner);
        let right = running.len() == 1 && running.iter().all(|lot| lot.place == first);
        if !right && proof.reads("lot") {
            let detail = format!("{} clocks run", running.len());
            proof.wrong("queue_head", "bonus_account", owner, detail);
        }
    }
    Ok(live)
}

/// The lots that an incremental proof checks beside the touched ones: those in a queue, with
/// anything left by their postings, or held.
async fn named(
    reading: &Reading<'_>,
    unseen: &BTreeMap<&String, i64>,
    pins: &Pins,
) -> Result<Vec<Uuid>, CommandError> {
    let ProofScope::Since(_) = reading.scope else { return Ok(Vec::new()) };
    let live = [LotState::Queued, LotState::Running];
    let select = lot::Entity::find().select_only().column(lot::Column::Id);
    let select = select.filter(lot::Column::State.is_in(live));
    let mut ids: Vec<Uuid> = select.into_tuple().all(reading.read).await?;
    ids.extend(unseen.keys().filter_map(|name| posted::lot(name)));
    ids.extend(pins.keys().map(|lot| lot.0));
    Ok(ids)
}

/// Checks that a lot's amount is what its grant posted, and that its postings are on its owner's
/// statement (BAL-4, BON-2).
fn stated(proof: &mut Proof, posted: &Posted, row: &lot::Model, whole: bool) {
    let granted = posted.granted.get(&row.id).copied();
    if granted.map_or(whole, |granted| granted != row.amount.0) {
        let granted = Money(granted.unwrap_or(0));
        let detail = format!("is of {}, {granted} was granted", row.amount);
        proof.wrong("lot_amount", "lot", row.id, detail);
    }
    let stands_on = match row.owner_kind {
        OwnerKind::Client => (None, Some(PersonId(row.owner))),
        OwnerKind::Partner => (Some(PartnerId(row.owner)), None),
    };
    let named = posted.lots.get(&row.id).into_iter().flatten();
    for (_, line) in named.filter(|(stands, _)| **stands != stands_on) {
        let detail = format!("is of lot {}, stands on another statement", row.id);
        proof.wrong("posting_stated", "posting", line, detail);
    }
}

/// Checks that each campaign has granted what its lots state (BON-8).
async fn campaigns(
    reading: &Reading<'_>,
    proof: &mut Proof,
    mut given: BTreeMap<Uuid, i64>,
) -> Result<(), CommandError> {
    let rows = open(reading.read, proof, campaign::Entity::find()).await?;
    for row in rows {
        let sum = given.remove(&row.id.0).unwrap_or(0);
        if sum != row.granted.0 {
            let detail = format!("has given {}, its lots say {}", row.granted, Money(sum));
            proof.wrong("campaign_granted", "campaign", row.id, detail);
        }
    }
    Ok(())
}

/// Collects the first place of each queue and the lots whose lifetime is running; checks that an
/// ended lot has nothing free.
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
