//! Random histories: people take random allowed actions with money, the engine restarts now and
//! then, and the books balance at every moment (COM-3, BAL-2, BAL-6, BON-1 … BON-5, PEN-5).
//!
//! `YUMO_HISTORIES` sets the number of seeds; a failing seed is printed.

use chrono::TimeDelta;
use entity::{lot, posting};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use sea_orm::EntityTrait as _;
use serde_json::json;

use crate::support::bonus::{grants, grants_branch, sets_aside, wants_to_pay};
use crate::support::client::Order;
use crate::support::faults::pays;
use crate::support::{Branch, Client, World, books, minutes};

/// Actions in one history.
const ACTS: usize = 45;

struct Town {
    branches: Vec<Branch>,
    clients: Vec<Client>,
    orders: Vec<(usize, usize, Order)>,
}

impl Town {
    async fn founded(world: &World) -> Self {
        let branches = vec![world.branch_with("Kristal", 900).await, world.branch("Shine").await];
        let mut clients = Vec::new();
        for name in ["Anar", "Leyla", "Rauf"] {
            clients.push(world.client(name).await);
        }
        Self { branches, clients, orders: Vec::new() }
    }

    /// One action; a refused one changes nothing.
    async fn acts(&mut self, world: &World, dice: &mut StdRng) {
        let (b, c) = (dice.random_range(0..2), dice.random_range(0..3));
        let (branch, client) = (self.branches[b].clone(), self.clients[c].clone());
        let amount = dice.random_range(1..=600);
        match dice.random_range(0..16) {
            0 => drop(grants_branch(world, &branch, amount, dice.random_range(1..30)).await),
            1 => drop(grants(world, &client, amount, dice.random_range(1..30)).await),
            2..=5 => {
                let paid = if dice.random_bool(0.5) { dice.random_range(0..=400) } else { 0 };
                let placed = wants_to_pay(&client, &branch, paid).await;
                if placed.status == 201 {
                    self.orders.push((b, c, Order::of(&placed)));
                }
            }
            6 => drop(world.support().credits(&branch.partner_id, amount).await),
            7 => self.pays_penalty(world, dice).await,
            _ => self.on_an_order(world, dice, amount).await,
        }
    }

    async fn on_an_order(&self, world: &World, dice: &mut StdRng, amount: i64) {
        if self.orders.is_empty() {
            return;
        }
        // The newest orders are the likeliest to be open.
        let n = self.orders.len() - 1 - dice.random_range(0..self.orders.len().min(4));
        let (b, c, order) = &self.orders[n];
        let (branch, client) = (&self.branches[*b], &self.clients[*c]);
        match dice.random_range(0..14) {
            0..=3 => drop(branch.accepts(order).await),
            4 | 5 => drop(branch.admits(order).await),
            6 | 7 => drop(branch.completes_for_less(order, amount * 4).await),
            8 => drop(branch.cancels(order).await),
            9 => drop(client.cancels(order).await),
            10 => drop(branch.declines(order).await),
            11 => drop(sets_aside(client, order, amount).await),
            12 => drop(branch.changes_services(order, &["wash.body", "wash.full"]).await),
            _ => drop(world.support().adjusts(order, "amend", Some(amount * 5)).await),
        }
    }

    async fn pays_penalty(&self, world: &World, dice: &mut StdRng) {
        let open = world.support().get("/v1/support/penalties?state=pending").await;
        let rows = open.ok()["items"].as_array().unwrap().clone();
        if let Some(row) = rows.first() {
            pays(world, row["id"].as_str().unwrap(), dice.random_range(1..=60)).await;
        }
    }
}

/// Granted bonus equals spent, expired and remaining bonus (BON-2).
async fn nothing_is_made_or_lost(world: &World) {
    let rows = posting::Entity::find().all(&world.db()).await.unwrap();
    let of_lot = |account: &str| account.starts_with("lot:");
    let (mut granted, mut spent, mut over) = (0, 0, 0);
    for row in rows {
        let (from, to) = (of_lot(&row.debit), of_lot(&row.credit));
        match (from, to) {
            (false, true) if row.kind.as_str().ends_with("amended") => spent -= row.amount.0,
            (false, true) => granted += row.amount.0,
            (true, false) if row.credit == "operator:bonus" => over += row.amount.0,
            (true, false) => spent += row.amount.0,
            (true, true) | (false, false) => {}
        }
    }
    let lots = lot::Entity::find().all(&world.db()).await.unwrap();
    let live: i64 = lots.iter().map(|lot| lot.free.0 + lot.pinned.0).sum();
    assert_eq!(granted, spent + over + live, "granted = spent + over + live");
}

async fn played(world: &mut World, seed: u64) {
    println!("seed {seed}");
    let mut dice = StdRng::seed_from_u64(seed);
    let mut town = Town::founded(world).await;
    for n in 0..ACTS {
        town.acts(world, &mut dice).await;
        if dice.random_bool(0.3) {
            world.advance(TimeDelta::seconds(dice.random_range(1..40))).await;
        }
        if dice.random_bool(0.1) {
            world.advance(minutes(dice.random_range(1..600))).await;
        }
        if n % 15 == 14 {
            world.restarts_with(|_| {}).await;
            world.advance(TimeDelta::microseconds(1)).await;
            books::check(world).await;
            nothing_is_made_or_lost(world).await;
        }
    }
    let proof = world.support().proof().await;
    assert_eq!(proof.ok()["ok"], json!(true));
}

fn seeds() -> u64 {
    std::env::var("YUMO_HISTORIES").ok().and_then(|n| n.parse().ok()).unwrap_or(4)
}

both! {
    /// COM-3, BAL-2, BAL-6, BON-1, BON-2, BON-3, BON-5, PEN-5: the books balance after any sequence
    /// of actions and restarts.
    async fn bal_6_the_books_hold_whatever_happens(world) {
        for seed in 1..=seeds() {
            played(world, seed).await;
        }
    }
}
