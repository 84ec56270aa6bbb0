//! Rates in basis points.

use sea_orm::DeriveValueType;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Money;

/// A rate in basis points: 900 is 9 %.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    DeriveValueType,
    ToSchema,
)]
#[serde(transparent)]
pub struct Bp(pub i32);

impl Bp {
    /// The rate's part of an amount, rounded down to the qəpik: the payer gains the rest.
    #[must_use]
    pub fn floor_of(self, amount: Money) -> Money {
        let part = i128::from(amount.0) * i128::from(self.0);
        Money(i64::try_from(part.div_euclid(10_000)).unwrap_or(i64::MAX))
    }
}
