//! The simulated clients and owners: names, phones, cars and plates by number.

use crate::chance::Dice;

const FIRST: [&str; 32] = [
    "Anar",
    "Aysel",
    "Elvin",
    "Günel",
    "Rəşad",
    "Nigar",
    "Tural",
    "Leyla",
    "Orxan",
    "Səbinə",
    "Kamran",
    "Aytən",
    "Vüqar",
    "Fidan",
    "Emin",
    "Zəhra",
    "Ramil",
    "Könül",
    "Samir",
    "Lalə",
    "Fərid",
    "Ülviyyə",
    "Cavid",
    "Nərmin",
    "Murad",
    "Aygün",
    "Elçin",
    "Jalə",
    "Rövşən",
    "Sevda",
    "İlqar",
    "Xədicə",
];

const LAST: [&str; 24] = [
    "Məmmədov",
    "Əliyev",
    "Həsənov",
    "Hüseynov",
    "Quliyev",
    "İsmayılov",
    "Abbasov",
    "Cəfərov",
    "Rzayev",
    "Babayev",
    "Kərimov",
    "Nəbiyev",
    "Səfərov",
    "Mustafayev",
    "Ağayev",
    "Qasımov",
    "Orucov",
    "Vəliyev",
    "Şirinov",
    "Tağıyev",
    "Bayramov",
    "Nəsirov",
    "Sultanov",
    "Heydərov",
];

/// Makes by class.
const MAKES: [(&str, [&str; 4]); 5] = [
    ("hatchback", ["Kia Rio", "Hyundai i20", "VW Golf", "Toyota Yaris"]),
    ("sedan", ["Toyota Prius", "Hyundai Elantra", "Mercedes C 180", "Khazar SD"]),
    ("suv", ["Toyota RAV4", "Hyundai Santa Fe", "BMW X5", "Range Rover Sport"]),
    ("minivan", ["Mercedes Vito", "Hyundai Staria", "VW Caravelle", "Toyota Alphard"]),
    ("pickup", ["Toyota Hilux", "Ford Ranger", "Mitsubishi L200", "Isuzu D-Max"]),
];

/// Letters used on plates.
const LETTERS: &[u8] = b"ABCDEFGHJKLMNOPRSTUVXYZ";
/// Regional codes of Baku on plates; `10` is twice as likely.
const REGIONS: [&str; 5] = ["10", "77", "90", "99", "10"];

/// A simulated client with a car.
#[derive(Debug, Clone)]
pub struct Resident {
    /// First and last name.
    pub name: String,
    /// The phone for sign-in.
    pub phone: String,
    /// The car's plate.
    pub plate: String,
    /// The car's make.
    pub make: &'static str,
    /// The car's class.
    pub class: &'static str,
}

/// The phone of client `number`.
pub fn client_phone(number: usize) -> String {
    format!("+99450{:07}", 1_000_000 + number % 8_000_000)
}

/// The phone of the owner of branch `number`.
pub fn owner_phone(number: usize) -> String {
    format!("+99455{:07}", 2_000_000 + number % 7_000_000)
}

/// The client with a number. It depends on the number only, not on the seed, so a second run finds
/// the same person.
pub fn resident(number: usize) -> Resident {
    let mut dice = Dice::of(0, "resident", number);
    let first = dice.pick(&FIRST).copied().unwrap_or("Anar");
    let last = dice.pick(&LAST).copied().unwrap_or("Əliyev");
    let class = match dice.between(0, 99) {
        0..25 => "hatchback",
        25..65 => "sedan",
        65..88 => "suv",
        88..95 => "minivan",
        _ => "pickup",
    };
    let makes = MAKES.iter().find(|(of, _)| *of == class).map_or(&[][..], |(_, makes)| &makes[..]);
    let make = dice.pick(makes).copied().unwrap_or("Toyota Prius");
    Resident {
        name: format!("{first} {last}"),
        phone: client_phone(number),
        plate: plate_of(number, &mut dice),
        make,
        class,
    }
}

/// A unique plate: region, two letters and three digits, counted through.
fn plate_of(number: usize, dice: &mut Dice) -> String {
    let letters = LETTERS.len();
    let spread = number.wrapping_mul(7919);
    let letter = |place: usize| LETTERS.get(place % letters).copied().map_or('A', char::from);
    let region = dice.pick(&REGIONS).copied().unwrap_or("10");
    let (first, second) = (letter(spread / 1000 / letters), letter(spread / 1000));
    format!("{region}-{first}{second}-{:03}", spread % 1000)
}

#[cfg(test)]
mod tests {
    use super::resident;
    use std::collections::HashSet;

    #[test]
    fn nobody_shares_a_phone_or_a_plate() {
        let people: Vec<_> = (0..3000).map(resident).collect();
        assert_eq!(people.iter().map(|who| &who.phone).collect::<HashSet<_>>().len(), 3000);
        assert_eq!(people.iter().map(|who| &who.plate).collect::<HashSet<_>>().len(), 3000);
        assert!(people.iter().all(|who| who.phone.len() == 13));
    }
}
