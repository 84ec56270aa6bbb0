//! Tables whose rows can be read in part: when one column cannot be decoded, the others are still
//! read and a harmless default replaces it.

use sea_orm::EntityTrait;
use sea_orm::sea_query::SimpleExpr;

/// A table whose rows can be read in part.
pub trait Partly: EntityTrait {
    /// The expression read in place of a column that cannot be decoded; `None` where the row is
    /// useless without it.
    fn stand_in(column: Self::Column) -> Option<SimpleExpr>;

    /// Marks a row as read in part, with the reason.
    fn mark(row: &mut Self::Model, why: String);
}
