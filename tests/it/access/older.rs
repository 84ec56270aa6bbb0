//! A database as earlier versions wrote it: sealed texts not bound to a column and row, as strings
//! in answers and events.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use entity::value::sealed::SealedField;
use platform::crypto::Keys;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use sea_orm::{ConnectionTrait as _, Statement, Value};
use uuid::Uuid;

use platform::db::pool::Pool;

use crate::support::World;

/// Columns of sealed texts, and the column that names the row each is bound to.
const COLUMNS: [(&str, &str, &str, &str); 6] = [
    ("person", "phone", "id", "person.phone"),
    ("session", "device", "id", "session.device"),
    ("car", "plate", "id", "car.plate"),
    ("order", "plate", "car_id", "car.plate"),
    ("partner", "arrival_code", "id", "partner.arrival_code"),
    ("order", "client_name", "client_id", "person.name"),
];

/// Writes all sealed data in the old format, and removes the record of the migration.
pub async fn make(world: &World) {
    let keys = super::keys(world);
    let db = &world.app().engine.shared().db.write;
    let old = Old { keys, key: sealing(world) };
    for (table, column, row, place) in COLUMNS {
        let sql = format!(
            "SELECT id, {row} AS bound, {column} AS text FROM \"{table}\" WHERE {column} IS NOT NULL"
        );
        for (id, bound, text) in rows(db, &sql).await {
            let sealed = old.text(&format!("{place} {bound} {text}"));
            let sql = format!("UPDATE \"{table}\" SET {column} = $1 WHERE id = $2");
            run(db, &sql, vec![sealed.into(), id.into()]).await;
        }
    }
    let events = "SELECT id, id AS bound, payload AS text FROM feed_event";
    for (id, _, text) in rows(db, events).await {
        let sql = "UPDATE feed_event SET payload = $1 WHERE id = $2";
        run(db, sql, vec![old.document(&text).into(), id.into()]).await;
    }
    let answers = "SELECT actor AS id, actor AS bound, answer AS text FROM idempotency";
    for (_, _, text) in rows(db, answers).await {
        let sql = "UPDATE idempotency SET answer = $1 WHERE answer = $2";
        run(db, sql, vec![old.document(&text).into(), text.into()]).await;
    }
    run(db, "DELETE FROM data_step WHERE name <> $1", vec!["".into()]).await;
}

struct Old {
    keys: Keys,
    key: LessSafeKey,
}

impl Old {
    /// Converts the content of `$sealed` to the old bare text.
    fn text(&self, written: &str) -> String {
        let field = SealedField::read(written).unwrap();
        let mut body = self.keys.open_field(&field).unwrap().into_bytes();
        let nonce: [u8; NONCE_LEN] = Uuid::new_v4().as_bytes()[..NONCE_LEN].try_into().unwrap();
        let unique = Nonce::assume_unique_for_key(nonce);
        self.key.seal_in_place_append_tag(unique, Aad::from(b"k1"), &mut body).unwrap();
        let bytes: Vec<u8> = nonce.into_iter().chain(body).collect();
        format!("sealed:k1:{}", STANDARD.encode(bytes))
    }

    fn document(&self, json: &str) -> String {
        let mut out = String::new();
        let mut rest = json;
        while let Some((before, from)) = rest.split_once("{\"$sealed\":\"") {
            let (written, after) = from.split_once("\"}").unwrap();
            out.push_str(before);
            out.extend(["\"", &self.text(written), "\""]);
            rest = after;
        }
        out + rest
    }
}

fn sealing(world: &World) -> LessSafeKey {
    let text = std::fs::read_to_string(&world.settings.crypto.key_file).unwrap();
    let file: toml::Value = toml::from_str(&text).unwrap();
    let key = STANDARD.decode(file["sealing"]["k1"].as_str().unwrap()).unwrap();
    LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &key).unwrap())
}

async fn rows(db: &Pool, sql: &str) -> Vec<(Uuid, Uuid, String)> {
    let statement = Statement::from_string(db.get_database_backend(), sql);
    let rows = db.query_all_raw(statement).await.unwrap();
    let read = |row: &sea_orm::QueryResult| {
        let id = |name| row.try_get("", name).unwrap();
        (id("id"), id("bound"), row.try_get("", "text").unwrap())
    };
    rows.iter().map(read).collect()
}

async fn run(db: &Pool, sql: &str, values: Vec<Value>) {
    let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
    db.execute_raw(statement).await.unwrap();
}
