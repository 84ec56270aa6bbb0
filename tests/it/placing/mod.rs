//! Placing under pressure: many clients at once, one client in bulk, far away, late at night (LIM).

mod attacks;
mod catalogue;
mod limits;
mod nights;
mod races;
mod reach;

use serde_json::json;

use crate::support::{Branch, Client, World};

/// Adds a service of this price for sedans, half an hour long.
async fn offers(branch: &mut Branch, code: &str, price: i64) {
    branch.offers(code, json!([{"class": "sedan", "price": price, "minutes": 30}])).await;
}

/// This many branches with money and no bays.
async fn branches(world: &World, count: usize) -> Vec<Branch> {
    let mut all = Vec::new();
    for n in 0..count {
        all.push(world.branch(&format!("Branch {n}")).await);
    }
    all
}

/// The same client with this many cars in all.
async fn garage(client: &Client, count: usize) -> Vec<Client> {
    let mut all = vec![client.clone()];
    while all.len() < count {
        all.push(client.with_another("sedan").await);
    }
    all
}
