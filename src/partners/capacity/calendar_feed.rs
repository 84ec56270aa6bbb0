//! The secret address under which calendar programs read a branch's calendar (PAN-1). Knowing it
//! permits reading, so only a keyed hash is stored, and a new address invalidates the old one.

use entity::calendar_feed;
use entity::kinds::CommandName;
use entity::value::{PartnerId, SealedColumn, SealedField};
use sea_orm::{ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _, Value};
use serde::{Deserialize, Serialize};

use crate::context::{Context, Tx};
use crate::partners::Refusal;
use platform::crypto::Keys;
use platform::{Command, CommandError};

const PURPOSE: &str = "calendar";

/// The secret of a new address; sealed, since the answer is stored for repeated requests (ORD-4).
#[derive(Serialize, Deserialize)]
pub struct FeedSecret {
    /// 256 random bits as text.
    pub token: SealedField,
}

/// Gives the calendar a new address; the old one is invalid at once.
pub struct RotateFeed {
    /// The branch.
    pub partner_id: PartnerId,
}

impl Command<Context> for RotateFeed {
    type Answer = FeedSecret;
    const NAME: CommandName = CommandName::RotateCalendarFeed;

    async fn run(&self, tx: &mut Tx) -> Result<FeedSecret, CommandError> {
        let keys = tx.keys();
        let token = keys.token()?;
        tx.replace(calendar_feed::Model {
            partner_id: self.partner_id,
            token: keys.lookup(PURPOSE, &token),
            created_at: tx.now(),
        });
        let sealed = keys.seal(SealedColumn::CalendarToken, self.partner_id, &token)?;
        Ok(FeedSecret { token: sealed.at(SealedColumn::CalendarToken, self.partner_id) })
    }
}

/// Disables the calendar's address.
pub struct StopFeed {
    /// The branch.
    pub partner_id: PartnerId,
}

impl Command<Context> for StopFeed {
    type Answer = ();
    const NAME: CommandName = CommandName::StopCalendarFeed;

    async fn run(&self, tx: &mut Tx) -> Result<(), CommandError> {
        tx.delete("calendar_feed", vec![("partner_id", Value::from(self.partner_id.0))]);
        Ok(())
    }
}

/// The branch whose calendar this address shows.
///
/// # Errors
/// `no_such_calendar`, or a fault.
pub async fn owner<C: ConnectionTrait>(
    db: &C,
    keys: &Keys,
    token: &str,
) -> Result<PartnerId, CommandError> {
    let rows = calendar_feed::Entity::find()
        .filter(calendar_feed::Column::Token.eq(keys.lookup(PURPOSE, token)))
        .all(db)
        .await?;
    rows.first().map(|row| row.partner_id).ok_or_else(|| Refusal::NoSuchCalendar.into())
}
