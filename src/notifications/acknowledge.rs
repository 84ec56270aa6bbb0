//! Acknowledgement: a device confirms that it has received a feed up to a sequence number (NOT-6).

use std::collections::BTreeSet;

use entity::kinds::{Audience, CommandName, EventKind};
use entity::value::{OrderId, SessionId};
use entity::{delivery, feed_cursor, feed_event};
use sea_orm::{
    ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
};

use super::Refusal;
use crate::context::{Context, Tx};
use platform::db::pool::Pool;
use platform::feed;
use platform::feed::BEHIND_MAX;
use platform::{Command, CommandError};

/// Maximum number of deliveries recorded per acknowledgement, the newest ones: a device that is new
/// to the feed may have thousands of older events behind it, which no longer matter.
const DELIVERIES_MAX: usize = 100;

/// Records that the acting device has received everything up to a sequence number.
///
/// # Source
/// NOT-6; it is what *delivered* means in ORD-6 and PEN-2.
#[derive(Clone, Debug)]
pub struct Acknowledge {
    /// The feed's audience.
    pub audience: Audience,
    /// The newest sequence number it has.
    pub seq: i64,
    /// The orders whose delivery this confirms, if the sender of the events knows them; otherwise
    /// they are looked up.
    pub handed: Option<Vec<OrderId>>,
}

impl Command<Context> for Acknowledge {
    type Answer = ();

    const NAME: CommandName = CommandName::Acknowledge;

    async fn run(&self, tx: &mut Tx) -> Result<(), CommandError> {
        let Some(session_id) = tx.by().session_id else { return Ok(()) };
        let audience = self.audience.to_string();
        let orders = match &self.handed {
            Some(orders) => orders.clone(),
            None => match self.look_up(tx, session_id, &audience).await? {
                Some(orders) => orders,
                None => return Ok(()),
            },
        };
        let at = tx.now();
        if let Some((_, what)) = matters(&self.audience) {
            for order_id in orders {
                // The first device's delivery is kept.
                let what = what.to_owned();
                tx.insert_or_keep(delivery::Model { order_id, what, session_id, at });
            }
        }
        tx.replace(feed_cursor::Model { session_id, audience, seq: self.seq, at });
        Ok(())
    }
}

impl Acknowledge {
    /// The orders with events since the device's last acknowledgement; `None` when it already had
    /// everything.
    async fn look_up(
        &self,
        tx: &mut Tx,
        session_id: SessionId,
        audience: &str,
    ) -> Result<Option<Vec<OrderId>>, CommandError> {
        let key = (session_id, audience.to_owned());
        let had = tx.find::<feed_cursor::Entity>(key).await?.map_or(0, |cursor| cursor.seq);
        if self.seq <= had {
            return Ok(None);
        }
        let newest = feed::newest(tx.db(), audience).await?;
        if self.seq > newest {
            return Err(Refusal::NotYetTold.refused().with("seq", newest).into());
        }
        let Some((kind, _)) = matters(&self.audience) else { return Ok(Some(Vec::new())) };
        let from = had.max(self.seq - BEHIND_MAX);
        let orders = deliveries(tx.db(), audience, kind, from, self.seq).await?;
        Ok(Some(orders.into_iter().collect()))
    }
}

/// The event kind whose delivery has consequences, and the name of that delivery.
#[must_use]
pub fn matters(audience: &Audience) -> Option<(EventKind, &'static str)> {
    match audience {
        Audience::Branch(_) => Some((EventKind::OrderRequested, "offer")),
        Audience::Client(_) => Some((EventKind::OrderConfirmed, "acceptance")),
        Audience::Support(_) => None,
    }
}

/// The newest orders with events in (from, to].
async fn deliveries(
    db: &Pool,
    audience: &str,
    kind: EventKind,
    from: i64,
    to: i64,
) -> Result<BTreeSet<OrderId>, CommandError> {
    let orders: Vec<Option<OrderId>> = feed_event::Entity::find()
        .select_only()
        .column(feed_event::Column::Subject)
        .filter(feed_event::Column::Audience.eq(audience))
        .filter(feed_event::Column::Seq.gt(from))
        .filter(feed_event::Column::Seq.lte(to))
        .filter(feed_event::Column::Kind.eq(kind))
        .order_by_desc(feed_event::Column::Seq)
        .into_tuple()
        .all(db)
        .await?;
    Ok(orders.into_iter().flatten().take(DELIVERIES_MAX).collect())
}
