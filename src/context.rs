//! What all commands of the product share, and the engine with it.
//!
//! The platform's engine carries a context of any type and knows nothing of it. Here the product
//! says which one: a command names a field, and the compiler knows that it is there. Each
//! capability declares the type of its own field; [`app`](crate::app) fills them at start.

use std::sync::Arc;

use crate::access::codes::alarms::Alarms;
use crate::access::{AccessSettings, CodeChannel};
use crate::billing::gateway::Gateways;
use crate::ledger::standing::Standing;
use crate::orders::view::ActionRules;
use crate::partners::capacity::plan::Plans;
use crate::policy::Registry;
use platform::engine;
use platform::engine::transaction;

/// The engine, which executes every command of the product.
pub type Engine = engine::Engine<Context>;

/// One run of one command of the product.
pub type Tx = transaction::Tx<Context>;

/// What all commands share besides the platform.
pub struct Context {
    /// The versions of the policy.
    pub policy: Arc<Registry>,
    /// The settings of signing in.
    pub access: Arc<AccessSettings>,
    /// Where one-time codes are sent.
    pub codes: CodeChannel,
    /// The alarms about budgets of one-time codes that this node has raised.
    pub code_alarms: Arc<Alarms>,
    /// Whether the books are right, as far as this node knows.
    pub standing: Arc<Standing>,
    /// The cache of branches' plans.
    pub plans: Arc<Plans>,
    /// The payment providers.
    pub gateways: Arc<Gateways>,
    /// What a reader may do with an order.
    pub actions: ActionRules,
}
