//! Alternatives to an order: other branches with the same services, now or about the booked time,
//! each with the request that places it there (QO-8).

use std::sync::Arc;

use std::collections::BTreeSet;

use entity::kinds::CommandName;
use entity::order::{self, OrderKind};
use entity::value::{CarClass, Instant, Money, PersonId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::afford::affords;
use super::reach;
use super::request::OrderRequest;
use crate::context::{Context, Tx};
use crate::ledger::commission::commission;
use crate::orders::booking::slot;
use crate::orders::read::{self, OrderScope};
use crate::partners::capacity::availability::{NOBODY, Search};
use crate::partners::capacity::plan;
use crate::policy::{self, Policy};
use crate::search::nearest::{NearestQuery, PartnerListing, nearest};
use platform::{Command, CommandError};

/// One alternative.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Alternative {
    /// The branch.
    pub partner: PartnerListing,
    /// The request body that places the order there, at the price shown.
    pub place: OrderRequest,
}

/// All alternatives, nearest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Alternatives {
    /// The alternatives; may be empty.
    pub items: Vec<Alternative>,
}

/// Searches alternatives to an order; changes nothing.
pub struct FindAlternatives {
    /// The acting client.
    pub client_id: PersonId,
    /// The order.
    pub order_id: entity::value::OrderId,
}

impl Command<Context> for FindAlternatives {
    type Answer = Alternatives;
    const NAME: CommandName = CommandName::FindAlternatives;

    async fn run(&self, tx: &mut Tx) -> Result<Alternatives, CommandError> {
        let order = read::load(tx, OrderScope::Client(self.client_id), self.order_id).await?;
        let keys = policy::registry::in_force(tx)?.keys;
        let codes: BTreeSet<String> = order.snapshot.lines.iter().map(|l| l.code.clone()).collect();
        let wanted = NearestQuery {
            centre: order.snapshot.origin,
            radius_m: keys.quick.alternatives_radius_m,
            codes,
            class: Some(order.car_class),
            closed_too: order.kind == OrderKind::Booking,
        };
        let plans = Arc::clone(&tx.context().plans);
        let mut items = Vec::new();
        for found in nearest(tx.db(), &plans, &wanted, &keys, tx.now()).await? {
            if found.id == order.partner_id || items.len() == keys.quick.alternatives_max {
                continue;
            }
            let mut place = wish(&order, &found, &wanted.codes);
            if let Some(start) = order.starts_at {
                place.starts_at = free_near(tx, &place, order.car_class, start, &keys).await?;
                if place.starts_at.is_none() {
                    continue;
                }
            }
            if order.kind == OrderKind::Quick {
                let (partner, plan) = plan::of(tx, found.id).await?;
                if reach::too_late(&partner, &plan.calendar, found.route_secs, tx.now()) {
                    continue;
                }
            }
            let due = commission(place.shown_total.unwrap_or_default(), &keys.commission);
            if affords(tx, found.id, due, keys.balance.floor).await? {
                items.push(Alternative { partner: found, place });
            }
        }
        Ok(Alternatives { items })
    }
}

/// The free slot nearest to a start, at the branch of this request.
async fn free_near(
    tx: &mut Tx,
    place: &OrderRequest,
    class: CarClass,
    start: Instant,
    policy: &Policy,
) -> Result<Option<Instant>, CommandError> {
    let (partner, plan) = plan::of(tx, place.partner_id).await?;
    let need = plan.need(&place.service_ids, class, policy);
    let Some(need) = need.ok().filter(|_| plan.taking) else { return Ok(None) };
    let (plan, need, now) = (&plan, &need, tx.now());
    let search = Search { plan, need, car: Some(place.car_id), holder: NOBODY, policy, now };
    // For a start in the past the search begins today.
    let date = plan.calendar.date_of(start.max(tx.now()));
    let days = u64::try_from(policy.booking.alternatives_days).unwrap_or(1).max(1);
    let (free, held) = search.slots(tx.db(), partner.id, date, days).await?;
    let free = search.for_car(free, &held);
    Ok(slot::nearest(&free, start, 1).first().map(|slot| slot.starts_at))
}

fn wish(order: &order::Model, found: &PartnerListing, codes: &BTreeSet<String>) -> OrderRequest {
    let chosen: Vec<_> = codes
        .iter()
        .filter_map(|code| {
            found.services.iter().filter(|s| &s.code == code).min_by_key(|s| s.price)
        })
        .collect();
    OrderRequest {
        kind: order.kind,
        partner_id: found.id,
        car_id: order.car_id,
        service_ids: chosen.iter().map(|s| s.id).collect(),
        origin: order.snapshot.origin,
        starts_at: None,
        pay_with_bonus: Some(order.bonus).filter(|bonus| bonus.is_positive()),
        shown_total: Some(Money(chosen.iter().map(|s| s.price.0).sum())),
    }
}
