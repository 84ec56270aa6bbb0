//! The one writer of orders: row, history, timers, strikes, penalty and the events of both sides,
//! in one write set.

use entity::kinds::{EventKind, StrikeKind, SupportQueue, TimerKind};
use entity::order::{EndReason, Model, OrderStatus};
use entity::order_step;
use entity::value::{Actor, EventId};
use serde::Serialize;
use serde_json::Value;

use super::decision::Step;
use super::machine::Intent;
use super::view::{OrderView, Reader, Viewer};
use super::{capacity, money, timers};
use crate::access::people::person;
use crate::billing::penalties::owe;
use crate::context::Tx;
use crate::ledger::post::pending;
use crate::partners::capacity::availability;
use crate::reputation::record;
use crate::{policy, reputation};
use platform::engine::write_set::{Cell, Unique};
use platform::{Audience, CommandError};

#[derive(Serialize)]
struct EventData<'a> {
    order: &'a OrderView,
    actor: By,
    #[serde(skip_serializing_if = "Value::is_null")]
    note: &'a Value,
}

#[derive(Serialize)]
struct By {
    kind: Actor,
}

/// Writes a new order; `auto` if the branch confirms it automatically.
///
/// # Errors
/// Faults only; the database may still refuse a second open quick order of the car.
pub fn create(tx: &mut Tx, order: &Model, auto: bool) -> Result<(), CommandError> {
    tx.insert_cached(order.clone());
    tx.unique(Unique {
        name: "order_open_quick_car",
        columns: "order.car_id",
        refusal: super::Refusal::CarBusy.refused(),
        choose_again: false,
    });
    let step = Step::new(Intent::Place, EventKind::OrderRequested, order.clone());
    record(tx, None, &step);
    occupy(tx, None, order);
    arm(tx, None, order)?;
    if auto {
        // The timer is due at once; if the floor refuses, the partner may still accept (BK-4).
        tx.arm(TimerKind::AutoConfirm, order.id.0, tx.now());
    }
    emit(tx, &step)
}

/// Writes a step, with what it does to the order's money; returns the order after it.
///
/// # Errors
/// `insufficient_balance` at the flush, or a fault; a concurrent change is detected at the flush.
pub async fn step(tx: &mut Tx, old: &Model, mut step: Step) -> Result<Model, CommandError> {
    step.next = money::moved(tx, old, step.next, step.money).await?;
    step.next.updated_at = tx.now();
    if let OrderStatus::Active | OrderStatus::Completed | OrderStatus::Cancelled = step.next.status
    {
        // Any end, and the admission, discards a pending proposal (ORD-8).
        step.next.proposal = None;
    }
    if step.next.unreadable.take().is_some() {
        rewrite(tx, old, &step.next);
        step.next.version = old.version + 1;
        answered(tx, old, &mut step);
        record(tx, Some(old.status), &step);
    } else {
        tx.update(old, &step.next);
        step.next.version = old.version + 1;
        answered(tx, old, &mut step);
        record(tx, Some(old.status), &step);
        occupy(tx, Some(old), &step.next);
        arm(tx, Some(old), &step.next)?;
    }
    if let (None, Some(amount)) = (old.penalty, step.next.penalty) {
        owe::owe(tx, &step.next, amount);
    }
    for (kind, due) in &step.timers {
        tx.arm(*kind, step.next.id.0, *due);
    }
    emit(tx, &step)?;
    Ok(step.next)
}

/// Ends an order with unreadable fields: everything it may hold or wait for is released, and the
/// unreadable fields are replaced, so that the row can be read again. The history keeps their
/// stored text.
fn rewrite(tx: &mut Tx, old: &Model, next: &Model) {
    tx.rewrite(old, next);
    availability::release_all(tx, old.id.0);
    for kind in timers::of_orders() {
        tx.disarm(kind, old.id.0);
    }
}

/// Records what a position changed of an order: a new estimate of the arrival, or a first position
/// out of reach; raises no version (ORD-3, ARR-3, LIM-3).
///
/// # Errors
/// A fault when the payload is no JSON.
pub fn located(tx: &mut Tx, order: &Model, told: bool, doubted: bool) -> Result<(), CommandError> {
    let eta = told.then(|| ("eta_at", order.eta_at.into()));
    let doubt = doubted.then(|| ("position_doubted_at", order.position_doubted_at.into()));
    let cells: Vec<Cell> = eta.into_iter().chain(doubt).collect();
    if cells.is_empty() {
        return Ok(());
    }
    tx.set(order, cells);
    if told {
        emit(tx, &Step::new(Intent::Arrive, EventKind::OrderEta, order.clone()))?;
    }
    if doubted {
        let branch = [Audience::Branch(order.partner_id)];
        announce(tx, order, EventKind::OrderPositionDoubted, &Value::Null, &branch)?;
        let queue = [Audience::Support(SupportQueue::Orders)];
        announce(tx, order, EventKind::SupportPositionDoubted, &Value::Null, &queue)?;
    }
    Ok(())
}

/// Emits an event about an unchanged order to the named audiences.
///
/// # Errors
/// A fault when the payload is no JSON.
pub fn remark(
    tx: &mut Tx,
    order: &Model,
    event: EventKind,
    note: &Value,
    audiences: &[Audience],
) -> Result<(), CommandError> {
    tx.check(order);
    announce(tx, order, event, note, audiences)
}

fn announce(
    tx: &mut Tx,
    order: &Model,
    event: EventKind,
    note: &Value,
    audiences: &[Audience],
) -> Result<(), CommandError> {
    let (id, viewer) = (EventId::new(), Viewer::of(tx)?);
    for audience in audiences {
        let reader = match audience {
            Audience::Client(_) => Reader::Client,
            Audience::Branch(_) => Reader::Staff,
            Audience::Support(_) => Reader::Support,
        };
        let view = viewer.view(order, reader);
        let payload = EventData { order: &view, actor: By { kind: tx.by().actor }, note };
        tx.emit(audience, event, Some(order.id.0), id, &payload)?;
    }
    Ok(())
}

/// Stores a position (ARR-1).
pub fn position(tx: &mut Tx, row: entity::order_position::Model) {
    tx.insert(row);
}

fn record(tx: &mut Tx, from: Option<OrderStatus>, step: &Step) {
    let by = tx.by();
    tx.insert(order_step::Model {
        order_id: step.next.id,
        n: step.next.version,
        at: tx.now(),
        actor: by.actor,
        person_id: by.person_id,
        session_id: by.session_id,
        intent: step.intent.into(),
        from_status: from,
        to_status: step.next.status,
        note: step.note.clone(),
    });
    for (subject, kind) in &step.marks {
        record::strike(tx, step.next.id, *subject, *kind);
        if let Some(judge) = reputation::rules::judge(*kind) {
            // A command of its own counts the strikes, after this one is committed (SAN-3).
            tx.arm(judge, *subject, tx.now());
        }
    }
}

/// Takes the occupancy cells the new state adds, frees those it drops (BK-2).
fn occupy(tx: &mut Tx, old: Option<&Model>, new: &Model) {
    let (taken, freed) = capacity::difference(old, new);
    if !taken.is_empty() {
        tx.unique(Unique {
            name: "occupancy_pkey",
            columns: "occupancy.resource, occupancy.n",
            refusal: super::Refusal::BayNotFree.refused(),
            choose_again: true,
        });
    }
    for claim in freed {
        tx.free(claim);
    }
    for claim in taken {
        tx.take(claim);
    }
}

/// Arms the timers the new state adds, disarms those it no longer has.
fn arm(tx: &mut Tx, old: Option<&Model>, new: &Model) -> Result<(), CommandError> {
    let keys = policy::registry::at_version(tx, new.policy_version)?;
    let before = old.map(|old| timers::of(old, &keys)).unwrap_or_default();
    let after = timers::of(new, &keys);
    for (kind, _) in before.iter().filter(|(k, _)| after.iter().all(|(kind, _)| kind != k)) {
        tx.disarm(*kind, new.id.0);
    }
    for wait in after.iter().filter(|wait| !before.contains(wait)) {
        tx.arm(wait.0, new.id.0, wait.1);
    }
    Ok(())
}

/// Subtracts the offer's commission from the pending sum once the offer is answered or over
/// (BAL-3). An offer that ended without an acceptance is recorded against its client, so that
/// neither withdrawing requests nor leaving a branch waiting can be repeated without limit (LIM-1,
/// LIM-2).
fn answered(tx: &mut Tx, old: &Model, step: &mut Step) {
    if old.status != OrderStatus::Requested || step.next.status == OrderStatus::Requested {
        return;
    }
    pending::remove(tx, old.partner_id, old.pending_commission);
    let client = old.client_id;
    match step.next.reason {
        Some(EndReason::ClientCancelled) => {
            step.marks.push((client.0, StrikeKind::ClientWithdrew));
            person::raise(tx, client);
        }
        Some(EndReason::Declined | EndReason::OfferExpired)
            if old.pending_commission.is_positive() =>
        {
            step.marks.push((client.0, StrikeKind::ClientUnanswered));
        }
        _ => {}
    }
}

fn emit(tx: &mut Tx, step: &Step) -> Result<(), CommandError> {
    let order = &step.next;
    let (id, viewer) = (EventId::new(), Viewer::of(tx)?);
    let told = |reader, note| (viewer.view(order, reader), note);
    let client = told(Reader::Client, &Value::Null);
    let staff = told(Reader::Staff, &Value::Null);
    let payloads = [
        (Audience::Client(order.client_id), step.event, client),
        (Audience::Branch(order.partner_id), step.event, staff),
    ];
    let queue = Audience::Support(SupportQueue::Orders);
    let alert = step.alert.map(|alert| (queue, alert, told(Reader::Support, &step.note)));
    let kind = tx.by().actor;
    // The alert is an event of its own.
    let ids = [id, id, EventId::new()];
    let all = payloads.into_iter().chain(alert);
    for (id, (audience, event, (view, note))) in ids.into_iter().zip(all) {
        let payload = EventData { order: &view, actor: By { kind }, note };
        tx.emit(&audience, event, Some(order.id.0), id, &payload)?;
    }
    Ok(())
}
