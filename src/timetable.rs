//! Everything that happens by itself, on one screen: timer kind → command.

use entity::value::OrderId;

use crate::orders::complete::AutoComplete;
use crate::orders::lapse::{
    AlertAdmit, LapseOffer, MarkOverdue, NoShow, NotAdmitted, ReleaseFrozen,
};
use crate::orders::read::Scope;
use crate::orders::timers;
use crate::platform::write_set::Fired;
use crate::platform::{Engine, Fault, Stop};

/// Sends the command of a timer that fell due.
///
/// # Errors
/// Faults alone; what no longer holds is refused by the machine, and the timer is consumed.
pub async fn send(engine: &Engine, fired: &Fired) -> Result<(), Stop> {
    let order_id = OrderId(fired.subject);
    let scope = Scope::Clock;
    match fired.kind.as_str() {
        timers::OFFER => engine.fire(fired, LapseOffer { order_id }).await,
        timers::ARRIVAL => engine.fire(fired, MarkOverdue { order_id }).await,
        timers::DECISION => engine.fire(fired, NoShow { scope, order_id }).await,
        timers::ADMIT_ALERT => engine.fire(fired, AlertAdmit { order_id }).await,
        timers::ADMIT => engine.fire(fired, NotAdmitted { order_id }).await,
        timers::FROZEN => engine.fire(fired, ReleaseFrozen { order_id }).await,
        timers::AUTO_COMPLETE => engine.fire(fired, AutoComplete { order_id }).await,
        kind => Err(Fault::Other(format!("no command for timer {kind}")).into()),
    }
}
