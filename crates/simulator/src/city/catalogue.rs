//! The catalogue of simulated services and each branch's own prices for them.

use crate::chance::Dice;
use serde_json::{Value, json};

/// Vehicle classes and their surcharge over a sedan, in percent.
pub const CLASSES: [(&str, i64); 5] =
    [("hatchback", 95), ("sedan", 100), ("suv", 130), ("minivan", 140), ("pickup", 145)];

/// A washing bay.
pub const WASH: &str = "wash";
/// A bay with a lift: tyres, oil.
pub const LIFT: &str = "lift";
/// A closed bay: polish, wax, dry cleaning.
pub const DETAIL: &str = "detail";
/// Bays of a branch, at most.
const BAYS_MAX: u64 = 6;
/// Names of branches that always have a special bay, with its kind.
const SPECIALISTS: [(&str, &str); 5] = [
    ("Detailing", DETAIL),
    ("Spa", DETAIL),
    ("Car Care", DETAIL),
    ("Servis", LIFT),
    ("servis", LIFT),
];
/// How many of a thousand other branches have a bay of each special kind.
const ALSO_PER_MILLE: u32 = 250;
/// Turnaround time of a special bay after a visit, minutes.
const REST_MIN: u64 = 10;

/// A service in the simulator's catalogue.
#[derive(Debug, Clone, Copy)]
pub struct Wash {
    /// The stable code.
    pub code: &'static str,
    /// Its name.
    pub name: &'static str,
    /// The price for a sedan at an average branch, qəpik.
    pub price_qepik: i64,
    /// How long it takes.
    pub minutes: u64,
    /// The kind of bay it needs.
    pub bay: &'static str,
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
    Wash { code, name, price_qepik, minutes, bay: WASH, offered_per_mille: offered }
}

/// A service that needs a special bay; offered wherever there is one.
const fn special(
    bay: &'static str,
    code: &'static str,
    name: &'static str,
    price_qepik: i64,
    minutes: u64,
) -> Wash {
    Wash { code, name, price_qepik, minutes, bay, offered_per_mille: 1000 }
}

/// The services.
pub const WASHES: [Wash; 10] = [
    wash("wash.body", "Kuzov yuma", 800, 20, 1000),
    wash("wash.full", "Tam yuma", 1500, 40, 950),
    wash("wash.interior", "Salon təmizləmə", 1000, 30, 850),
    wash("wash.engine", "Mühərrik yuma", 2000, 30, 500),
    wash("wash.underbody", "Alt yuma", 700, 15, 450),
    special(DETAIL, "polish.body", "Polirovka", 8000, 120),
    special(DETAIL, "wax.body", "Mum örtük", 2500, 40),
    special(DETAIL, "dryclean.interior", "Kimyəvi təmizləmə", 9000, 180),
    special(LIFT, "tyre.change", "Təkər dəyişmə", 2000, 40),
    special(LIFT, "oil.change", "Yağ dəyişmə", 3000, 30),
];

/// The service with a code.
pub fn wash_of(code: &str) -> Option<&'static Wash> {
    WASHES.iter().find(|wash| wash.code == code)
}

/// A service as one branch offers it.
#[derive(Debug, Clone)]
pub struct Offering {
    /// What it is.
    pub wash: Wash,
    /// This branch's price in percent of the average.
    pub percent: i64,
}

impl Offering {
    /// The price for a class, rounded down to half manats, at least one.
    pub fn price_qepik(&self, class_percent: i64) -> i64 {
        let price = self.wash.price_qepik * self.percent / 100 * class_percent / 100;
        (price / 50).max(1) * 50
    }

    /// The request body that adds it to a branch's catalogue.
    pub fn body(&self) -> Value {
        let minutes = self.wash.minutes;
        let price = |(class, percent): (&str, i64)| {
            let price = self.price_qepik(percent);
            json!({ "class": class, "price": price, "minutes": minutes })
        };
        let Wash { code, name, bay, .. } = self.wash;
        let rest = if bay == WASH { 0 } else { REST_MIN };
        json!({
            "code": code, "name": name, "prices": CLASSES.map(price), "active": true,
            "bay_kind": bay, "buffer_min": rest,
        })
    }
}

/// The kinds of the one to six bays of a branch: most are for washing, and so is the first.
pub fn bays(name: &str, dice: &mut Dice) -> Vec<&'static str> {
    let count = dice.between(1, BAYS_MAX).max(dice.between(1, BAYS_MAX));
    let count = usize::try_from(count).unwrap_or(1).max(1);
    let mut special = Vec::new();
    for kind in [DETAIL, LIFT] {
        let known = SPECIALISTS.iter().any(|(word, of)| *of == kind && name.contains(word));
        if dice.chance(ALSO_PER_MILLE) || known {
            special.push(kind);
        }
    }
    special.truncate((count / 2).min(2));
    let mut bays = vec![WASH; count - special.len()];
    bays.append(&mut special);
    bays
}

/// The services of a branch with these bays: always at least the two commonest washes.
pub fn offerings(dice: &mut Dice, bays: &[&str]) -> Vec<Offering> {
    let percent = i64::try_from(dice.between(80, 135)).unwrap_or(100);
    WASHES
        .into_iter()
        .filter(|wash| dice.chance(wash.offered_per_mille) || wash.code == "wash.full")
        .filter(|wash| bays.contains(&wash.bay))
        .map(|wash| Offering { wash, percent })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{DETAIL, LIFT, WASH, bays, offerings};
    use crate::chance::Dice;

    #[test]
    fn a_branch_offers_what_it_has_bays_for() {
        for number in 0..200 {
            let name = ["Gənclik Detailing", "Alov Avtoservis", "Parlaq"][number % 3];
            let kinds = bays(name, &mut Dice::of(7, "bays", number));
            assert!((1..=6).contains(&kinds.len()) && kinds[0] == WASH, "{kinds:?}");
            let offered = offerings(&mut Dice::of(7, "branch", number), &kinds);
            assert!(offered.len() >= 2);
            for kind in [WASH, DETAIL, LIFT] {
                let serves = offered.iter().any(|offering| offering.wash.bay == kind);
                assert_eq!(serves, kinds.contains(&kind), "{name}: {kinds:?}");
            }
        }
    }
}
