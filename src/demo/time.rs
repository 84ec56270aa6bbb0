//! The demo's clock: it resumes at the time where it stopped, however long ago that was.

use entity::value::Instant;
use entity::{feed_event, heartbeat, idempotency, otp};
use sea_orm::{ColumnTrait, DbErr, EntityTrait, QueryOrder as _, QuerySelect as _};

use crate::config::Settings;
use platform::clock::real_now;
use platform::db::Db;
use platform::db::pool::Pool;

/// The time to resume at: the newest instant in this database, or the machine's time if it has
/// none.
///
/// If the process was killed, its last heartbeat may be up to a real second old; rows written after
/// it count too, so that time never runs backwards.
///
/// # Errors
/// When the database fails.
pub async fn base(settings: &Settings) -> Result<Instant, DbErr> {
    let db = Db::open(&settings.db_options()).await?;
    migration::migrate(db.write.unlimited()).await?;
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
    db: &Pool,
    table: E,
    at: impl ColumnTrait,
) -> Result<Option<Instant>, DbErr> {
    let _ = table;
    let rows: Vec<Instant> =
        E::find().select_only().column(at).order_by_desc(at).limit(1).into_tuple().all(db).await?;
    Ok(rows.into_iter().next())
}
