//! Sealed text: personal data encrypted in the database and until it is opened for a reader
//! (ACC-5).

use sea_orm::DeriveValueType;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use strum::{Display, EnumString};
use uuid::Uuid;

/// Encrypted text in a column: `sealed:v2:<key id>:<base64 of nonce and ciphertext>`, bound to the
/// column and row it was written for. It has no JSON form of its own: an answer shows it only
/// through [`SealedField`], which names its column and row.
#[derive(Clone, PartialEq, Eq, Hash, DeriveValueType)]
pub struct Sealed(pub String);

/// The prefix of a sealed text. No text of a request may begin with it.
pub const SEALED_PREFIX: &str = "sealed:";

/// The key under which a JSON document holds a sealed field: an object with this one entry, which
/// no text from a request can produce.
pub const SEALED_KEY: &str = "$sealed";

/// Columns whose texts are sealed. A copy (an order's plate, a payout's account) stays bound to the
/// column and row it was copied from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Display, EnumString)]
pub enum SealedColumn {
    /// `person.phone`, by person.
    #[strum(serialize = "person.phone")]
    PersonPhone,
    /// `person.name`, by person; `order.client_name`, by the order's client.
    #[strum(serialize = "person.name")]
    PersonName,
    /// `session.device`, by session.
    #[strum(serialize = "session.device")]
    SessionDevice,
    /// `car.plate`, by car; `order.plate`, by the order's car.
    #[strum(serialize = "car.plate")]
    CarPlate,
    /// `partner.arrival_code`, by branch.
    #[strum(serialize = "partner.arrival_code")]
    ArrivalCode,
    /// `payout_terms.account`, by branch; `payout.account`, by the payout's branch.
    #[strum(serialize = "payout_terms.account")]
    PayoutAccount,
    /// `payout_terms.voen`, by branch.
    #[strum(serialize = "payout_terms.voen")]
    PayoutVoen,
    /// The secret of a calendar's address, by branch; only in stored answers.
    #[strum(serialize = "calendar_feed.token")]
    CalendarToken,
    /// `audit_act.address`, by act.
    #[strum(serialize = "audit_act.address")]
    AuditAddress,
    /// `staff_invitation.phone`, by invitation.
    #[strum(serialize = "staff_invitation.phone")]
    InvitationPhone,
}

impl Sealed {
    /// The text as a field of an answer: it can be opened only as this column of this row.
    #[must_use]
    pub fn at(&self, column: SealedColumn, row: impl Into<Uuid>) -> SealedField {
        SealedField { place: Some((column, row.into())), text: self.clone() }
    }
}

/// A sealed text in an answer, an event or a stored answer, with the column and row it is bound to.
/// Only the edge opens it, for a reader who may see it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SealedField {
    /// The column and row; `None` in documents written before texts were bound to them.
    pub place: Option<(SealedColumn, Uuid)>,
    /// The text.
    pub text: Sealed,
}

impl SealedField {
    /// Reads the value stored under [`SEALED_KEY`].
    #[must_use]
    pub fn read(written: &str) -> Option<Self> {
        let mut parts = written.splitn(3, ' ');
        let (column, row, text) = (parts.next()?, parts.next()?, parts.next()?);
        let place = match (column, row) {
            ("-", "-") => None,
            (column, row) => Some((column.parse().ok()?, row.parse().ok()?)),
        };
        Some(Self { place, text: Sealed(text.to_owned()) })
    }

    fn written(&self) -> String {
        match self.place {
            Some((column, row)) => format!("{column} {row} {}", self.text.0),
            None => format!("- - {}", self.text.0),
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(rename = "$sealed")]
    field: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum StoredKey {
    Field(Written),
    Text(String),
}

impl Serialize for SealedField {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Written { field: self.written() }.serialize(serializer)
    }
}

/// Stored answers from before texts were bound contain the text alone.
impl<'de> Deserialize<'de> for SealedField {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match StoredKey::deserialize(deserializer)? {
            StoredKey::Field(written) => Self::read(&written.field)
                .ok_or_else(|| serde::de::Error::custom("a sealed field names no place")),
            StoredKey::Text(text) => Ok(Self { place: None, text: Sealed(text) }),
        }
    }
}

impl std::fmt::Debug for Sealed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sealed(…)")
    }
}

impl utoipa::PartialSchema for SealedField {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        String::schema()
    }
}

impl utoipa::ToSchema for SealedField {}
