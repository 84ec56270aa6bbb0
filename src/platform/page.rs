//! Pages of a list, newest first, by cursor.

use sea_orm::{ConnectionTrait, DbErr, EntityTrait, Select};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::readable;

/// The most rows a page holds.
pub const PAGE_MAX: u64 = 200;

/// Rows of a page where no length is given.
const PAGE_ROWS: u64 = 50;

/// The requested length of a page: 1 to [`PAGE_MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "u64")]
pub struct PageLimit(u64);

impl TryFrom<u64> for PageLimit {
    type Error = String;

    fn try_from(rows: u64) -> Result<Self, String> {
        if (1..=PAGE_MAX).contains(&rows) {
            Ok(Self(rows))
        } else {
            Err(format!("limit is 1 to {PAGE_MAX}"))
        }
    }
}

/// The query parameters of a page.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
pub struct PageQuery {
    /// How many rows at most; 50 by default.
    #[param(value_type = Option<u64>, minimum = 1, maximum = 200)]
    pub limit: Option<PageLimit>,
    /// The `next_cursor` of the page before.
    pub cursor: Option<uuid::Uuid>,
}

impl PageQuery {
    /// How many rows to read: one more than the page, to know whether there is a next.
    #[must_use]
    pub fn reach(&self) -> u64 {
        self.size() + 1
    }

    fn size(&self) -> u64 {
        self.limit.map_or(PAGE_ROWS, |PageLimit(rows)| rows)
    }
}

/// One page of a list.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// The cursor of the next page; `null` at the end.
    pub next_cursor: Option<uuid::Uuid>,
}

impl<T> Page<T> {
    /// Reads a page of a table whose key is one UUID. Rows that cannot be decoded are left out and
    /// logged; the list continues.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn read<C, E>(
        db: &C,
        select: Select<E>,
        query: &PageQuery,
        id: impl Fn(&E::Model) -> uuid::Uuid,
        mut view: impl FnMut(E::Model) -> T,
    ) -> Result<Self, DbErr>
    where
        C: ConnectionTrait,
        E: EntityTrait,
    {
        let found = readable::all(db, select).await?;
        if found.whole() {
            return Ok(Self::cut(found.rows, query, id, view));
        }
        for row in &found.unreadable {
            tracing::error!(table = E::default().table_name(), id = %row.id, why = row.why, "left out");
        }
        let mut ids: Vec<uuid::Uuid> = found.rows.iter().map(&id).collect();
        ids.extend(found.unreadable.iter().map(|row| row.id));
        ids.sort_unstable_by(|a, b| b.cmp(a));
        let size = usize::try_from(query.size()).unwrap_or(50);
        let next_cursor = ids.get(size).and(ids.get(size.saturating_sub(1))).copied();
        let shown = found.rows.into_iter().filter(|row| next_cursor.is_none_or(|c| id(row) >= c));
        Ok(Self { items: shown.map(&mut view).collect(), next_cursor })
    }

    /// Cuts the rows read to a page.
    pub fn cut<R>(
        mut rows: Vec<R>,
        query: &PageQuery,
        key: impl Fn(&R) -> uuid::Uuid,
        view: impl FnMut(R) -> T,
    ) -> Self {
        let size = usize::try_from(query.size()).unwrap_or(usize::MAX);
        let more = rows.len() > size;
        rows.truncate(size);
        let next_cursor = if more { rows.last().map(key) } else { None };
        Self { items: rows.into_iter().map(view).collect(), next_cursor }
    }
}
