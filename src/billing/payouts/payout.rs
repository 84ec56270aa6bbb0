//! Payouts: all payables of a partner that are due are collected into one payout (BON-5).

use entity::kinds::{CommandName, EventKind, SupportQueue, TimerKind};
use entity::payable::{self, PayableState};
use entity::payment::Driver;
use entity::payout::{self as row, PayoutState};
use entity::payout_terms::{self, PayoutTo};
use entity::value::{EventId, Instant, Money, PartnerId, PayoutId};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};
use serde_json::json;

use super::payout_days::{TOGETHER_MAX, date, first_due, owed, run_at, zone};
use super::payout_terms as terms;
use super::payout_view::payout;
use crate::context::{Context, Tx};
use crate::ledger::payments;
use crate::policy::{self, Policy, calendar};
use platform::{Audience, Command, CommandError};

/// Collects a partner's payables that are due today.
pub struct RunPayouts {
    /// The partner.
    pub partner_id: PartnerId,
}

impl Command<Context> for RunPayouts {
    type Answer = ();
    const NAME: CommandName = CommandName::RunPayouts;

    async fn run(&self, tx: &mut Tx) -> Result<(), CommandError> {
        let zone = zone(tx, self.partner_id).await?;
        let keys = policy::registry::in_force(tx)?.keys;
        let today = tx.now().with_timezone(&zone).date_naive();
        let owed = owed(tx, self.partner_id).await?;
        let is_due = |row: &&payable::Model| row.due_on <= Some(today.to_string());
        let (due, rest): (Vec<_>, Vec<_>) = owed.iter().partition(is_due);
        let found = tx.find::<payout_terms::Entity>(self.partner_id).await?;
        // Writing the terms row serialises this command with new payables and with changes of the
        // terms.
        if let Some(terms) = &found {
            tx.update(terms, &terms.clone());
        }
        let mut next = rest.iter().filter_map(|row| date(row)).min();
        if due.len() == TOGETHER_MAX {
            next = Some(today);
        }
        match found.as_ref().map_or(terms::SILENT, |terms| terms.payout_to) {
            PayoutTo::Balance { .. } => {
                // Each is settled by a command of its own, because one command moves no balance
                // twice.
                for old in due {
                    tx.update(old, &payable::Model { due_on: None, ..old.clone() });
                    tx.arm(TimerKind::SettlePayable, old.id.0, tx.now());
                }
            }
            PayoutTo::Card => match found.filter(terms::payable_to_card) {
                Some(terms) if rests(&terms, &keys, tx.now()) => {
                    // After a change of account, due payables wait until its rest period ends
                    // (LIM-11).
                    let until = terms::rests_until(&terms, keys.payout.account_rest_h);
                    tx.arm(TimerKind::RunPayouts, self.partner_id.0, until.unwrap_or(tx.now()));
                    return Ok(());
                }
                Some(terms) => {
                    if collect(tx, &terms, &due)? {
                        next = Some(today);
                    }
                }
                None if due.is_empty() => {}
                None => {
                    next = Some(calendar::after(today, 1, &keys.calendar.holidays));
                    let payload =
                        json!({"partner_id": self.partner_id, "reason": "no verified VÖEN"});
                    let event = EventKind::SupportPayoutBlocked;
                    tx.emit(
                        &Audience::Support(SupportQueue::Money),
                        event,
                        None,
                        EventId::new(),
                        &payload,
                    )?;
                }
            },
        }
        if let Some(next) = next {
            let at = run_at(next, zone, keys.payout.run_at_min).max(tx.now());
            tx.arm(TimerKind::RunPayouts, self.partner_id.0, at);
        }
        Ok(())
    }
}

fn rests(terms: &payout_terms::Model, keys: &Policy, now: Instant) -> bool {
    terms::rests_until(terms, keys.payout.account_rest_h).is_some_and(|until| now < until)
}

/// Creates one payout from the due payables; returns whether some are left for another one.
fn collect(
    tx: &mut Tx,
    terms: &payout_terms::Model,
    due: &[&payable::Model],
) -> Result<bool, CommandError> {
    let id = PayoutId::new();
    let (mut amount, mut left) = (Money::ZERO, false);
    for old in due {
        let Some(sum) = amount.plus(old.amount) else {
            left = true;
            break;
        };
        amount = sum;
        let taken = payable::Model { payout_id: Some(id), ..(*old).clone() };
        tx.update(*old, &taken);
    }
    let Some(account) = terms.account.clone().filter(|_| amount.is_positive()) else {
        return Ok(false);
    };
    let made = row::Model {
        id,
        partner_id: terms.id,
        amount,
        state: PayoutState::Created,
        driver: tx.context().gateways.current(),
        account,
        provider_ref: None,
        created_at: tx.now(),
        sent_at: None,
        busy_until: None,
        paid_at: None,
        note: String::new(),
        version: 1,
    };
    payments::collected(tx, &made);
    tx.insert(made.clone());
    emit(tx, &made)?;
    match made.driver {
        Driver::Manual => {
            let payload = json!({"payout": payout(&made)});
            tx.emit(
                &Audience::Support(SupportQueue::Money),
                EventKind::SupportPayoutDue,
                None,
                EventId::new(),
                &payload,
            )?;
        }
        Driver::Epoint | Driver::Payriff => tx.arm(TimerKind::SendPayout, id.0, tx.now()),
    }
    Ok(left)
}

/// Emits the payout's state to the branch.
pub(in crate::billing) fn emit(tx: &mut Tx, row: &row::Model) -> Result<(), CommandError> {
    let payload = json!({"payout": payout(row)});
    let audience = Audience::Branch(row.partner_id);
    tx.emit(&audience, EventKind::PayoutChanged, None, EventId::new(), &payload)
}

/// Completes a payout that arrived: its payables are settled.
pub(in crate::billing) async fn arrived(
    tx: &mut Tx,
    old: &row::Model,
    reference: &str,
) -> Result<row::Model, CommandError> {
    let next = row::Model {
        state: PayoutState::Paid,
        paid_at: Some(tx.now()),
        provider_ref: Some(reference.to_owned()),
        busy_until: None,
        ..old.clone()
    };
    payments::arrived(tx, &next);
    tx.update(old, &next);
    tx.disarm(TimerKind::SendPayout, old.id.0);
    for debt in debts(tx, old.id).await? {
        let (state, settled_at) = (PayableState::Settled, Some(tx.now()));
        tx.update(&debt, &payable::Model { state, settled_at, ..debt.clone() });
    }
    emit(tx, &next)?;
    Ok(next)
}

/// Fails a payout that came back: its payables are owed again, due on the next working day.
pub(in crate::billing) async fn bounced(
    tx: &mut Tx,
    old: &row::Model,
    why: &str,
) -> Result<(), CommandError> {
    let next = row::Model { state: PayoutState::Failed, note: why.to_owned(), ..old.clone() };
    payments::bounced(tx, &next);
    tx.update(old, &next);
    tx.disarm(TimerKind::SendPayout, old.id.0);
    let zone = zone(tx, old.partner_id).await?;
    let today = tx.now().with_timezone(&zone).date_naive();
    let keys = policy::registry::in_force(tx)?.keys;
    let due_on = calendar::after(today, 1, &keys.calendar.holidays);
    for debt in debts(tx, old.id).await? {
        let again =
            payable::Model { payout_id: None, due_on: Some(due_on.to_string()), ..debt.clone() };
        tx.update(&debt, &again);
    }
    let keys = policy::registry::in_force(tx)?.keys;
    let first = first_due(tx, old.partner_id).await?.map_or(due_on, |first| first.min(due_on));
    tx.arm(
        TimerKind::RunPayouts,
        old.partner_id.0,
        run_at(first, zone, keys.payout.run_at_min).max(tx.now()),
    );
    if let Some(terms) = tx.find::<payout_terms::Entity>(old.partner_id).await? {
        tx.update(&terms, &terms.clone());
    }
    emit(tx, &next)?;
    tracing::error!(alarm = "payout_failed", payout = %old.id, why);
    let payload = json!({"payout": payout(&next), "reason": why});
    tx.emit(
        &Audience::Support(SupportQueue::Money),
        EventKind::SupportPayoutFailed,
        None,
        EventId::new(),
        &payload,
    )
}

async fn debts(tx: &Tx, id: PayoutId) -> Result<Vec<payable::Model>, CommandError> {
    let rows = payable::Entity::find().filter(payable::Column::PayoutId.eq(id));
    Ok(rows.all(tx.db()).await?)
}
