//! The snapshot: the open orders of an audience and the number to follow its feed from, both of
//! one moment (NOT-6).

use serde::Serialize;
use utoipa::ToSchema;

use crate::orders;
use crate::orders::view::OrderView;
use crate::platform::engine::Shared;
use crate::platform::feed::{self, Audience};
use crate::platform::{Snapshot as Moment, Stop};

/// State and number of one moment.
#[derive(Debug, Serialize, ToSchema)]
pub struct Snapshot {
    /// The history `seq` belongs to: resume with it.
    pub epoch: String,
    /// Resume after this number.
    pub seq: i64,
    /// The orders that are open, as this audience may see them.
    pub orders: Vec<OrderView>,
}

/// Reads both in one transaction, so that no event is missed between them and none is told twice.
///
/// # Errors
/// A fault when the database fails.
pub async fn snapshot(shared: &Shared, audience: &Audience) -> Result<Snapshot, Stop> {
    loop {
        let epoch = shared.epoch().await?.id;
        let (audience, named) = (*audience, epoch.to_string());
        let read = async move |moment: Moment| {
            let seq = feed::newest(&moment, &audience.to_string()).await?;
            let orders = orders::read::open_orders(&moment, &audience).await?;
            Ok::<_, Stop>(Snapshot { epoch: named, seq, orders })
        };
        let snapshot = shared.db.snapshot(read).await?;
        // The read itself may have been the first one of a database that was restored.
        if shared.epoch().await?.id == epoch {
            return Ok(snapshot);
        }
    }
}
