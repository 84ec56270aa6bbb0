//! What services cost together for a car: pure.

use std::collections::BTreeSet;

use entity::order::Line;
use entity::value::{CarClass, Money, ServiceId};

use super::Refusal;
use crate::partners::read::ServiceView;

/// Services of one order at most.
pub const SERVICES_MAX: usize = 20;

/// The lines of an order for these services and this class of car; what was agreed before stays as
/// it was.
///
/// # Errors
/// `services_invalid` when one is unknown, stopped, named twice, or not offered for the class.
pub fn lines(
    offered: &[ServiceView],
    agreed: &[Line],
    wanted: &[ServiceId],
    class: CarClass,
) -> Result<Vec<Line>, Refusal> {
    let different: BTreeSet<_> = wanted.iter().collect();
    if wanted.is_empty() || wanted.len() > SERVICES_MAX || different.len() != wanted.len() {
        return Err(Refusal::ServicesInvalid);
    }
    wanted
        .iter()
        .map(|id| {
            if let Some(line) = agreed.iter().find(|line| line.id == *id) {
                return Ok(line.clone());
            }
            let service = offered.iter().find(|s| s.id == *id && s.active);
            let service = service.ok_or(Refusal::ServicesInvalid)?;
            let price = service.prices.iter().find(|p| p.class == class);
            let price = price.ok_or(Refusal::ServicesInvalid)?;
            Ok(Line {
                id: service.id,
                code: service.code.clone(),
                name: service.name.clone(),
                price: price.price,
                minutes: price.minutes,
            })
        })
        .collect()
}

/// The sum of the lines.
///
/// # Errors
/// `amount_invalid` when it is out of range.
pub fn total(lines: &[Line]) -> Result<Money, Refusal> {
    lines
        .iter()
        .try_fold(Money::ZERO, |sum, line| sum.plus(line.price))
        .ok_or(Refusal::AmountInvalid)
}

/// The duration of the lines, minutes.
#[must_use]
pub fn minutes(lines: &[Line]) -> i64 {
    lines.iter().map(|line| i64::from(line.minutes)).sum()
}
