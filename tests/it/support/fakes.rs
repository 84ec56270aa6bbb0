//! The simulated payment providers of a world: a breach of their protocol fails the test.

use std::ops::Deref;

use fakes::epoint::{self, Merchant, Payment};
use fakes::{FakeProvider, Protocol, payriff};
use serde_json::{Value, json};

use super::World;

/// More requests than any test sends.
const REMEMBERS: usize = 100_000;

const PUBLIC_KEY: &str = "i000000001";
const PRIVATE_KEY: &str = "d3hjsl59vs0kzp";
const APP_KEY: &str = "an application key";
const MERCHANT: &str = "ES1000000";

/// A provider that asserts that its protocol is kept.
pub struct Proper<S: Protocol>(FakeProvider<S>);

/// A running Epoint.
pub type Epoint = Proper<epoint::Provider>;
/// A running Payriff.
pub type Payriff = Proper<payriff::Provider>;

impl<S: Protocol> Deref for Proper<S> {
    type Target = FakeProvider<S>;

    fn deref(&self) -> &FakeProvider<S> {
        &self.0
    }
}

impl<S: Protocol> Drop for Proper<S> {
    fn drop(&mut self) {
        let breaches = self.0.breaches();
        assert!(breaches.is_empty() || std::thread::panicking(), "the bank heard {breaches:?}");
    }
}

fn merchant() -> Merchant {
    Merchant {
        public_key: PUBLIC_KEY.to_owned(),
        private_key: PRIVATE_KEY.to_owned(),
        result_url: None,
    }
}

/// A form with this content, signed with the merchant's key.
pub fn signed(json: &Value) -> String {
    epoint::Provider::of(merchant()).signed(json)
}

impl Epoint {
    /// Routes the world's payments through it from now on.
    pub async fn serves(world: &mut World) -> Self {
        let bank = FakeProvider::start(REMEMBERS, |_| epoint::Provider::of(merchant())).unwrap();
        let url = bank.url.clone();
        world
            .restarts_with(|settings| {
                let payments = &mut settings.payments;
                payments.driver = entity::payment::Driver::Epoint;
                payments.timeout_s = 1;
                payments.epoint.base_url = url;
                PUBLIC_KEY.clone_into(&mut payments.epoint.public_key);
                PRIVATE_KEY.clone_into(&mut payments.epoint.private_key);
            })
            .await;
        Self(bank)
    }

    /// Sets the status of a payment.
    pub fn stands(&self, id: &str, status: &str) {
        self.with(|bank| status.clone_into(&mut bank.payments.get_mut(id).unwrap().status));
    }

    /// Marks a payment as paid.
    pub fn paid(&self, id: &str) {
        self.stands(id, "success");
    }

    /// A payment, as the provider has it.
    pub fn payment(&self, id: &str) -> Payment {
        self.with(|bank| bank.payments[id].clone())
    }

    /// The signed callback of the provider: the raw form.
    pub fn callback(&self, id: &str, status: &str, amount: &str) -> String {
        self.with(|bank| bank.callback(id, status, amount))
    }
}

impl Payriff {
    /// Routes the world's payments through it from now on.
    pub async fn serves(world: &mut World) -> Self {
        let open = |_: &str| payriff::Provider::of(MERCHANT, APP_KEY);
        let bank = FakeProvider::start(REMEMBERS, open).unwrap();
        let url = bank.url.clone();
        world
            .restarts_with(|settings| {
                let payments = &mut settings.payments;
                payments.driver = entity::payment::Driver::Payriff;
                payments.timeout_s = 1;
                payments.payriff.base_url = url;
                APP_KEY.clone_into(&mut payments.payriff.app_key);
                MERCHANT.clone_into(&mut payments.payriff.merchant);
            })
            .await;
        Self(bank)
    }

    /// The provider's id of one of our payments.
    pub fn name_of(&self, id: &str) -> String {
        self.with(|bank| bank.name_of(id).unwrap())
    }

    /// Sets the status of one of our payments.
    pub fn stands(&self, id: &str, status: &str) {
        let name = self.name_of(id);
        self.with(|bank| status.clone_into(&mut bank.orders.get_mut(&name).unwrap().status));
    }

    /// The callback of the provider, which is unsigned.
    pub fn callback(&self, id: &str, status: &str) -> String {
        let payload = json!({"orderId": self.name_of(id), "paymentStatus": status, "amount": 20});
        json!({"code": "00000", "message": "OK", "payload": payload}).to_string()
    }
}
