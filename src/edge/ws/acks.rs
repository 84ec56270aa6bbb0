//! Sends acknowledgements to the engine: at most one at a time per connection; those that arrive
//! meanwhile are merged into one.

use std::rc::Rc;
use std::time::Duration;

use actix_web::rt;
use entity::feed_event;
use entity::value::OrderId;

use super::hub::Hub;
use super::reader;
use super::seat::{Marks, Place, Seat};
use crate::notify::{self, Acknowledge};
use crate::platform::Stop;
use crate::platform::clock::pause;

/// The number of attempts per acknowledgement while the database is unavailable.
const TRIES_MAX: u32 = 5;
const RETRY: Duration = Duration::from_secs(1);
/// The largest number of remembered events whose acknowledgement has consequences, per connection.
const MATTERS_MAX: usize = 64;

/// Remembers an event that was just sent, if its acknowledgement will have consequences.
pub fn handed_over(seat: &Seat, event: &feed_event::Model) {
    let matters = notify::matters(&seat.audience).is_some_and(|(kind, _)| kind == event.kind);
    if let (true, Some(order_id)) = (matters, event.order_id) {
        let mut list = seat.matters.borrow_mut();
        if list.len() == MATTERS_MAX {
            // The device acknowledges nothing; later acknowledgements use the database instead.
            list.clear();
            seat.known_from.set(event.seq);
            return;
        }
        list.push((event.seq, order_id));
    }
}

/// Records that the device has everything up to this number; events are sent meanwhile. An
/// acknowledgement without consequences waits for the hub's next tick.
pub fn ack(hub: &Rc<Hub>, seat: &Rc<Seat>, seq: i64) {
    if seq <= seat.to_ack.get() {
        return;
    }
    seat.to_ack.set(seq);
    let plain = known(seat, seq).is_some_and(|orders| orders.is_empty());
    if !plain {
        settle(hub, seat);
    }
}

/// Sends the waiting acknowledgement, unless one is being sent.
pub fn settle(hub: &Rc<Hub>, seat: &Rc<Seat>) {
    if seat.acked.get() < seat.to_ack.get() && !seat.acking.replace(true) {
        rt::spawn(bring(Rc::clone(hub), Rc::clone(seat)));
    }
}

/// The orders whose delivery an acknowledgement up to `seq` confirms, if this connection sent
/// everything since the last one; `None` if the database must be asked.
fn known(seat: &Seat, seq: i64) -> Option<Vec<OrderId>> {
    let told = matches!(seat.place.get(), Place::At(number) if seq <= number);
    let whole = told && seat.known_from.get() <= seat.acked.get();
    whole.then(|| {
        let list = seat.matters.borrow();
        list.iter().filter(|(n, _)| *n <= seq).map(|(_, order_id)| *order_id).collect()
    })
}

async fn bring(hub: Rc<Hub>, seat: Rc<Seat>) {
    let mut tries = 0;
    while seat.acked.get() < seat.to_ack.get() {
        let seq = seat.to_ack.get();
        let by = reader::by(&seat.reader(), &seat.audience);
        let handed = known(&seat, seq);
        let command = Acknowledge { audience: seat.audience, seq, handed };
        match hub.edge.engine.execute(by, None, command).await {
            Ok(_) => {
                tries = 0;
                seat.acked.set(seq);
                seat.matters.borrow_mut().retain(|(n, _)| *n > seq);
            }
            Err(Stop::Refused(_)) => {
                seat.to_ack.set(seat.acked.get());
                seat.mark(Marks::UNTOLD);
            }
            Err(stop) => {
                tries += 1;
                tracing::warn!(?stop, tries, "an acknowledgement was not kept");
                if tries == TRIES_MAX {
                    // The device may send it again.
                    seat.to_ack.set(seat.acked.get());
                } else {
                    pause(RETRY).await;
                }
            }
        }
    }
    seat.acking.set(false);
}
