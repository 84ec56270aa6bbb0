//! Reads of many rows of which some may be undecodable: the others are returned all the same, and
//! an undecodable row is reported or read in part.

use std::collections::BTreeMap;

use entity::partly::Partly;

use sea_orm::sea_query::{Expr, ExprTrait as _};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait, FromQueryResult as _, IdenStatic as _,
    Iterable as _, QueryFilter as _, QuerySelect as _, QueryTrait as _, Select,
};
use uuid::Uuid;

use crate::failure::undecodable;

/// A row that holds something that is no value of its column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// Its table.
    pub table: String,
    /// Its key.
    pub id: Uuid,
    /// The decoder's message.
    pub why: String,
}

/// The rows of a query: those that could be decoded, in the query's order, and the others.
#[derive(Debug)]
pub struct Rows<M> {
    /// Decoded.
    pub rows: Vec<M>,
    /// Not decoded.
    pub unreadable: Vec<Unreadable>,
}

/// The first column of a table's primary key.
///
/// # Errors
/// When it has no primary key.
pub fn key<E: EntityTrait>() -> Result<E::Column, DbErr> {
    let key = E::PrimaryKey::iter().next().map(sea_orm::PrimaryKeyToColumn::into_column);
    key.ok_or_else(|| DbErr::Custom(format!("{} has no key", E::default().table_name())))
}

/// Runs a query on a table whose key begins with a UUID. Each row is decoded by itself; those that
/// cannot be are set aside, with an alarm.
///
/// # Errors
/// When the database fails.
pub async fn all<C, E>(db: &C, select: Select<E>) -> Result<Rows<E::Model>, DbErr>
where
    C: ConnectionTrait,
    E: EntityTrait,
{
    let (key, table) = (key::<E>()?, E::default().table_name().to_owned());
    let read = db.query_all_raw(select.build(db.get_database_backend())).await?;
    let mut found = Rows { rows: Vec::with_capacity(read.len()), unreadable: Vec::new() };
    for row in &read {
        match E::Model::from_query_result(row, "") {
            Ok(row) => found.rows.push(row),
            Err(error) if undecodable(&error) => {
                let (id, why): (Uuid, _) = (row.try_get("", key.as_str())?, error.to_string());
                tracing::error!(alarm = "rows_unreadable", table, %id, why, "set aside in a list");
                found.unreadable.push(Unreadable { table: table.clone(), id, why });
            }
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

/// Runs a query that leaves out no row because one of its columns cannot be decoded: such a row is
/// read in part and marked.
///
/// # Errors
/// When the database fails.
pub async fn partly<C, E>(db: &C, select: Select<E>) -> Result<Vec<E::Model>, DbErr>
where
    C: ConnectionTrait,
    E: Partly,
{
    match select.clone().all(db).await {
        Err(error) if undecodable(&error) => {}
        read => return read,
    }
    let ids: Vec<Uuid> = select.select_only().column(key::<E>()?).into_tuple().all(db).await?;
    let mut rows = Vec::new();
    for id in ids {
        rows.extend(in_part::<C, E>(db, id).await?);
    }
    Ok(rows)
}

/// Reads one row, in part where columns of it cannot be decoded; `None` where even that fails.
///
/// # Errors
/// When the database fails.
pub async fn in_part<C, E>(db: &C, id: Uuid) -> Result<Option<E::Model>, DbErr>
where
    C: ConnectionTrait,
    E: Partly,
{
    let select = || -> Result<Select<E>, DbErr> { Ok(E::find().filter(key::<E>()?.eq(id))) };
    let why = match select()?.all(db).await {
        Ok(mut rows) => return Ok(rows.pop()),
        Err(error) if undecodable(&error) => error.to_string(),
        Err(error) => return Err(error),
    };
    let able = columns::<E>();
    let each = able.iter().map(|column| vec![*column]);
    for without in each.chain([able.clone()]) {
        let mut query = select()?.select_only();
        for column in E::Column::iter() {
            let replaced = without.iter().any(|other| other.as_str() == column.as_str());
            query = match E::stand_in(column).filter(|_| replaced) {
                Some(stand_in) => query.expr_as(stand_in, column.as_str()),
                None => query.column(column),
            };
        }
        match query.into_model::<E::Model>().all(db).await {
            Ok(mut rows) => {
                let mut row = rows.pop();
                if let Some(row) = &mut row {
                    E::mark(row, why);
                }
                return Ok(row);
            }
            Err(error) if undecodable(&error) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

/// The text, as stored, of the columns of a row that may be replaced by a default.
///
/// # Errors
/// When the database fails.
pub async fn raw<C, E>(db: &C, id: Uuid) -> Result<BTreeMap<String, Option<String>>, DbErr>
where
    C: ConnectionTrait,
    E: Partly,
{
    let mut query = E::find().filter(key::<E>()?.eq(id)).select_only();
    for column in columns::<E>() {
        query = query.expr_as(Expr::col(column).cast_as("text"), column.as_str());
    }
    let mut raw = BTreeMap::new();
    if let Some(row) = db.query_one_raw(query.build(db.get_database_backend())).await? {
        for column in columns::<E>() {
            raw.insert(column.as_str().to_owned(), row.try_get("", column.as_str())?);
        }
    }
    Ok(raw)
}

fn columns<E: Partly>() -> Vec<E::Column> {
    E::Column::iter().filter(|column| E::stand_in(*column).is_some()).collect()
}
