//! Pages of a list, newest first, by cursor.

use sea_orm::{ConnectionTrait, DbErr, EntityTrait, Select};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::db::readable::{self, Rows};

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
    /// Rows that belong here and cannot be read; left out where there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unreadable: Vec<uuid::Uuid>,
}

impl<T> From<Vec<T>> for Page<T> {
    /// All there is.
    fn from(items: Vec<T>) -> Self {
        Self { items, next_cursor: None, unreadable: Vec::new() }
    }
}

impl<T> Page<T> {
    /// All rows of a list without pages; those that cannot be decoded are named.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn whole<C, E>(
        db: &C,
        select: Select<E>,
        view: impl FnMut(E::Model) -> T,
    ) -> Result<Self, DbErr>
    where
        C: ConnectionTrait,
        E: EntityTrait,
    {
        let Rows { rows, unreadable } = readable::all(db, select).await?;
        let unreadable = unreadable.into_iter().map(|row| row.id).collect();
        Ok(Self { items: rows.into_iter().map(view).collect(), next_cursor: None, unreadable })
    }

    /// The same page of something else.
    pub fn with<U>(&self, items: Vec<U>) -> Page<U> {
        Page { items, next_cursor: self.next_cursor, unreadable: self.unreadable.clone() }
    }

    /// Reads a page of a table whose key is one UUID, which is its order. Rows that cannot be
    /// decoded end no list: they are named.
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
        let Rows { rows, unreadable } = readable::all(db, select).await?;
        if unreadable.is_empty() {
            return Ok(Self::cut(rows, query, id, view));
        }
        let mut ids: Vec<uuid::Uuid> = rows.iter().map(&id).collect();
        ids.extend(unreadable.iter().map(|row| row.id));
        ids.sort_unstable_by(|a, b| b.cmp(a));
        let size = usize::try_from(query.size()).unwrap_or(50);
        let next_cursor = ids.get(size).and(ids.get(size.saturating_sub(1))).copied();
        let here = |id: uuid::Uuid| next_cursor.is_none_or(|cursor| id >= cursor);
        let shown = rows.into_iter().filter(|row| here(id(row)));
        let named = unreadable.iter().map(|row| row.id).filter(|id| here(*id));
        Ok(Self { items: shown.map(&mut view).collect(), next_cursor, unreadable: named.collect() })
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
        let items = rows.into_iter().map(view).collect();
        Self { items, next_cursor, unreadable: Vec::new() }
    }
}
