//! The snapshot: an audience's open orders and the sequence number from which to follow its feed,
//! both from one read transaction (NOT-6).

use serde::Serialize;
use utoipa::ToSchema;

use crate::context::Engine;
use crate::orders;
use crate::orders::view::{OrderView, Viewer};
use platform::{Audience, CommandError, ReadSnapshot as Moment, feed};

/// How often both are read again because the database was restored meanwhile.
const TRIES_MAX: usize = 3;

/// The open orders and the sequence number, as of one moment.
#[derive(Debug, Serialize, ToSchema)]
pub struct Snapshot {
    /// The epoch that `seq` belongs to; it is sent when resuming.
    pub epoch: String,
    /// The sequence number after which to resume.
    pub seq: i64,
    /// The open orders, as this audience may see them.
    pub orders: Vec<OrderView>,
}

/// Reads both in one transaction, so that no event between them is missed or delivered twice.
///
/// # Errors
/// A fault when the database fails; `contended` when it is restored again and again.
pub async fn snapshot(engine: &Engine, audience: &Audience) -> Result<Snapshot, CommandError> {
    let shared = engine.shared();
    for _ in 0..TRIES_MAX {
        let epoch = shared.epoch().await?.id;
        let (audience, named) = (*audience, epoch.to_string());
        let viewer = Viewer::now(engine)?;
        let read = async move |moment: Moment| {
            let seq = feed::newest(&moment, &audience.to_string()).await?;
            let orders = orders::read::open_orders(&moment, &viewer, &audience).await?;
            Ok::<_, CommandError>(Snapshot { epoch: named, seq, orders })
        };
        let snapshot = shared.db.snapshot(read).await?;
        // This read may have been the first of a restored database, which changes the epoch.
        if shared.epoch().await?.id == epoch {
            return Ok(snapshot);
        }
    }
    Err(CommandError::Contended)
}
