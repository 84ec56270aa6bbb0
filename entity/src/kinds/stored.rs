//! A kind as a text column stores it: a row whose text is no kind of this build can still be read,
//! so that it stops nothing but itself.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use sea_orm::sea_query::{ArrayType, Nullable, ValueType, ValueTypeErr};
use sea_orm::{ColIdx, ColumnType, DbErr, QueryResult, TryGetError, TryGetable, Value};

/// An enum whose cases each have one spelling.
pub trait Kind: Copy + Eq + fmt::Debug + FromStr + Into<&'static str> {}

/// The stored text of a kind.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Stored<K> {
    /// A kind of this build.
    Known(K),
    /// A text that is the spelling of none.
    Unknown(String),
}

/// A stored text is the spelling of no kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no kind is spelled {0}")]
pub struct UnknownKind(pub String);

impl<K: Kind> Stored<K> {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Known(kind) => (*kind).into(),
            Self::Unknown(text) => text,
        }
    }

    /// The kind.
    ///
    /// # Errors
    /// When the text is the spelling of none.
    pub fn known(&self) -> Result<K, UnknownKind> {
        match self {
            Self::Known(kind) => Ok(*kind),
            Self::Unknown(text) => Err(UnknownKind(text.clone())),
        }
    }

    /// Is it this kind?
    #[must_use]
    pub fn is_kind(&self, kind: K) -> bool {
        matches!(self, Self::Known(known) if *known == kind)
    }
}

impl<K: Kind> From<K> for Stored<K> {
    fn from(kind: K) -> Self {
        Self::Known(kind)
    }
}

impl<K: Kind> From<Stored<K>> for Value {
    fn from(stored: Stored<K>) -> Self {
        Self::from(stored.as_str())
    }
}

impl<K: Kind> fmt::Display for Stored<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// By the text, as the database orders it.
impl<K: Kind> Ord for Stored<K> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_str().cmp(other.as_str())
    }
}

impl<K: Kind> PartialOrd for Stored<K> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

fn parse<K: Kind>(text: String) -> Stored<K> {
    match text.parse() {
        Ok(kind) => Stored::Known(kind),
        Err(_) => Stored::Unknown(text),
    }
}

impl<K: Kind> TryGetable for Stored<K> {
    fn try_get_by<I: ColIdx>(row: &QueryResult, index: I) -> Result<Self, TryGetError> {
        String::try_get_by(row, index).map(parse)
    }
}

impl<K: Kind> ValueType for Stored<K> {
    fn try_from(value: Value) -> Result<Self, ValueTypeErr> {
        <String as ValueType>::try_from(value).map(parse)
    }

    fn type_name() -> String {
        <String as ValueType>::type_name()
    }

    fn array_type() -> ArrayType {
        <String as ValueType>::array_type()
    }

    fn column_type() -> ColumnType {
        <String as ValueType>::column_type()
    }
}

impl<K: Kind> Nullable for Stored<K> {
    fn null() -> Value {
        <String as Nullable>::null()
    }
}

impl<K: Kind> sea_orm::TryFromU64 for Stored<K> {
    fn try_from_u64(_: u64) -> Result<Self, DbErr> {
        Err(DbErr::ConvertFromU64("a kind"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::TimerKind;

    /// A text of another build keeps its spelling and equals no kind.
    #[test]
    fn an_unknown_text_is_kept() {
        let known: Stored<TimerKind> = parse("order.burn".to_owned());
        assert_eq!(known, Stored::Known(TimerKind::Burn));
        let unknown: Stored<TimerKind> = parse("order.melt".to_owned());
        assert_eq!(unknown.as_str(), "order.melt");
        assert_eq!(unknown.known(), Err(UnknownKind("order.melt".to_owned())));
        assert!(known < unknown);
    }
}
