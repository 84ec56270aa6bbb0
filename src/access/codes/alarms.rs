//! The alarms about budgets of one-time codes that this node has raised (LIM-10).

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use chrono::TimeDelta;
use entity::value::Instant;

/// The spans for which this node has raised the alarm.
#[derive(Default)]
pub struct Alarms(Mutex<BTreeMap<String, Instant>>);

impl Alarms {
    /// Is this the first alarm for this bucket and span?
    pub(in crate::access) fn first(&self, bucket: &str, began: Instant) -> bool {
        let mut raised = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        raised.retain(|_, at| began - *at < TimeDelta::days(1));
        raised.insert(bucket.to_owned(), began) != Some(began)
    }
}
