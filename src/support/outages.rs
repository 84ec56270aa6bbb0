//! The report of the engine's own outages: when it could not serve, and which orders' deadlines
//! were extended (OUT-1).

use chrono::{DateTime, Utc};
use entity::kinds::Intent;
use entity::value::{OrderId, OutageId};
use entity::{order_step, outage};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use platform::CommandError;
use platform::page::{Page, PageQuery};

/// Maximum number of orders listed in one report.
const ORDERS_MAX: u64 = 10_000;

/// One outage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct OutageView {
    /// The outage.
    pub id: OutageId,
    /// The last moment known good.
    pub down_at: DateTime<Utc>,
    /// The first moment good again.
    pub up_at: DateTime<Utc>,
    /// The number of orders it affected.
    pub orders_touched: usize,
    /// Those orders.
    pub order_ids: Vec<OrderId>,
}

/// A page of outages, newest first.
///
/// # Errors
/// When the database fails.
pub async fn page<C: ConnectionTrait>(
    db: &C,
    query: &PageQuery,
) -> Result<Page<OutageView>, CommandError> {
    let mut rows = outage::Entity::find().order_by_desc(outage::Column::Id).limit(query.reach());
    if let Some(cursor) = query.cursor {
        rows = rows.filter(outage::Column::Id.lt(OutageId(cursor)));
    }
    let page = Page::read(db, rows, query, |row| row.id.0, |row| row).await?;
    let mut items = Vec::new();
    for row in &page.items {
        let order_ids = orders_of(db, row).await?;
        items.push(OutageView {
            id: row.id,
            down_at: row.down_at,
            up_at: row.up_at,
            orders_touched: order_ids.len(),
            order_ids,
        });
    }
    Ok(page.with(items))
}

async fn orders_of<C: ConnectionTrait>(
    db: &C,
    row: &outage::Model,
) -> Result<Vec<OrderId>, CommandError> {
    let steps = order_step::Entity::find()
        .filter(order_step::Column::Intent.eq(Intent::Shift))
        // The end of the outage moves while a slow recovery runs: its steps may be before that end.
        .filter(order_step::Column::At.gte(row.down_at))
        .limit(ORDERS_MAX)
        .all(db)
        .await?;
    let id = serde_json::json!(row.id);
    let of_it = |step: &&order_step::Model| step.note.get("outage") == Some(&id);
    Ok(steps.iter().filter(of_it).map(|step| step.order_id).collect())
}
