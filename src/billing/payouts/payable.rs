//! Payables: what the operator owes a partner for bonus-paid orders. A payable is settled to the
//! balance at once or to a card within working days (BON-5), after a hold time in which it can be
//! neither spent nor paid out (LIM-6), or is suspended until support decides (BON-6).

use chrono::TimeDelta;
use entity::kinds::{CommandName, EventKind, SupportQueue, TimerKind};
use entity::lot::LotSource;
use entity::payable::{Model, PayableState};
use entity::payout_terms::{self, PayoutTo};
use entity::value::{Bp, EventId, Money, OrderId, PartnerId, PayableId};
use entity::{order, partner, payable};
use serde_json::json;

use super::payout_days::{first_due, run_at, zone};
use super::payout_terms as terms;
use super::payout_view::{PayableView, view};
use crate::access::limits;
use crate::access::people::self_dealing::find;
use crate::billing::Refusal;
use crate::billing::holds::{facts, velocity};
use crate::bonus::Owner;
use crate::bonus::grant::{Grant, grant_from_owed};
use crate::context::{Context, Tx};
use crate::ledger::payments;
use crate::policy::{self, Policy, calendar};
use platform::codes::given;
use platform::engine::audit::AuditedAct;
use platform::engine::write_set::Unique;
use platform::{Audience, Command, CommandError};

/// Creates the payable for the part of an order that a client paid with bonus; the same command has
/// posted the money to `payable:<partner>`. It is settled by a command of its own, due when its
/// hold time ends (LIM-6), so that no command moves one balance twice.
///
/// # Errors
/// Faults only.
pub fn owe(
    tx: &mut Tx,
    order_id: OrderId,
    partner_id: PartnerId,
    amount: Money,
) -> Result<(), CommandError> {
    let keys = policy::registry::in_force(tx)?.keys;
    let free_at = tx.now() + TimeDelta::hours(keys.bonus.payable_hold_h);
    let row = fresh(tx, order_id, partner_id, amount, PayableState::Owed);
    tx.arm(TimerKind::SettlePayable, row.id.0, free_at);
    tx.insert(Model { held_until: Some(free_at), ..row });
    Ok(())
}

/// Settles a payable by the partner's terms, at once or on a later working day (BON-5), unless its
/// hold continues (LIM-6).
pub struct SettlePayable {
    /// The payable.
    pub payable_id: PayableId,
}

impl Command<Context> for SettlePayable {
    type Answer = ();
    const NAME: CommandName = CommandName::SettlePayable;

    async fn run(&self, tx: &mut Tx) -> Result<(), CommandError> {
        let row = tx.find::<payable::Entity>(self.payable_id).await?;
        let row = row.ok_or(Refusal::NoSuchPayable)?;
        if row.state != PayableState::Owed || row.due_on.is_some() {
            return Err(Refusal::PayableDecided.into());
        }
        let keys = policy::registry::in_force(tx)?.keys;
        let free_at = row.created_at + TimeDelta::hours(keys.bonus.payable_hold_h);
        if tx.now() < free_at {
            tx.arm(TimerKind::SettlePayable, row.id.0, free_at);
            tx.update(&row, &Model { held_until: Some(free_at), ..row.clone() });
            return Ok(());
        }
        let order = tx.find::<order::Entity>(row.order_id).await?;
        let order = Tx::must("order", row.order_id, order)?;
        if is_own(tx, &order).await? {
            return withheld(tx, &row, "self_dealing");
        }
        let facts = facts::of(tx, &order).await?;
        let rules = velocity::holding(&facts, &keys.bonus, tx.now());
        if !rules.is_empty() {
            return held(tx, &row, &rules, &keys);
        }
        let free = Model { held_by: String::new(), ..row.clone() };
        let next = due(tx, free).await?;
        tx.update(&row, &next);
        Ok(())
    }
}

/// Whether the order's client works for the business, or did so until recently (BON-6, LIM-6).
///
/// # Errors
/// When the database fails.
pub async fn is_own(tx: &mut Tx, order: &order::Model) -> Result<bool, CommandError> {
    let partner = tx.find_cached::<partner::Entity>(order.partner_id).await?;
    let partner = Tx::must("partner", order.partner_id, partner)?;
    let days = policy::registry::in_force(tx)?.keys.bonus.staff_days;
    let since = tx.now() - TimeDelta::days(days);
    Ok(find(tx, order.client_id, partner.organisation_id, since).await?.is_some())
}

/// Extends the hold because velocity rules match: the payable is evaluated again after another hold
/// time, and goes to support after a limit of days (LIM-6).
fn held(
    tx: &mut Tx,
    row: &Model,
    rules: &[velocity::HoldRule],
    keys: &Policy,
) -> Result<(), CommandError> {
    let names: Vec<String> = rules.iter().map(ToString::to_string).collect();
    let names = names.join(",");
    let over = row.created_at + TimeDelta::days(keys.bonus.velocity_days);
    if tx.now() >= over {
        return withheld(tx, row, &names);
    }
    let again = tx.now() + TimeDelta::hours(keys.bonus.payable_hold_h.max(1));
    let until = again.min(over);
    let next = Model { held_until: Some(until), held_by: names, ..row.clone() };
    tx.arm(TimerKind::SettlePayable, row.id.0, until);
    tx.update(row, &next);
    if next.held_by == row.held_by {
        return Ok(());
    }
    let payload = json!({"payable": view(&next)});
    let (event, subject) = (EventKind::SupportPayableHeld, Some(row.order_id.0));
    tx.emit(&Audience::Support(SupportQueue::Money), event, subject, EventId::new(), &payload)
}

/// Suspends an owed payable until support decides.
fn withheld(tx: &mut Tx, row: &Model, why: &str) -> Result<(), CommandError> {
    let next = Model {
        state: PayableState::Suspended,
        held_until: None,
        held_by: why.to_owned(),
        ..row.clone()
    };
    tx.update(row, &next);
    let payload = json!({"payable": view(&next)});
    let (event, subject) = (EventKind::SupportPayableSuspended, Some(row.order_id.0));
    tx.emit(&Audience::Support(SupportQueue::Money), event, subject, EventId::new(), &payload)
}

/// As [`owe`], but support decides first whether the payable is owed (BON-6).
///
/// # Errors
/// A fault when the event cannot be serialised.
pub fn suspend(
    tx: &mut Tx,
    order_id: OrderId,
    partner_id: PartnerId,
    amount: Money,
) -> Result<(), CommandError> {
    let row = fresh(tx, order_id, partner_id, amount, PayableState::Suspended);
    let payload = json!({"payable": view(&row)});
    tx.insert(row);
    tx.emit(
        &Audience::Support(SupportQueue::Money),
        EventKind::SupportPayableSuspended,
        None,
        EventId::new(),
        &payload,
    )
}

fn fresh(
    tx: &mut Tx,
    order_id: OrderId,
    partner_id: PartnerId,
    amount: Money,
    state: PayableState,
) -> Model {
    tx.unique(Unique {
        name: "payable_order",
        columns: "payable.order_id",
        refusal: Refusal::PayableDecided.refused(),
        choose_again: false,
    });
    Model {
        id: PayableId::new(),
        order_id,
        partner_id,
        amount,
        state,
        due_on: None,
        payout_id: None,
        created_at: tx.now(),
        held_until: None,
        held_by: String::new(),
        settled_at: None,
        note: String::new(),
        version: 1,
    }
}

/// Applies the partner's terms: the payable is settled at once, or due on a working day.
async fn due(tx: &mut Tx, row: Model) -> Result<Model, CommandError> {
    let found = tx.find::<payout_terms::Entity>(row.partner_id).await?;
    match found.as_ref().map_or(terms::SILENT, |terms| terms.payout_to) {
        PayoutTo::Balance { bonus_bp } => to_balance(tx, row, bonus_bp).await,
        PayoutTo::Card => {
            let zone = zone(tx, row.partner_id).await?;
            let keys = policy::registry::in_force(tx)?.keys;
            let today = tx.now().with_timezone(&zone).date_naive();
            // Counted from the day it was earned: a hold by itself adds no days.
            let earned = row.created_at.with_timezone(&zone).date_naive();
            let days = (keys.payout.working_days, &keys.calendar.holidays);
            let due_on = calendar::after(earned, days.0, days.1).max(today);
            // Two payables of one partner arm the same timer; checking the terms row serialises
            // them.
            if let Some(terms) = found {
                tx.update(&terms, &terms.clone());
            }
            let first = first_due(tx, row.partner_id).await?;
            let first = first.map_or(due_on, |first| first.min(due_on));
            let at = run_at(first, zone, keys.payout.run_at_min).max(tx.now());
            tx.arm(TimerKind::RunPayouts, row.partner_id.0, at);
            Ok(Model { due_on: Some(due_on.to_string()), held_until: None, ..row })
        }
    }
}

/// Settles a payable to the balance, with a part of it as bonus.
async fn to_balance(tx: &mut Tx, row: Model, bonus: Bp) -> Result<Model, CommandError> {
    let part = bonus.floor_of(row.amount);
    let rest = Money(row.amount.0 - part.0);
    payments::to_balance(tx, &row, rest)?;
    bonus_part(tx, &row, part).await?;
    let payload = json!({"kind": "payable", "amount": rest, "order_id": row.order_id});
    let audience = Audience::Branch(row.partner_id);
    tx.emit(&audience, EventKind::BalanceChanged, Some(row.order_id.0), EventId::new(), &payload)?;
    let settled_at = Some(tx.now());
    Ok(Model { state: PayableState::Settled, settled_at, held_until: None, ..row })
}

/// Grants the part that a partner takes as bonus, as a lot of its own (BON-5, BON-8).
async fn bonus_part(tx: &mut Tx, row: &Model, part: Money) -> Result<(), CommandError> {
    if !part.is_positive() {
        return Ok(());
    }
    payments::to_bonus(tx, row, part);
    let days = policy::registry::in_force(tx)?.keys.bonus.other_days;
    let lot = Grant {
        owner: Owner::Partner(row.partner_id),
        amount: part,
        life: TimeDelta::days(days),
        source: LotSource::Payout,
        source_id: Some(row.id.0),
        note: "Orders paid with bonus",
    };
    grant_from_owed(tx, lot).await.map(|_| ())
}

/// Support's decision that a suspended or held payable is owed.
pub struct Release {
    /// The payable.
    pub payable_id: PayableId,
    /// Support's reason.
    pub reason: String,
}

impl Command<Context> for Release {
    type Answer = PayableView;
    const NAME: CommandName = CommandName::ReleasePayable;

    async fn run(&self, tx: &mut Tx) -> Result<PayableView, CommandError> {
        let reason = given(&self.reason)?;
        let row = undecided(tx, self.payable_id).await?;
        let owed = Model { state: PayableState::Owed, note: reason.to_owned(), ..row.clone() };
        let next = due(tx, owed).await?;
        decided(tx, "release_payable", (&row, &next), reason).await?;
        tx.update(&row, &next);
        Ok(view(&next))
    }
}

/// Support's decision that a suspended or held payable is not owed.
pub struct Refuse {
    /// The payable.
    pub payable_id: PayableId,
    /// Support's reason.
    pub reason: String,
}

impl Command<Context> for Refuse {
    type Answer = PayableView;
    const NAME: CommandName = CommandName::RefusePayable;

    async fn run(&self, tx: &mut Tx) -> Result<PayableView, CommandError> {
        let reason = given(&self.reason)?;
        let row = undecided(tx, self.payable_id).await?;
        let next = Model {
            state: PayableState::Refused,
            held_until: None,
            settled_at: Some(tx.now()),
            note: reason.to_owned(),
            ..row.clone()
        };
        decided(tx, "refuse_payable", (&row, &next), reason).await?;
        payments::refused(tx, &next);
        tx.update(&row, &next);
        let payload = json!({"payable": view(&next), "reason": reason});
        let audience = Audience::Branch(row.partner_id);
        tx.emit(
            &audience,
            EventKind::PayableRefused,
            Some(row.order_id.0),
            EventId::new(),
            &payload,
        )?;
        Ok(view(&next))
    }
}

/// Records support's decision and disarms the payable's timer.
async fn decided(
    tx: &mut Tx,
    kind: &'static str,
    (old, next): (&Model, &Model),
    reason: &str,
) -> Result<(), CommandError> {
    tx.disarm(TimerKind::SettlePayable, old.id.0);
    let (before, after) = (json!(view(old)), json!(view(next)));
    let subject = ("payable", old.id.0);
    limits::act(tx, AuditedAct { kind, subject, amount: old.amount, reason, before, after }).await
}

async fn undecided(tx: &mut Tx, id: PayableId) -> Result<Model, CommandError> {
    let row = tx.find::<payable::Entity>(id).await?.ok_or(Refusal::NoSuchPayable)?;
    match row.state {
        PayableState::Suspended => Ok(row),
        // Held (LIM-6) and not yet in a payout.
        PayableState::Owed if row.due_on.is_none() && row.payout_id.is_none() => Ok(row),
        PayableState::Owed | PayableState::Settled | PayableState::Refused => {
            Err(Refusal::PayableDecided.into())
        }
    }
}
