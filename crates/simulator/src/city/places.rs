//! Partner names, addresses and coordinates that resemble Baku.

use client::Point;

/// A car-care place.
#[derive(Debug, Clone, Copy)]
pub struct KnownPlace {
    /// The partner's name.
    pub name: &'static str,
    /// Street and number, unique in the simulator.
    pub address: &'static str,
    /// Its coordinates.
    pub point: Point,
}

const fn place(name: &'static str, address: &'static str, lat: f64, lon: f64) -> KnownPlace {
    KnownPlace { name, address, point: Point { lat, lon } }
}

/// The place with a number; beyond the table, addresses continue with higher house numbers.
pub fn place_of(number: usize) -> Option<(String, String, Point)> {
    let base = PLACES.get(number % PLACES.len())?;
    let round = number / PLACES.len();
    if round == 0 {
        return Some((base.name.to_owned(), base.address.to_owned(), base.point));
    }
    let shift = i32::try_from(round).unwrap_or(1).saturating_mul(180);
    let turned = if number.is_multiple_of(2) {
        base.point.moved(shift % 900, -shift % 700)
    } else {
        base.point.moved(-shift % 700, shift % 900)
    };
    Some((
        format!("{} {}", base.name, round + 1),
        format!("{}, korpus {}", base.address, round + 1),
        turned,
    ))
}

/// The table of places.
pub const PLACES: [KnownPlace; 48] = [
    place("Kristal Avtoyuma", "Nizami küç. 203, Nəsimi", 40.3777, 49.8475),
    place("Xəzər Car Wash", "Neftçilər pr. 153, Səbail", 40.3731, 49.8482),
    place("Gənclik Detailing", "Fətəli xan Xoyski küç. 98, Nərimanov", 40.4012, 49.8534),
    place("Abşeron Yuma", "Təbriz küç. 44, Nərimanov", 40.4038, 49.8641),
    place("Nərimanov Avto Spa", "Əhməd Rəcəbli küç. 17, Nərimanov", 40.4061, 49.8702),
    place("Alov Avtoservis", "Cəfər Cabbarlı küç. 60, Nəsimi", 40.3829, 49.8401),
    place("Elit Yuma", "Hüseyn Cavid pr. 33, Yasamal", 40.3761, 49.8140),
    place("Yasamal Car Care", "Şərifzadə küç. 221, Yasamal", 40.3832, 49.8077),
    place("Parlaq", "Mətbuat pr. 12, Yasamal", 40.3747, 49.8078),
    place("İnşaatçılar Avtoyuma", "İnşaatçılar pr. 41, Yasamal", 40.3897, 49.8032),
    place("20 Yanvar Yuma", "Tbilisi pr. 76, Yasamal", 40.4041, 49.8083),
    place("Memar Car Wash", "Cavadxan küç. 9, Nəsimi", 40.4113, 49.8140),
    place("Nəsimi Detailing", "Süleyman Sani Axundov küç. 5, Binəqədi", 40.4238, 49.8262),
    place("Azadlıq Avto", "Azadlıq pr. 189, Binəqədi", 40.4253, 49.8431),
    place("Dərnəgül Yuma", "Ziya Bünyadov pr. 1965, Binəqədi", 40.4251, 49.8622),
    place("8-ci Mikrorayon Yuma", "Mir Cəlal küç. 28, Binəqədi", 40.4197, 49.8188),
    place("Ulduz Car Spa", "Ulduz küç. 3, Nərimanov", 40.4149, 49.8911),
    place("Bakmil Servis", "Heydər Əliyev pr. 115, Nərimanov", 40.4139, 49.8793),
    place("Zabrat Parıltı", "Ağa Nemətulla küç. 71, Nərimanov", 40.4125, 49.8583),
    place("Koroğlu Avtoyuma", "Heydər Əliyev pr. 187, Nizami", 40.4212, 49.9179),
    place("Qara Qarayev Wash", "Qara Qarayev pr. 58, Nizami", 40.4173, 49.9342),
    place("Neftçilər Yuma", "Rüstəm Rüstəmov küç. 14, Nizami", 40.4107, 49.9437),
    place("Dostluq Car Care", "Qara Qarayev pr. 120, Nizami", 40.3977, 49.9529),
    place("Əhmədli Avto Spa", "Məhəmməd Hadi küç. 136, Xətai", 40.3853, 49.9541),
    place("Həzi Yuma", "Sabit Orucov küç. 8, Xətai", 40.3728, 49.9536),
    place("Günəşli Detailing", "Qurban Abbasov küç. 22, Xətai", 40.3719, 49.9702),
    place("Xətai Avtoyuma", "Xocalı pr. 37, Xətai", 40.3829, 49.8721),
    place("Ağ Şəhər Car Wash", "Nobel pr. 15, Xətai", 40.3792, 49.8897),
    place("Port Yuma", "Yusif Səfərov küç. 27, Xətai", 40.3781, 49.8664),
    place("Babək Servis", "Babək pr. 76, Xətai", 40.3874, 49.9088),
    place("Mehdi Hüseyn Yuma", "Mehdi Abbasov küç. 19, Xətai", 40.3899, 49.9311),
    place("NZS Avto", "Nəcəfqulu Rəfiyev küç. 31, Xətai", 40.3955, 49.8949),
    place("Keşlə Yuma", "Bülbül pr. 4, Nizami", 40.4014, 49.8860),
    place("Sənaye Car Wash", "Sabunçu yolu 6, Nizami", 40.4298, 49.9473),
    place("Bakıxanov Yuma", "Sülh küç. 45, Sabunçu", 40.4244, 49.9602),
    place("Zığ Avtoyuma", "Zığ şossesi 2, Xətai", 40.3702, 49.9799),
    place("28 May Express", "28 May küç. 11, Nəsimi", 40.3799, 49.8492),
    place("Sahil Detailing", "Rəsul Rza küç. 75, Nəsimi", 40.3741, 49.8441),
    place("Fəvvarə Yuma", "Səməd Vurğun küç. 34, Nəsimi", 40.3789, 49.8439),
    place("Monolit Car Care", "Bakıxanov küç. 24, Nəsimi", 40.3872, 49.8342),
    place("Dağüstü Yuma", "Mehdi Hüseyn küç. 50, Səbail", 40.3705, 49.8302),
    place("Badamdar Avto Spa", "Badamdar şossesi 88, Səbail", 40.3703, 49.8051),
    place("Sovetski Parlaq", "Mirzəağa Əliyev küç. 130, Nəsimi", 40.3768, 49.8311),
    place("Montin Yuma", "Əlövsət Quliyev küç. 62, Nərimanov", 40.3963, 49.8612),
    place("Atatürk Car Wash", "Atatürk pr. 21, Nərimanov", 40.4009, 49.8607),
    place("Papanin Avtoyuma", "Əlisöhbət Sumbatzadə küç. 7, Binəqədi", 40.4089, 49.8286),
    place("Rəsulzadə Yuma", "Süleyman Vəzirov küç. 18, Binəqədi", 40.4356, 49.8334),
    place("Binəqədi Servis", "Binəqədi şossesi 53, Binəqədi", 40.4478, 49.8243),
];

#[cfg(test)]
mod tests {
    use super::{PLACES, place_of};
    use std::collections::HashSet;

    #[test]
    fn every_place_is_in_the_town_and_has_its_own_address() {
        let addresses: HashSet<_> = PLACES.iter().map(|place| place.address).collect();
        assert_eq!(addresses.len(), PLACES.len());
        for place in PLACES {
            assert!((40.37..=40.45).contains(&place.point.lat), "{}", place.name);
            assert!((49.80..=49.98).contains(&place.point.lon), "{}", place.name);
        }
        let many: HashSet<_> =
            (0..500).filter_map(place_of).map(|(_, address, _)| address).collect();
        assert_eq!(many.len(), 500);
    }
}
