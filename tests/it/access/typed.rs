//! Typed input: numbers, codes, plates and addresses are normalised before they are compared.

use serde_json::json;

use super::{answers, asks, stranger, strict};
use crate::support::faults::imposes;
use crate::support::{Client, Person, World};
use crate::wire::raw::{Answer, Raw};

/// The same number, as other keyboards, address books and copied messages write it.
fn spellings(phone: &str) -> Vec<String> {
    let national = &phone[4..];
    let arabic: String = phone[1..]
        .chars()
        .map(|digit| char::from_u32(0x660 + digit.to_digit(10).unwrap()).unwrap())
        .collect();
    vec![
        format!("+9940{national}"),
        format!("+994 (0){} {}", &national[..2], &national[2..]),
        format!("\u{202a}{phone}\u{202c}"),
        format!("\u{202b}{phone}\u{202c}"),
        format!("\u{2068}{phone}\u{2069}"),
        format!("\u{feff}{phone}"),
        format!("\u{200e}{phone}"),
        format!("+994\u{a0}{}\u{a0}{}", &national[..2], &national[2..]),
        phone.replace('+', "＋"),
        format!("+{arabic}"),
    ]
}

fn typed(person: &Person, phone: &str) -> Person {
    Person { phone: phone.to_owned(), ..person.clone() }
}

async fn drives(client: &Client, plate: &str) -> Answer {
    let body = json!({"plate": plate, "make": "Kia Rio", "class": "sedan"});
    Raw::command(client, "POST", "/v1/client/cars").json(&body).send().await
}

async fn registers(world: &World, address: &str, phone: &str) -> Answer {
    let body = json!({
        "name": "Nizami", "address": address, "zone": "Asia/Baku",
        "point": {"lat": 40.41, "lon": 49.9}, "owner_phone": phone,
    });
    Raw::command(world.support(), "POST", "/v1/support/partners").json(&body).send().await
}

both! {
    /// ACC-1: a number is one person, with any marks, spaces, digits or trunk zero.
    async fn acc_1_a_number_is_one_person_however_it_is_typed(world) {
        let anar = world.client("Anar").await;
        for spelling in spellings(&anar.phone) {
            let someone = typed(&anar, &spelling);
            asks(&someone).await.ok(202);
            let code = world.scene.mailbox.take(&anar.phone);
            let tokens = answers(&someone, &code).await;
            assert_eq!(tokens.ok(201)["person_id"], anar.person_id, "{spelling:?}");
        }
    }

    /// ACC-1, LIM-10: a number that no phone has, or of a country not served, has its own refusal
    /// on every route, and creates no person.
    async fn lim_10_impossible_and_foreign_numbers_are_refused_by_name(world) {
        let kristal = world.branch("Kristal").await;
        let people = crate::wire::rows::all(world).await["person"].len();
        let cases = [
            ("+994051234567", 422, "phone_impossible"),
            ("+99450123456", 422, "phone_impossible"),
            ("+9945012345678", 422, "phone_impossible"),
            ("+79161234567", 422, "country_not_served"),
            ("0501234567", 400, "malformed"),
        ];
        for (number, status, code) in cases {
            let someone = typed(&stranger(world, "Somebody"), number);
            asks(&someone).await.problem(status, code);
            answers(&someone, "123456").await.problem(status, code);
            let body = json!({"phone": number, "role": "viewer"});
            let named = Raw::command(&kristal, "POST", "/v1/partner/staff").json(&body).send().await;
            named.problem(status, code);
            registers(world, "Somewhere 1", number).await.problem(status, code);
        }
        assert_eq!(crate::wire::rows::all(world).await["person"].len(), people);
    }

    /// ACC-3: an owner whose number was entered with the trunk zero finds the branch.
    async fn acc_3_an_owner_written_with_the_trunk_zero_finds_the_branch(world) {
        let phone = world.scene.phone();
        let written = format!("+994 (0){}", &phone[4..]);
        registers(world, "Somewhere 1", &written).await.ok(201);
        let owner = Person::signs_in(&world.scene, "The owner", &phone).await;
        assert_eq!(owner.get("/v1/partner/branch").await.ok()["name"], "Nizami");
    }

    /// ACC-1: a code is accepted with marks and spaces around it and in any digits, without costing
    /// an attempt.
    async fn acc_1_a_code_is_read_however_it_is_typed(world) {
        strict(world).await;
        let arabic = |code: &str| -> String {
            code.bytes().map(|d| char::from_u32(0x660 + u32::from(d - b'0')).unwrap()).collect()
        };
        let ways: [&dyn Fn(&str) -> String; 4] = [
            &|code| format!("\u{200b}{code}"),
            &|code| format!(" {} {} ", &code[..3], &code[3..]),
            &arabic,
            &|code| format!("\u{2068}{code}\u{2069}"),
        ];
        for way in ways {
            let anar = stranger(world, "Anar");
            asks(&anar).await.ok(202);
            let code = world.scene.mailbox.take(&anar.phone);
            answers(&anar, &way(&code)).await.ok(201);
        }
    }

    /// ACC-7: letters that look alike make no second car; a different plate is another car.
    async fn acc_7_a_plate_is_one_car_on_every_keyboard(world) {
        let anar = world.client("Anar").await;
        drives(&anar, "10-IA-123").await.ok(201);
        for same in ["10-İA-123", "10-ІА-123", "10-ıa-123", "10 ia 123", "１０ІА１２３"] {
            drives(&anar, same).await.problem(409, "car_known");
        }
        drives(&anar, "10-LA-123").await.ok(201);
    }

    /// BON-8: a campaign's code can be entered on any keyboard, and be created with any letters.
    async fn bon_8_a_campaign_code_is_read_on_every_keyboard(world) {
        for (n, (made, entered)) in
            [("ENDIRIM10", "ENDİRİM10"), ("ŞƏKİGÜNÜ26", "sekigunu26"), ("Çörək2026", "ÇÖRƏK 2026")]
                .into_iter()
                .enumerate()
        {
            let anar = world.client("Anar").await;
            let body = json!({
                "name": format!("Autumn {n}"), "audience": "client", "amount": 300, "ttl_h": 48,
                "budget": 700, "code": made, "public": true, "ends_at": "2026-12-01T00:00:00Z",
                "reason": "The leaves fall",
            });
            world.support().post("/v1/support/campaigns", body).await.ok();
            let entered = anar.post("/v1/client/bonus/codes", json!({"code": entered})).await;
            assert_eq!(entered.money("amount"), 300, "{made}");
        }
    }

    /// SAN-4: a blocked branch's address is recognised in other letters and abbreviations; another
    /// street is another address.
    async fn san_4_a_blocked_address_is_known_in_other_letters(world) {
        let phone = world.scene.phone();
        let made = registers(world, "Nizamı küç 12", &phone).await;
        let partner_id = made.ok(201)["id"].as_str().unwrap().to_owned();
        imposes(world, &partner_id, "partner_block", 48).await.ok();
        for same in ["NIZAMI KUC 12", "Nizami küçəsi, 12", "nizamı küç. 12", "Nizami street 12"] {
            let answer = registers(world, same, &world.scene.phone()).await;
            assert_eq!(answer.json["code"], "registration_blocked", "{same}: {}", answer.text);
        }
        registers(world, "Nizami pr. 12", &world.scene.phone()).await.ok(201);
    }
}
