//! Reads of many rows of which one may be undecodable: the others are given all the same, and that
//! one is named.

use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait, Iterable as _, PrimaryKeyToColumn as _,
    QueryFilter as _, QuerySelect as _, Select,
};
use uuid::Uuid;

use super::failure::undecodable;

/// A row that holds something that is no value of its column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// Its table.
    pub table: String,
    /// Its key.
    pub id: Uuid,
    /// What the decoder said.
    pub why: String,
}

/// The rows of a query: those that could be decoded, in its order, and the others.
#[derive(Debug)]
pub struct Rows<M> {
    /// Decoded.
    pub rows: Vec<M>,
    /// Not decoded.
    pub unreadable: Vec<Unreadable>,
}

impl<M> Rows<M> {
    /// Were all rows decoded?
    #[must_use]
    pub fn whole(&self) -> bool {
        self.unreadable.is_empty()
    }
}

/// The key of a table whose primary key is one UUID.
///
/// # Errors
/// When it has no primary key.
pub fn key<E: EntityTrait>() -> Result<E::Column, DbErr> {
    let key = E::PrimaryKey::iter().next().map(|key| key.into_column());
    key.ok_or_else(|| DbErr::Custom(format!("{} has no key", E::default().table_name())))
}

/// Runs a query on a table whose key is one UUID. Only where the batch cannot be decoded are its
/// rows read again, one by one, and those that fail are set aside.
///
/// # Errors
/// When the database fails.
pub async fn all<C, E>(db: &C, select: Select<E>) -> Result<Rows<E::Model>, DbErr>
where
    C: ConnectionTrait,
    E: EntityTrait,
{
    match select.clone().all(db).await {
        Ok(rows) => Ok(Rows { rows, unreadable: Vec::new() }),
        Err(error) if undecodable(&error) => one_by_one(db, select).await,
        Err(error) => Err(error),
    }
}

async fn one_by_one<C, E>(db: &C, select: Select<E>) -> Result<Rows<E::Model>, DbErr>
where
    C: ConnectionTrait,
    E: EntityTrait,
{
    let key = key::<E>()?;
    let ids: Vec<Uuid> = select.select_only().column(key).into_tuple().all(db).await?;
    let mut found = Rows { rows: Vec::new(), unreadable: Vec::new() };
    for id in ids {
        match E::find().filter(key.eq(id)).all(db).await {
            Ok(rows) => found.rows.extend(rows),
            Err(error) if undecodable(&error) => {
                let table = E::default().table_name().to_owned();
                found.unreadable.push(Unreadable { table, id, why: error.to_string() });
            }
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}
