//! Money: whole qəpik (1/100 AZN), checked.

use sea_orm::DeriveValueType;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::ToSchema;

/// The largest absolute value of an amount: ten million AZN.
pub const MAX_QEPIK: i64 = 1_000_000_000;

/// An amount in qəpik. On the wire `{"amount": 1250, "currency": "AZN"}`; in a request a bare
/// integer serves too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, DeriveValueType)]
pub struct Money(pub i64);

/// Money: whole qəpik, 1/100 AZN.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MoneyWire {
    /// Whole qəpik.
    pub amount: i64,
    /// Always `AZN`.
    #[schema(pattern = "^AZN$")]
    pub currency: String,
}

impl Money {
    /// Zero.
    pub const ZERO: Self = Self(0);

    /// The sum, or `None` beyond the largest amount.
    #[must_use]
    pub fn plus(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self).filter(|m| m.0.abs() <= MAX_QEPIK)
    }

    /// The difference, or `None` past the largest amount there is.
    #[must_use]
    pub fn minus(self, other: Self) -> Option<Self> {
        self.plus(Self(-other.0))
    }

    /// Whether it is above zero.
    #[must_use]
    pub fn is_positive(self) -> bool {
        self.0 > 0
    }
}

impl std::fmt::Display for Money {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let abs = self.0.unsigned_abs();
        write!(f, "{sign}{}.{:02} AZN", abs / 100, abs % 100)
    }
}

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        MoneyWire { amount: self.0, currency: "AZN".to_owned() }.serialize(serializer)
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Either {
    Bare(i64),
    Full(MoneyWire),
}

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let amount = match Either::deserialize(deserializer)
            .map_err(|_| D::Error::custom("money is whole qəpik in AZN"))?
        {
            Either::Bare(amount) => amount,
            Either::Full(wire) if wire.currency == "AZN" => wire.amount,
            Either::Full(_) => return Err(D::Error::custom("the only currency is AZN")),
        };
        if amount.unsigned_abs() > MAX_QEPIK.unsigned_abs() {
            return Err(D::Error::custom("the amount is out of range"));
        }
        Ok(Self(amount))
    }
}

impl utoipa::PartialSchema for Money {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        MoneyWire::schema()
    }
}

impl ToSchema for Money {}
