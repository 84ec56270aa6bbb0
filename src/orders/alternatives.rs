//! Where else the same services can be had now, each with one call to place it there (QO-8).

use std::collections::BTreeSet;

use entity::order;
use entity::value::{Money, PersonId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::place::{Wish, affords};
use super::read::{self, Scope};
use crate::discovery::nearest::{Found, Wanted, nearest};
use crate::ledger::commission::commission;
use crate::platform::{Command, Stop, Tx};
use crate::policy;

/// One alternative.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Alternative {
    /// The branch.
    pub partner: Found,
    /// The whole body for placing there, at the price shown.
    pub place: Wish,
}

/// All alternatives, nearest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Alternatives {
    /// None is possible too.
    pub items: Vec<Alternative>,
}

/// Looks for alternatives to an order; changes nothing.
pub struct FindAlternatives {
    /// Whose order.
    pub client_id: PersonId,
    /// Which order.
    pub order_id: entity::value::OrderId,
}

impl Command for FindAlternatives {
    type Answer = Alternatives;
    const NAME: &'static str = "find_alternatives";

    async fn run(&self, tx: &mut Tx) -> Result<Alternatives, Stop> {
        let order = read::load(tx, Scope::Client(self.client_id), self.order_id).await?;
        let keys = policy::book::in_force(tx)?.keys;
        let codes: BTreeSet<String> = order.snapshot.lines.iter().map(|l| l.code.clone()).collect();
        let wanted = Wanted {
            centre: order.snapshot.origin,
            radius_m: keys.quick.alternatives_radius_m,
            codes,
            class: Some(order.car_class),
            closed_too: false,
        };
        let mut items = Vec::new();
        for found in nearest(tx.db(), &wanted, &keys, tx.now()).await? {
            if found.id == order.partner_id || items.len() == keys.quick.alternatives_max {
                continue;
            }
            let place = wish(&order, &found, &wanted.codes);
            let due = commission(place.shown_total.unwrap_or_default(), &keys.commission);
            if affords(tx, found.id, due, keys.balance.floor).await? {
                items.push(Alternative { partner: found, place });
            }
        }
        Ok(Alternatives { items })
    }
}

fn wish(order: &order::Model, found: &Found, codes: &BTreeSet<String>) -> Wish {
    let chosen: Vec<_> = codes
        .iter()
        .filter_map(|code| {
            found.services.iter().filter(|s| &s.code == code).min_by_key(|s| s.price)
        })
        .collect();
    Wish {
        kind: order.kind,
        partner_id: found.id,
        car_id: order.car_id,
        service_ids: chosen.iter().map(|s| s.id).collect(),
        origin: order.snapshot.origin,
        shown_total: Some(Money(chosen.iter().map(|s| s.price.0).sum())),
    }
}
