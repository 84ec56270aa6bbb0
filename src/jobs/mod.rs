//! Jobs: what runs beside requests. The loops that fire due timers, sweep and
//! beat, the recovery after an outage, and the screen that maps a timer to its command.

pub mod outbox_worker;
pub mod recovery;
pub mod scheduler;
pub mod sweeps;
pub mod timer_dispatch;
