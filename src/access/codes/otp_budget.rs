//! Budgets of one-time codes: how many are sent in a span to a phone, for an address, a block of
//! addresses, an operator's numbers, and altogether (LIM-10).
//!
//! Each is a counter that the database keeps below its limit, so concurrent requests cannot pass
//! more than sequential ones.

use chrono::{DateTime, TimeDelta};
use entity::otp_budget;
use entity::value::{Instant, Phone};
use sea_orm::{ColumnTrait as _, DbErr, EntityTrait as _, QueryFilter as _, Value};

use super::alarms::Alarms;
use crate::access::people::person::phone_hash;
use crate::access::{AccessSettings, Refusal};
use crate::context::Tx;
use platform::CommandError;
use platform::crypto::Keys;
use platform::db::pool::Pool;
use platform::engine::write_set::Count;

const HOUR_S: i64 = 3_600;
const DAY_S: i64 = 86_400;

/// The requester of a code: address and device.
#[derive(Clone, Debug)]
pub struct Requester {
    /// The subscriber's network address.
    pub address: String,
    /// The block of addresses it lies in.
    pub block: String,
    /// The id the app made for this installation, where it sends one.
    pub device: Option<String>,
}

impl Requester {
    /// Keyed hash of the requester: codes and tries belong to it.
    #[must_use]
    pub fn hash(&self, keys: &Keys) -> String {
        match &self.device {
            Some(device) => keys.lookup("device", device),
            None => keys.lookup("address", &self.address),
        }
    }
}

/// One budget: how many codes in a span.
struct Budget {
    kind: &'static str,
    whose: String,
    span_s: i64,
    most: u32,
    /// Is it shared by many people, so that exhausting it means an attack or a campaign?
    shared: bool,
}

impl Budget {
    fn bucket(&self) -> String {
        format!("{}:{}:{}", self.kind, self.span_s, self.whose)
    }

    fn began(&self, now: Instant) -> Instant {
        let secs = now.timestamp();
        DateTime::from_timestamp(secs - secs.rem_euclid(self.span_s), 0).unwrap_or(now)
    }

    fn most(&self) -> i64 {
        i64::from(self.most.max(1))
    }
}

/// Counts one code in all its budgets. `known`: the device signed this person in before; the
/// phone's budget then does not apply, so strangers who exhaust it cannot lock out its owner.
pub(in crate::access) fn spend(
    tx: &mut Tx,
    keys: &Keys,
    settings: &AccessSettings,
    phone: &Phone,
    from: &Requester,
    known: bool,
) {
    let now = tx.now();
    for budget in budgets(keys, settings, phone, from) {
        if known && budget.kind == "phone" {
            continue;
        }
        let began = budget.began(now);
        let left = began + TimeDelta::seconds(budget.span_s) - now;
        let wait = left.num_seconds() + i64::from(left.subsec_nanos() > 0);
        tx.count(Count {
            table: entity::otp_budget::TABLE,
            key: vec![("bucket", Value::from(budget.bucket())), ("began_at", Value::from(began))],
            by: 1,
            most: budget.most(),
            refusal: Refusal::TooManyCodes.refused().with("retry_after_s", wait),
        });
    }
}

fn budgets(keys: &Keys, settings: &AccessSettings, phone: &Phone, from: &Requester) -> Vec<Budget> {
    let one = |kind, whose: &str, span_s, most, shared| Budget {
        kind,
        whose: whose.to_owned(),
        span_s,
        most,
        shared,
    };
    let (address, block) =
        (keys.lookup("address", &from.address), keys.lookup("block", &from.block));
    vec![
        one("phone", &phone_hash(keys, phone), DAY_S, settings.otp_per_phone_day_all, false),
        one("address", &address, HOUR_S, settings.otp_per_address_hour, false),
        one("address", &address, DAY_S, settings.otp_per_address_day, false),
        one("block", &block, HOUR_S, settings.otp_per_block_hour, true),
        one("block", &block, DAY_S, settings.otp_per_block_day, true),
        one("prefix", &phone.prefix(), HOUR_S, settings.otp_per_prefix_hour, true),
        one("all", "", HOUR_S, settings.otp_per_all_hour, true),
    ]
}

/// Raises an alarm, once a span, where a shared budget is nearly exhausted (LIM-10).
///
/// # Errors
/// When the database fails.
pub(in crate::access) async fn watch(
    db: &Pool,
    alarms: &Alarms,
    keys: &Keys,
    settings: &AccessSettings,
    (phone, from): (&Phone, &Requester),
    now: Instant,
) -> Result<(), CommandError> {
    let shared = budgets(keys, settings, phone, from).into_iter().filter(|budget| budget.shared);
    for budget in shared {
        let (bucket, began) = (budget.bucket(), budget.began(now));
        let row = otp_budget::Entity::find_by_id((bucket.clone(), began)).all(db).await?.pop();
        let spent = row.map_or(0, |row| row.n);
        let nearly = spent * 100 >= budget.most() * i64::from(settings.otp_alarm_pct);
        if nearly && alarms.first(&bucket, began) {
            let (kind, most) = (budget.kind, budget.most());
            // A block's name is a keyed hash; an operator's prefix identifies no person.
            let whose = budget.whose;
            tracing::error!(alarm = "otp_budget", kind, whose, spent, most, "codes run out");
            metrics::counter!("yumo_otp_budget_alarms", "budget" => kind).increment(1);
        }
    }
    Ok(())
}

/// Deletes counters of spans that are over.
///
/// # Errors
/// When the database fails.
pub(in crate::access) async fn forget(db: &Pool, now: Instant) -> Result<u64, DbErr> {
    let gone = otp_budget::Entity::delete_many()
        .filter(otp_budget::Column::BeganAt.lt(now - TimeDelta::seconds(2 * DAY_S)))
        .exec(db)
        .await?;
    Ok(gone.rows_affected)
}
