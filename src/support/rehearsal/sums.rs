//! Sums over orders, and the orders that differ most. Pure.

use entity::order::{Model, OrderKind};
use entity::value::{Money, OrderId};
use serde::Serialize;
use utoipa::ToSchema;

use super::terms::Cost;

/// Maximum number of orders listed.
const NAMED: usize = 10;

/// An amount under the current and under the draft policy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Change {
    /// Under the version each order was placed under.
    pub before: Money,
    /// Under the draft.
    pub after: Money,
    /// The difference.
    pub difference: Money,
}

impl Change {
    fn of(before: Money, after: Money) -> Self {
        Self { before, after, difference: Money(after.0.saturating_sub(before.0)) }
    }

    fn plus(self, other: Self) -> Self {
        let sum = |a: Money, b: Money| Money(a.0.saturating_add(b.0));
        Self::of(sum(self.before, other.before), sum(self.after, other.after))
    }
}

/// Sums over a set of orders.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Sums {
    /// The number of orders.
    pub orders: u64,
    /// The number of orders whose commission or penalty differs.
    pub changed: u64,
    /// The sum of commissions.
    pub commission: Change,
    /// The sum of penalties.
    pub penalties: Change,
    /// The number of orders with a penalty.
    pub penalised_before: u64,
    /// The number of orders that would have a penalty under the draft.
    pub penalised_after: u64,
}

impl Sums {
    pub(super) fn add(&mut self, before: Cost, after: Cost) {
        let one = Self {
            orders: 1,
            changed: u64::from(before != after),
            commission: Change::of(before.commission, after.commission),
            penalties: Change::of(before.penalty, after.penalty),
            penalised_before: u64::from(before.penalty.is_positive()),
            penalised_after: u64::from(after.penalty.is_positive()),
        };
        *self = self.plus(&one);
    }

    pub(super) fn plus(&self, other: &Self) -> Self {
        Self {
            orders: self.orders + other.orders,
            changed: self.changed + other.changed,
            commission: self.commission.plus(other.commission),
            penalties: self.penalties.plus(other.penalties),
            penalised_before: self.penalised_before + other.penalised_before,
            penalised_after: self.penalised_after + other.penalised_after,
        }
    }
}

/// One of the orders that differ most.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Biggest {
    /// The order.
    pub order_id: OrderId,
    /// The order's short code.
    pub code: String,
    /// Quick or booking.
    pub kind: OrderKind,
    /// Its commission.
    pub commission: Change,
    /// Its penalty.
    pub penalty: Change,
}

/// The orders that differ most by commission and penalty together; among equals the earlier ones.
#[derive(Default)]
pub(super) struct Top(Vec<(i64, Biggest)>);

impl Top {
    pub(super) fn offer(&mut self, order: &Model, before: Cost, after: Cost) {
        let commission = Change::of(before.commission, after.commission);
        let penalty = Change::of(before.penalty, after.penalty);
        let size = commission.difference.0.abs().saturating_add(penalty.difference.0.abs());
        let place = self.0.partition_point(|(other, _)| *other >= size);
        if size == 0 || place >= NAMED {
            return;
        }
        let (order_id, code) = (order.id, order.code.clone());
        let row = Biggest { order_id, code, kind: order.kind, commission, penalty };
        self.0.insert(place, (size, row));
        self.0.truncate(NAMED);
    }

    pub(super) fn rows(self) -> Vec<Biggest> {
        self.0.into_iter().map(|(_, row)| row).collect()
    }
}
