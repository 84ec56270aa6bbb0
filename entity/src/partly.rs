//! Tables whose rows can be read in part: where one of their columns holds something that is no
//! value of it, the others are still read, and something harmless stands in for it.

use sea_orm::EntityTrait;
use sea_orm::sea_query::SimpleExpr;

/// A table whose rows can be read in part.
pub trait Partly: EntityTrait {
    /// What is read in the place of a column that cannot be decoded; nothing where the row is no
    /// use without it.
    fn stand_in(column: Self::Column) -> Option<SimpleExpr>;

    /// Marks a row that was read in part, and says why.
    fn mark(row: &mut Self::Model, why: String);
}
