//! Data migration at a start: binds sealed texts of older versions to their column and row, and
//! recomputes the lookup hashes of numbers and plates. It needs the keys, so no schema migration
//! can do it.

use entity::data_step;
use entity::value::fold::fold_code;
use entity::value::{Instant, Phone, Sealed, SealedColumn};
use sea_orm::{
    ConnectionTrait as _, DatabaseConnection, DatabaseTransaction, DbErr, EntityTrait as _,
    Statement, TransactionTrait as _, Value,
};
use uuid::Uuid;

use platform::Fault;
use platform::crypto::Keys;
use platform::db::Db;

/// The name of the data step.
const STEP: &str = "sealed_texts_bound";
/// Rows written in one transaction.
const PAGE: usize = 500;

/// A column of sealed texts.
#[expect(clippy::struct_field_names, reason = "a column is named by its table and its own name")]
struct Column {
    table: &'static str,
    column: &'static str,
    /// The column with the id of the row the text is bound to.
    row: &'static str,
    place: SealedColumn,
    hash: Option<Hash>,
}

/// A keyed hash beside a sealed text, of its normalised form.
struct Hash {
    column: &'static str,
    purpose: &'static str,
    compared: fn(&str) -> Option<String>,
    /// SQL that finds another row with the same hash; `$1` is the hash, `$2` this row's id.
    taken: &'static str,
}

const fn of(
    table: &'static str,
    column: &'static str,
    row: &'static str,
    place: SealedColumn,
) -> Column {
    Column { table, column, row, place, hash: None }
}

fn columns() -> Vec<Column> {
    let phone = Hash {
        column: "phone_hash",
        purpose: "phone",
        compared: |text| text.parse::<Phone>().ok().map(|phone| phone.as_str().to_owned()),
        taken: "SELECT id FROM person WHERE phone_hash = $1 AND id <> $2",
    };
    let plate = Hash {
        column: "plate_hash",
        purpose: "plate",
        compared: |text| Some(fold_code(text)),
        taken: "SELECT id FROM car WHERE plate_hash = $1 AND id <> $2 AND removed_at IS NULL \
                AND client_id = (SELECT client_id FROM car WHERE id = $2)",
    };
    vec![
        Column { hash: Some(phone), ..of("person", "phone", "id", SealedColumn::PersonPhone) },
        of("person", "name", "id", SealedColumn::PersonName),
        of("session", "device", "id", SealedColumn::SessionDevice),
        Column { hash: Some(plate), ..of("car", "plate", "id", SealedColumn::CarPlate) },
        of("order", "plate", "car_id", SealedColumn::CarPlate),
        of("order", "client_name", "client_id", SealedColumn::PersonName),
        of("partner", "arrival_code", "id", SealedColumn::ArrivalCode),
        of("payout_terms", "account", "id", SealedColumn::PayoutAccount),
        of("payout_terms", "voen", "id", SealedColumn::PayoutVoen),
        of("payout", "account", "partner_id", SealedColumn::PayoutAccount),
    ]
}

/// Rewrites older rows, once per database; nodes of older versions must not run beside it.
///
/// # Errors
/// When the database fails.
pub async fn rows(db: &Db, keys: &Keys, now: Instant) -> Result<(), Fault> {
    let done = data_step::Entity::find_by_id(STEP.to_owned()).all(db.write.unlimited()).await?;
    if !done.is_empty() {
        return Ok(());
    }
    for column in columns() {
        let mut after = Uuid::nil();
        loop {
            let page = older(db.write.unlimited(), &column, after).await?;
            let Some((last, _, _)) = page.last() else { break };
            after = *last;
            write(db.write.unlimited(), keys, &column, &page).await?;
        }
    }
    // Two nodes that start at once do the same.
    let sql = "INSERT INTO data_step (name, done_at) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    let values = [Value::from(STEP), Value::from(now)];
    db.write.execute_raw(Statement::from_sql_and_values(db.backend, sql, values)).await?;
    Ok(())
}

/// The next rows whose text is not bound yet: id, the row it belongs to, the text.
async fn older(
    db: &DatabaseConnection,
    column: &Column,
    after: Uuid,
) -> Result<Vec<(Uuid, Uuid, String)>, DbErr> {
    let Column { table, column, row, .. } = column;
    let sql = format!(
        "SELECT id, {row} AS bound_row, {column} AS text FROM \"{table}\" WHERE id > $1 \
         AND {column} LIKE 'sealed:%' AND {column} NOT LIKE 'sealed:v2:%' ORDER BY id LIMIT {PAGE}"
    );
    let backend = db.get_database_backend();
    let statement = Statement::from_sql_and_values(backend, sql, [Value::from(after)]);
    let rows = db.query_all_raw(statement).await?;
    let read = |row: &sea_orm::QueryResult| {
        Ok((row.try_get("", "id")?, row.try_get("", "bound_row")?, row.try_get("", "text")?))
    };
    rows.iter().map(read).collect()
}

#[expect(clippy::disallowed_methods, reason = "before the engine opens: nobody else writes yet")]
async fn write(
    db: &DatabaseConnection,
    keys: &Keys,
    column: &Column,
    page: &[(Uuid, Uuid, String)],
) -> Result<(), Fault> {
    let transaction = db.begin().await?;
    for (id, row, text) in page {
        let Some(plain) = keys.open_unbound(&Sealed(text.clone())) else {
            let (table, column) = (column.table, column.column);
            tracing::error!(alarm = "sealed_unreadable", table, column, %id, "it stays as it is");
            continue;
        };
        one(&transaction, keys, column, (*id, *row), &plain).await?;
    }
    transaction.commit().await?;
    Ok(())
}

async fn one(
    transaction: &DatabaseTransaction,
    keys: &Keys,
    column: &Column,
    (id, row): (Uuid, Uuid),
    plain: &str,
) -> Result<(), Fault> {
    let Column { table, column: name, place, hash, .. } = column;
    let backend = transaction.get_database_backend();
    let said =
        |sql: String, values: Vec<Value>| Statement::from_sql_and_values(backend, sql, values);
    let mut text = plain.to_owned();
    if let Some(hash) = hash
        && let Some(compared) = (hash.compared)(plain)
    {
        let found = keys.lookup(hash.purpose, &compared);
        let values = vec![Value::from(found.clone()), Value::from(id)];
        let taken = transaction.query_one_raw(said(hash.taken.to_owned(), values.clone())).await?;
        if let Some(other) = taken {
            // The duplicate keeps its old hash: support merges people, clients sell cars.
            let other: Uuid = other.try_get("", "id")?;
            tracing::warn!(alarm = "twice", table, %id, %other, "two rows mean the same");
        } else {
            let column = hash.column;
            let sql = format!("UPDATE \"{table}\" SET {column} = $1 WHERE id = $2");
            transaction.execute_raw(said(sql, values)).await?;
            if hash.purpose == "phone" {
                text = compared;
            }
        }
    }
    let sealed = keys.seal(*place, row, &text)?;
    let sql = format!("UPDATE \"{table}\" SET {name} = $1 WHERE id = $2");
    transaction.execute_raw(said(sql, vec![Value::from(sealed.0), Value::from(id)])).await?;
    Ok(())
}
