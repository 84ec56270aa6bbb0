//! The port to payment providers: what billing asks of a provider, and the answers it accepts.
//!
//! No provider is called inside a command. A callback alone moves no money either: it only names a
//! payment, whose status the engine then queries.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use chrono::TimeDelta;
use entity::payment::{Driver, Model};
use entity::value::{Money, PaymentId, PayoutId, SealedField};

/// How long a node that queries a provider keeps other nodes from making the same request: longer
/// than a status query and a request may take together.
pub const LEASE: TimeDelta = TimeDelta::minutes(5);

/// The future of a provider's answer.
pub type Asked<'a, T> = Pin<Box<dyn Future<Output = Result<T, ProviderError>> + Send + 'a>>;

/// Why a request to a provider failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProviderError {
    /// The provider refused and did nothing.
    #[error("refused: {0}")]
    Refused(String),
    /// The provider was not reached, or did not process the request: nothing was done.
    #[error("not reached: {0}")]
    NotReached(String),
    /// The provider may have done what was asked.
    #[error("perhaps done: {0}")]
    PerhapsActed(String),
    /// The provider sent an answer that this engine does not know.
    #[error("not understood: {0}")]
    Unclear(String),
}

/// A payment to be opened.
#[derive(Clone, Debug)]
pub struct PaymentRequest {
    /// This engine's id of the payment, used as the idempotency key: repeated requests open one
    /// payment.
    pub payment_id: PaymentId,
    /// The amount.
    pub amount: Money,
    /// The description shown to the payer.
    pub about: &'static str,
}

/// The checkout of an opened payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkout {
    /// The provider's reference.
    pub reference: String,
    /// The page; none where the provider has the payment already and does not repeat the address.
    pub redirect_url: Option<String>,
}

/// The identifiers of a payment.
#[derive(Clone, Debug)]
pub struct PaymentRef {
    /// This engine's id.
    pub payment_id: PaymentId,
    /// The provider's reference, where it is known.
    pub reference: Option<String>,
}

impl PaymentRef {
    /// The identifiers of this payment.
    #[must_use]
    pub fn of(row: &Model) -> Self {
        Self { payment_id: row.id, reference: row.provider_ref.clone() }
    }
}

/// The status of a payment at its provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PaymentStatus {
    /// Not paid yet.
    Pending,
    /// Paid.
    Paid {
        /// The amount paid.
        amount: Money,
        /// The provider's reference.
        reference: Option<String>,
    },
    /// Failed for good.
    Failed(String),
    /// Paid, and returned in full.
    Returned,
    /// Paid, and returned in part.
    PartlyReturned,
    /// Paid, and something was returned; the provider does not say how much.
    Touched,
    /// The provider knows no such payment.
    Absent,
    /// A status that this engine does not know.
    Unknown(String),
}

/// A payout to a partner's bank account or card.
#[derive(Clone, Debug)]
pub struct Transfer {
    /// This engine's id of the payout.
    pub payout_id: PayoutId,
    /// The amount.
    pub amount: Money,
    /// Where to: a sealed [`PayoutAccount`](super::payouts::account::PayoutAccount).
    pub account: SealedField,
    /// The partner's tax number, sealed.
    pub voen: Option<SealedField>,
}

/// The status of a payout at its provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PayoutStatus {
    /// In progress.
    Pending,
    /// Arrived; with the provider's reference.
    Arrived(String),
    /// Failed for good.
    Bounced(String),
    /// The provider knows no such payout.
    Absent,
    /// A status that this engine does not know.
    Unknown(String),
}

/// The content of a callback: it names the payment to query, never its status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hint {
    /// This engine's id of the payment, where the name is one.
    pub payment_id: Option<PaymentId>,
    /// The merchant's order name, as it was written.
    pub order: Option<String>,
    /// The provider's reference.
    pub reference: Option<String>,
}

impl Hint {
    /// The name that the callback gave.
    #[must_use]
    pub fn name(&self) -> &str {
        self.order.as_deref().or(self.reference.as_deref()).unwrap_or_default()
    }
}

/// Whether a provider has money for a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PaymentLookup {
    /// The provider has the money.
    Paid,
    /// The provider had the money and returned it.
    WentBack,
    /// The provider never had money, or does not know the payment.
    Neither,
}

/// A provider's answer about a payment that this engine may not know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identified {
    /// This engine's id of the payment.
    pub payment_id: Option<PaymentId>,
    /// The provider's reference.
    pub reference: Option<String>,
    /// The amount.
    pub amount: Option<Money>,
    /// The provider's status text.
    pub status: String,
    /// Whether the provider has money for it.
    pub standing: PaymentLookup,
}

/// Why a callback is rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Untrusted {
    /// It is not signed by the provider.
    Forged,
    /// It cannot be parsed.
    Unreadable,
}

/// A payment provider.
pub trait Payments: Send + Sync {
    /// The driver of this provider.
    fn driver(&self) -> Driver;

    /// Opens a payment, or returns the one already open under its id.
    fn create<'a>(&'a self, wish: &'a PaymentRequest) -> Asked<'a, Checkout>;

    /// Queries the status of a payment.
    fn status<'a>(&'a self, named: &'a PaymentRef) -> Asked<'a, PaymentStatus>;

    /// Asks about a payment that the provider called back about and that is not known here.
    fn identify<'a>(&'a self, hint: &'a Hint) -> Asked<'a, Identified>;

    /// Refunds a payment in part or in full.
    fn refund<'a>(&'a self, named: &'a PaymentRef, amount: Money) -> Asked<'a, ()>;

    /// Requests a payout; the answer says that the provider accepted it, not that the money
    /// arrived.
    fn pay_out<'a>(&'a self, transfer: &'a Transfer) -> Asked<'a, PayoutStatus>;

    /// Queries the status of a payout by this engine's id.
    fn pay_out_status(&self, payout_id: PayoutId) -> Asked<'_, PayoutStatus>;

    /// Parses the raw bytes of a callback and names the payment they are about.
    ///
    /// # Errors
    /// When the provider did not sign them, or they cannot be parsed.
    fn callback(&self, raw: &[u8]) -> Result<Hint, Untrusted>;
}

/// All configured providers: new payments go through the current one, older payments through the
/// one they were opened with.
#[derive(Clone)]
pub struct Gateways {
    current: Driver,
    all: BTreeMap<Driver, Arc<dyn Payments>>,
}

impl Gateways {
    /// The registry of these providers; `current` takes new payments.
    #[must_use]
    pub fn new(current: Driver, all: Vec<Arc<dyn Payments>>) -> Self {
        Self { current, all: all.into_iter().map(|one| (one.driver(), one)).collect() }
    }

    /// The driver that takes new payments.
    #[must_use]
    pub fn current(&self) -> Driver {
        self.current
    }

    /// The provider of a driver, if it is configured.
    #[must_use]
    pub fn of(&self, driver: Driver) -> Option<Arc<dyn Payments>> {
        self.all.get(&driver).cloned()
    }
}
