//! People by their phone number: found by its keyed hash, created where they are new (ACC-5).

use entity::person;
use entity::row::Row as _;
use entity::value::{Lang, PersonId, Phone, SealedColumn};
use sea_orm::{
    ColumnTrait as _, DbErr, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
};

use crate::context::Tx;
use platform::CommandError;
use platform::crypto::Keys;
use platform::db::pool::Pool;
use platform::engine::write_set::RelativeUpdate;

/// Keyed hash of a number, by which a person is found.
#[must_use]
pub fn phone_hash(keys: &Keys, phone: &Phone) -> String {
    keys.lookup("phone", phone.as_str())
}

/// The newest person, if there is any; the keys must be able to open this row.
///
/// # Errors
/// When the database fails.
pub async fn newest(db: &Pool) -> Result<Option<person::Model>, DbErr> {
    let rows = person::Entity::find().order_by_desc(person::Column::Id).limit(1);
    Ok(rows.all(db).await?.pop())
}

/// Was this person written under these keys?
#[must_use]
pub fn opens(keys: &Keys, person: &person::Model) -> bool {
    let bound = person.phone.0.starts_with("sealed:v2:");
    let phone = if bound {
        keys.open(SealedColumn::PersonPhone, person.id, &person.phone)
    } else {
        keys.open_unbound(&person.phone)
    };
    phone.is_some_and(|phone| keys.lookup("phone", &phone) == person.phone_hash)
}

/// The person with this number, if there is one.
///
/// # Errors
/// When the database fails.
pub async fn known(db: &Pool, keys: &Keys, phone: &Phone) -> Result<Option<person::Model>, DbErr> {
    let rows = person::Entity::find()
        .filter(person::Column::PhoneHash.eq(phone_hash(keys, phone)))
        .all(db)
        .await?;
    Ok(rows.into_iter().next())
}

/// The person with this number; where there is none, a new person is put into the write set.
///
/// Concurrent commands create one person: `person_phone` refuses the second, whose command then
/// runs again.
///
/// # Errors
/// A fault when the database fails.
pub async fn known_or_new(tx: &mut Tx, phone: &Phone) -> Result<person::Model, CommandError> {
    let keys = tx.keys();
    if let Some(known) = known(tx.db(), &keys, phone).await? {
        return Ok(known);
    }
    let id = PersonId::new();
    let new = person::Model {
        id,
        phone: keys.seal(SealedColumn::PersonPhone, id, phone.as_str())?,
        phone_hash: phone_hash(&keys, phone),
        name: None,
        lang: Lang::Az,
        created_at: tx.now(),
        version: 1,
    };
    tx.insert(new.clone());
    Ok(new)
}

/// Raises a person's version, whatever it is: a command that read the row runs again.
pub fn raise(tx: &mut Tx, id: PersonId) {
    tx.adjust(RelativeUpdate {
        table: person::Model::TABLE,
        key: vec![("id", id.0.into())],
        add: vec![("version", 1)],
        set: Vec::new(),
        also: Vec::new(),
        condition: None,
        refusal: None,
    });
}

/// Raises a person's version from the one that this command read; false if there is no such person.
///
/// # Errors
/// When the database fails.
pub async fn raise_read(tx: &mut Tx, id: PersonId) -> Result<bool, CommandError> {
    let row = tx.find::<person::Entity>(id).await?;
    if let Some(row) = &row {
        raise_seen(tx, row);
    }
    Ok(row.is_some())
}

/// Raises the version of a person's row from the one that was read: a command that read data of
/// this person since runs again if the row changes before the commit.
pub fn raise_seen(tx: &mut Tx, row: &person::Model) {
    tx.update(row, &row.clone());
}
