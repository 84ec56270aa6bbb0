//! The price of services for a car: pure.

use std::collections::BTreeSet;

use entity::order::OrderedService;
use entity::value::{CarClass, Money, ServiceId};

use super::Refusal;
use crate::partners::capacity::plan;
use crate::partners::capacity::slots::Visit;
use crate::partners::profile::read::ServiceView;
use crate::policy::Policy;
use platform::Refused;

/// Maximum services of one order.
pub const SERVICES_MAX: usize = 20;

/// The lines of an order for these services and this class of car; lines agreed before keep their
/// price.
///
/// # Errors
/// `service_unknown`, `service_stopped`, `not_for_class`, or `services_invalid` when one is named
/// twice, or there are none or too many.
pub fn lines(
    offered: &[ServiceView],
    agreed: &[OrderedService],
    wanted: &[ServiceId],
    class: CarClass,
    policy: &Policy,
) -> Result<Vec<OrderedService>, Refused> {
    let different: BTreeSet<_> = wanted.iter().collect();
    if wanted.is_empty() || wanted.len() > SERVICES_MAX || different.len() != wanted.len() {
        return Err(Refusal::ServicesInvalid.into());
    }
    let rest = i32::try_from(policy.booking.buffer_min).unwrap_or(0);
    wanted
        .iter()
        .enumerate()
        .map(|(n, id)| {
            if let Some(line) = agreed.iter().find(|line| line.id == *id) {
                return Ok(line.clone());
            }
            let (service, price) = plan::offered(offered, *id, class)
                .map_err(|refusal| refusal.refused().at(format!("/service_ids/{n}")))?;
            Ok(OrderedService {
                id: service.id,
                code: service.code.clone(),
                name: service.name.clone(),
                price: price.price,
                minutes: price.minutes,
                buffer_min: service.buffer_min.unwrap_or(rest),
            })
        })
        .collect()
}

/// The sum of the lines.
///
/// # Errors
/// `amount_invalid` when it is out of range.
pub fn total(lines: &[OrderedService]) -> Result<Money, Refused> {
    lines
        .iter()
        .try_fold(Money::ZERO, |sum, line| sum.plus(line.price))
        .ok_or_else(|| Refusal::AmountInvalid.refused().at("/service_ids"))
}

/// The time the lines need: the sum of the durations, and the longest buffer after them (BK-1).
#[must_use]
pub fn visit(lines: &[OrderedService]) -> Visit {
    let buffer_min = lines.iter().map(|line| i64::from(line.buffer_min)).max().unwrap_or(0);
    Visit { minutes: minutes(lines), buffer_min }
}

/// The duration of the lines, minutes.
#[must_use]
pub fn minutes(lines: &[OrderedService]) -> i64 {
    lines.iter().map(|line| i64::from(line.minutes)).sum()
}
