//! The manual provider: no provider; support records what comes in and goes out.

use std::future::ready;

use entity::payment::Driver;
use entity::value::{Money, PayoutId};

use crate::billing::gateway::{
    Asked, Checkout, Hint, Identified, PaymentRef, PaymentRequest, PaymentStatus, Payments,
    PayoutStatus, ProviderError, Transfer, Untrusted,
};

/// The provider that refuses every request.
pub struct Manual;

fn nobody<'a, T: Send + 'a>() -> Asked<'a, T> {
    Box::pin(ready(Err(ProviderError::Refused("support does this by hand".to_owned()))))
}

impl Payments for Manual {
    fn driver(&self) -> Driver {
        Driver::Manual
    }

    fn create<'a>(&'a self, _: &'a PaymentRequest) -> Asked<'a, Checkout> {
        nobody()
    }

    fn status<'a>(&'a self, _: &'a PaymentRef) -> Asked<'a, PaymentStatus> {
        nobody()
    }

    fn identify<'a>(&'a self, _: &'a Hint) -> Asked<'a, Identified> {
        nobody()
    }

    fn refund<'a>(&'a self, _: &'a PaymentRef, _: Money) -> Asked<'a, ()> {
        nobody()
    }

    fn pay_out<'a>(&'a self, _: &'a Transfer) -> Asked<'a, PayoutStatus> {
        nobody()
    }

    fn pay_out_status(&self, _: PayoutId) -> Asked<'_, PayoutStatus> {
        nobody()
    }

    fn callback(&self, _: &[u8]) -> Result<Hint, Untrusted> {
        Err(Untrusted::Unreadable)
    }
}
