//! The demo's time: it goes on where it stopped, however long ago that was.

use entity::value::Instant;
use entity::{feed_event, heartbeat, idempotency, otp};
use migration::MigratorTrait as _;
use sea_orm::{
    ColumnTrait, DatabaseConnection, DbErr, EntityTrait, QueryOrder as _, QuerySelect as _,
};

use crate::config::Settings;
use crate::platform::clock::real_now;
use crate::platform::db::Db;

/// When time goes on: the newest moment this database knows of, or the machine's time where it
/// knows of none.
///
/// A heart that was stopped by force had beaten up to a real second before: what was written after
/// that counts too, so that time never goes back.
///
/// # Errors
/// When the database fails.
pub async fn base(settings: &Settings) -> Result<Instant, DbErr> {
    let db = Db::open(&settings.db_options()).await?;
    migration::Migrator::up(&db.write, None).await?;
    let known = [
        newest(&db.read, heartbeat::Entity, heartbeat::Column::BeatAt).await?,
        newest(&db.read, feed_event::Entity, feed_event::Column::At).await?,
        newest(&db.read, idempotency::Entity, idempotency::Column::At).await?,
        newest(&db.read, otp::Entity, otp::Column::CreatedAt).await?,
    ];
    db.read.close().await?;
    db.write.close().await?;
    Ok(known.into_iter().flatten().max().unwrap_or_else(real_now))
}

async fn newest<E: EntityTrait>(
    db: &DatabaseConnection,
    table: E,
    at: impl ColumnTrait,
) -> Result<Option<Instant>, DbErr> {
    let _ = table;
    let rows: Vec<Instant> =
        E::find().select_only().column(at).order_by_desc(at).limit(1).into_tuple().all(db).await?;
    Ok(rows.into_iter().next())
}
