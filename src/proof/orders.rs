//! The proof of orders: the hold of each accepted order, and the commission and bonus of each
//! completed one, match its snapshot and its final amount (COM-3, BAL-6).

use std::collections::BTreeMap;

use entity::hold::HoldState;
use entity::order::OrderStatus;
use entity::value::{Money, OrderId, PartnerId};
use entity::{hold, order};
use sea_orm::{
    ColumnTrait as _, EntityTrait as _, FromQueryResult, QueryFilter as _, QuerySelect as _,
};
use uuid::Uuid;

use super::finding::Proof;
use super::posted::Posted;
use super::scope::{Reading, Walk, open};
use crate::ledger::commission::{commission, least};
use platform::failure::undecodable;
use platform::{CommandError, ReadSnapshot};

/// The facts that the proof needs of an order. All are plain columns, so that an order whose JSON
/// cannot be decoded is checked too.
#[derive(Clone, FromQueryResult)]
struct Facts {
    id: OrderId,
    partner_id: PartnerId,
    agreed: Money,
    client_agreed: Money,
    amount_confirmed: Option<Money>,
    final_amount: Option<Money>,
    commission: Money,
    commission_bonus: Money,
    bonus: Money,
    policy_version: i32,
}

impl Facts {
    /// The amount on which the commission is calculated (ORD-11).
    fn base(&self) -> Money {
        let amount = self.final_amount.unwrap_or(self.agreed);
        least(amount, self.client_agreed, self.amount_confirmed)
    }
}

impl From<&order::Model> for Facts {
    fn from(row: &order::Model) -> Self {
        Self {
            id: row.id,
            partner_id: row.partner_id,
            agreed: row.agreed,
            client_agreed: row.client_agreed,
            amount_confirmed: row.amount_confirmed,
            final_amount: row.final_amount,
            commission: row.commission,
            commission_bonus: row.commission_bonus,
            bonus: row.bonus,
            policy_version: row.policy_version,
        }
    }
}

/// The facts of orders of these statuses that could not be decoded in full.
async fn partly(
    read: &ReadSnapshot,
    proof: &Proof,
    status: &[OrderStatus],
) -> Result<Vec<Facts>, CommandError> {
    use order::Column as C;
    let columns = [
        C::Id,
        C::PartnerId,
        C::Agreed,
        C::ClientAgreed,
        C::AmountConfirmed,
        C::FinalAmount,
        C::Commission,
        C::CommissionBonus,
        C::Bonus,
        C::PolicyVersion,
    ];
    let mut facts = Vec::new();
    for id in proof.skipped("order") {
        let select = order::Entity::find_by_id(OrderId(id)).select_only().columns(columns);
        let select = select.filter(C::Status.is_in(status.to_vec())).into_model::<Facts>();
        match select.all(read).await {
            Ok(found) => facts.extend(found),
            Err(error) if undecodable(&error) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(facts)
}

/// Checks that each accepted open order has one hold, of the commission its snapshot calls for, and
/// states the same amounts; no other order has an open hold.
pub(super) async fn open_orders(
    reading: &Reading<'_>,
    proof: &mut Proof,
    holds: &[hold::Model],
) -> Result<(), CommandError> {
    let status = [OrderStatus::Confirmed, OrderStatus::OnTheWay, OrderStatus::Active];
    let select = order::Entity::find().filter(order::Column::Status.is_in(status));
    let rows = open(reading.read, proof, select).await?;
    let mut orders: Vec<Facts> = rows.iter().map(Facts::from).collect();
    orders.extend(partly(reading.read, proof, &status).await?);
    let mut by_order: BTreeMap<OrderId, &hold::Model> =
        holds.iter().map(|hold| (hold.order_id, hold)).collect();
    for order in &orders {
        let hold = by_order.remove(&order.id);
        let Some(keys) = proof.policy(reading.book, order.id, order.policy_version) else {
            continue;
        };
        let due = commission(order.base(), &keys.commission);
        if order.commission != due {
            let detail = format!("says {}, its snapshot calls for {due}", order.commission);
            proof.wrong("order_commission", "order", order.id, detail);
        }
        let Some(hold) = hold else {
            proof.wrong("order_held", "order", order.id, "has no open hold".to_owned());
            continue;
        };
        let has = Money(hold.amount.0 + hold.bonus.0);
        if has != due || hold.wallet_id != order.partner_id.0 {
            let detail = format!("holds {has}, the order calls for {due}");
            proof.wrong("hold_amount", "hold", hold.id, detail);
        }
        if hold.bonus != order.commission_bonus {
            let detail =
                format!("{} is bonus, its hold says {}", order.commission_bonus, hold.bonus);
            proof.wrong("order_commission_bonus", "order", order.id, detail);
        }
    }
    // An order whose status cannot be decoded is not among the open ones.
    let left: Vec<Uuid> = by_order.keys().map(|id| id.0).collect();
    let mut walk = Walk::over(&left);
    while walk.next(reading.read, proof, order::Entity::find(), |row| row.id.0).await?.is_some() {}
    for hold in by_order.into_values() {
        if !proof.skips("order", hold.order_id.0) {
            proof.wrong("hold_order", "hold", hold.id, "outlives its order".to_owned());
        }
    }
    Ok(())
}

/// Checks that each completed order paid the commission on its final amount, or on the total its
/// client last agreed to where that is more (ORD-11), corrections included, from the bonus and the
/// balance as it states; no other order paid any.
pub(super) async fn closed_orders(
    reading: &Reading<'_>,
    proof: &mut Proof,
    posted: &Posted,
) -> Result<(), CommandError> {
    let read = reading.read;
    let mut unpaid = posted.commissions.clone();
    let mut walk = reading.walk(|touched| touched.orders.iter().copied().collect());
    let completed =
        || order::Entity::find().filter(order::Column::Status.eq(OrderStatus::Completed));
    while let Some(rows) = walk.next(read, proof, completed(), |row| row.id.0).await? {
        let facts: Vec<Facts> = rows.iter().map(Facts::from).collect();
        closed(reading, proof, posted, &mut unpaid, &facts).await?;
    }
    let mut facts = partly(read, proof, &[OrderStatus::Completed]).await?;
    facts.retain(|order| reading.looks_at(|touched| touched.orders.contains(&order.id.0)));
    closed(reading, proof, posted, &mut unpaid, &facts).await?;
    for (order_id, paid) in unpaid.into_iter().filter(|(_, paid)| *paid != 0) {
        if !proof.skips("order", order_id.0) {
            let detail = format!("paid {} without being completed", Money(paid));
            proof.wrong("commission_due", "order", order_id, detail);
        }
    }
    Ok(())
}

async fn closed(
    reading: &Reading<'_>,
    proof: &mut Proof,
    posted: &Posted,
    unpaid: &mut BTreeMap<OrderId, i64>,
    orders: &[Facts],
) -> Result<(), CommandError> {
    let ids: Vec<Uuid> = orders.iter().map(|order| order.id.0).collect();
    let mut holds: BTreeMap<OrderId, hold::Model> = BTreeMap::new();
    let mut walk = Walk::over(&ids);
    while let Some(rows) =
        walk.next(reading.read, proof, hold::Entity::find(), |row| row.id.0).await?
    {
        holds.extend(rows.into_iter().map(|hold| (hold.order_id, hold)));
    }
    for order in orders {
        let Some(keys) = proof.policy(reading.book, order.id, order.policy_version) else {
            continue;
        };
        let due = commission(order.base(), &keys.commission);
        let paid = Money(unpaid.remove(&order.id).unwrap_or(0));
        if paid != due {
            let detail = format!("paid {paid}, the amounts call for {due}");
            proof.wrong("commission_paid", "order", order.id, detail);
        }
        captured(proof, posted, order, paid, holds.get(&order.id));
    }
    Ok(())
}

/// Checks that a completed order's commission and bonus match its postings and its captured hold.
fn captured(
    proof: &mut Proof,
    posted: &Posted,
    order: &Facts,
    paid: Money,
    hold: Option<&hold::Model>,
) {
    if order.commission != paid {
        let detail = format!("says {}, paid {paid}", order.commission);
        proof.wrong("order_commission", "order", order.id, detail);
    }
    let bonus = Money(posted.bonus_commissions.get(&order.id).copied().unwrap_or(0));
    if order.commission_bonus != bonus {
        let detail = format!("{} is bonus, lots paid {bonus}", order.commission_bonus);
        proof.wrong("order_commission_bonus", "order", order.id, detail);
    }
    let spent = Money(posted.spent.get(&order.id).copied().unwrap_or(0));
    if order.bonus != spent {
        let detail = format!("is paid with {} of bonus, lots paid {spent}", order.bonus);
        proof.wrong("order_bonus", "order", order.id, detail);
    }
    let Some(hold) = hold else {
        if !proof.skips("hold", order.id.0) {
            proof.wrong("order_held", "order", order.id, "has no hold".to_owned());
        }
        return;
    };
    let of_it = hold.state == HoldState::Captured && hold.wallet_id == order.partner_id.0;
    if !of_it || hold.bonus != order.commission_bonus {
        let detail = format!(
            "is {:?} with {} of bonus, its order paid {}",
            hold.state, hold.bonus, order.commission_bonus
        );
        proof.wrong("hold_captured", "hold", hold.id, detail);
    }
}
