//! What a branch offers: the services of the town, priced by each branch in its own way.

use crate::chance::Dice;
use serde_json::{Value, json};

/// Vehicle classes and what each costs more than a sedan, in percent.
pub const CLASSES: [(&str, i64); 5] =
    [("hatchback", 95), ("sedan", 100), ("suv", 130), ("minivan", 140), ("pickup", 145)];

/// A service as the town knows it.
#[derive(Debug, Clone, Copy)]
pub struct Wash {
    /// The stable code.
    pub code: &'static str,
    /// Its name.
    pub name: &'static str,
    /// What it costs for a sedan at a middling branch, qəpik.
    pub price_qepik: i64,
    /// How long it takes.
    pub minutes: u64,
    /// How many of a thousand branches offer it.
    offered_per_mille: u32,
}

const fn wash(
    code: &'static str,
    name: &'static str,
    price_qepik: i64,
    minutes: u64,
    offered: u32,
) -> Wash {
    Wash { code, name, price_qepik, minutes, offered_per_mille: offered }
}

/// The services.
pub const WASHES: [Wash; 10] = [
    wash("wash.body", "Kuzov yuma", 800, 20, 1000),
    wash("wash.full", "Tam yuma", 1500, 40, 950),
    wash("wash.interior", "Salon təmizləmə", 1000, 30, 850),
    wash("wash.engine", "Mühərrik yuma", 2000, 30, 500),
    wash("wash.underbody", "Alt yuma", 700, 15, 450),
    wash("polish.body", "Polirovka", 8000, 120, 300),
    wash("wax.body", "Mum örtük", 2500, 40, 450),
    wash("dryclean.interior", "Kimyəvi təmizləmə", 9000, 180, 350),
    wash("tyre.change", "Təkər dəyişmə", 2000, 40, 300),
    wash("oil.change", "Yağ dəyişmə", 3000, 30, 250),
];

/// A service as one branch offers it.
#[derive(Debug, Clone)]
pub struct Offering {
    /// What it is.
    pub wash: Wash,
    /// What this branch asks of a hundred.
    pub percent: i64,
}

impl Offering {
    /// The price for a class, whole half-manats.
    pub fn price_qepik(&self, class_percent: i64) -> i64 {
        let price = self.wash.price_qepik * self.percent / 100 * class_percent / 100;
        (price / 50).max(1) * 50
    }

    /// The body that adds it to a branch's catalogue.
    pub fn body(&self) -> Value {
        let minutes = self.wash.minutes;
        let price = |(class, percent): (&str, i64)| {
            let price = self.price_qepik(percent);
            json!({ "class": class, "price": price, "minutes": minutes })
        };
        let Wash { code, name, .. } = self.wash;
        json!({ "code": code, "name": name, "prices": CLASSES.map(price), "active": true })
    }
}

/// What a branch with these dice offers: at least the first two.
pub fn offerings(dice: &mut Dice) -> Vec<Offering> {
    let percent = i64::try_from(dice.between(80, 135)).unwrap_or(100);
    WASHES
        .into_iter()
        .filter(|wash| dice.chance(wash.offered_per_mille) || wash.code == "wash.full")
        .map(|wash| Offering { wash, percent })
        .collect()
}
