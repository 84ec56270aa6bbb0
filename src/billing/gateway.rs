//! The port to payment providers: what billing asks of one, and what it may hear.
//!
//! Nothing here happens inside a command. A provider's word alone moves no money either: what it
//! calls back with says only which payment to look at, and the look is a question of ours.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use chrono::TimeDelta;
use entity::payment::Driver;
use entity::value::{Money, PaymentId, PayoutId, SealedField};

/// So long a node that asks a provider keeps others from asking the same: longer than a look and a
/// question may take together.
pub const LEASE: TimeDelta = TimeDelta::minutes(5);

/// An answer that is waited for.
pub type Asked<'a, T> = Pin<Box<dyn Future<Output = Result<T, Trouble>> + Send + 'a>>;

/// Why a provider gave no answer that counts.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// It said no, and did nothing.
    #[error("refused: {0}")]
    Refused(String),
    /// It was never reached, or never looked at what was asked: nothing was done.
    #[error("not reached: {0}")]
    NotReached(String),
    /// It may have done what was asked.
    #[error("perhaps done: {0}")]
    PerhapsActed(String),
    /// It said something nobody here knows.
    #[error("not understood: {0}")]
    Unclear(String),
}

/// Somebody shall pay.
#[derive(Clone, Debug)]
pub struct Wish {
    /// Our name for it; asked for twice it is one payment.
    pub payment_id: PaymentId,
    /// How much.
    pub amount: Money,
    /// What the payer reads.
    pub about: &'static str,
}

/// Where somebody goes to pay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkout {
    /// What the provider calls it.
    pub reference: String,
    /// The page; none where the provider has the payment already and does not say it again.
    pub redirect_url: Option<String>,
}

/// A payment, by its names.
#[derive(Clone, Debug)]
pub struct Named {
    /// Ours.
    pub payment_id: PaymentId,
    /// The provider's, where it is known.
    pub reference: Option<String>,
}

/// How a payment stands with its provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// Nobody paid yet.
    Pending,
    /// The money is there.
    Paid {
        /// How much.
        amount: Money,
        /// What the provider calls it.
        reference: Option<String>,
    },
    /// It will not come.
    Failed(String),
    /// It came, and all of it went back.
    Returned,
    /// It came, and some of it went back, but not all.
    PartlyReturned,
    /// It came, and something went back; the provider does not say how much.
    Touched,
    /// The provider knows no such payment.
    Absent,
    /// The provider says something nobody here knows.
    Unknown(String),
}

/// Money for a partner's bank account or card.
#[derive(Clone, Debug)]
pub struct Transfer {
    /// Our name for it.
    pub payout_id: PayoutId,
    /// How much.
    pub amount: Money,
    /// Where to: a sealed [`Account`](super::account::Account).
    pub account: SealedField,
    /// Whose tax number, sealed.
    pub voen: Option<SealedField>,
}

/// How a payout stands with its provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sent {
    /// On its way.
    Pending,
    /// It arrived; what the provider calls it.
    Arrived(String),
    /// It did not and will not.
    Bounced(String),
    /// The provider knows no such payout.
    Absent,
    /// The provider says something nobody here knows.
    Unknown(String),
}

/// What a callback says: which payment to look at, never how it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hint {
    /// Our name for it, where it is one.
    pub payment_id: Option<PaymentId>,
    /// The merchant's name for it, as it was written.
    pub order: Option<String>,
    /// The provider's.
    pub reference: Option<String>,
}

impl Hint {
    /// The name it was called back with.
    #[must_use]
    pub fn name(&self) -> &str {
        self.order.as_deref().or(self.reference.as_deref()).unwrap_or_default()
    }
}

/// Whether a provider has money for a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It has.
    Paid,
    /// It had, and gave it back.
    WentBack,
    /// It never had, or does not know the payment.
    Neither,
}

/// What a provider says of a payment this engine may not know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identified {
    /// Our name for it.
    pub payment_id: Option<PaymentId>,
    /// The provider's.
    pub reference: Option<String>,
    /// How much.
    pub amount: Option<Money>,
    /// Where it stands, in the provider's word.
    pub status: String,
    /// Whether there is money.
    pub standing: Standing,
}

/// Why a callback is not listened to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Untrusted {
    /// It is not signed by the provider.
    Forged,
    /// It makes no sense.
    Unreadable,
}

/// A payment provider.
pub trait Payments: Send + Sync {
    /// Which one.
    fn driver(&self) -> Driver;

    /// Opens a payment, or finds the one that is open under our name.
    fn create<'a>(&'a self, wish: &'a Wish) -> Asked<'a, Checkout>;

    /// How a payment stands.
    fn status<'a>(&'a self, named: &'a Named) -> Asked<'a, Seen>;

    /// What the provider says of a payment it called back about and that is not known here.
    fn identify<'a>(&'a self, hint: &'a Hint) -> Asked<'a, Identified>;

    /// Gives back a part of a payment, or all of it.
    fn refund<'a>(&'a self, named: &'a Named, amount: Money) -> Asked<'a, ()>;

    /// Pays out; the answer says that the provider has the order, not that the money arrived.
    fn pay_out<'a>(&'a self, transfer: &'a Transfer) -> Asked<'a, Sent>;

    /// How a payout stands, by our name.
    fn pay_out_status(&self, payout_id: PayoutId) -> Asked<'_, Sent>;

    /// Which payment the raw bytes of a callback are about.
    ///
    /// # Errors
    /// When they are not the provider's, or cannot be read.
    fn callback(&self, raw: &[u8]) -> Result<Hint, Untrusted>;
}

/// All providers that are set up: new payments go through one, older ones through their own.
#[derive(Clone)]
pub struct Gateways {
    current: Driver,
    all: BTreeMap<Driver, Arc<dyn Payments>>,
}

impl Gateways {
    /// These, and which of them takes new payments.
    #[must_use]
    pub fn new(current: Driver, all: Vec<Arc<dyn Payments>>) -> Self {
        Self { current, all: all.into_iter().map(|one| (one.driver(), one)).collect() }
    }

    /// Which takes new payments.
    #[must_use]
    pub fn current(&self) -> Driver {
        self.current
    }

    /// A provider, if it is set up.
    #[must_use]
    pub fn of(&self, driver: Driver) -> Option<Arc<dyn Payments>> {
        self.all.get(&driver).cloned()
    }
}
