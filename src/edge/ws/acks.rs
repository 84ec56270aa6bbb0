//! Acknowledgements on their way: at most one for each connection; what comes meanwhile waits
//! as one.

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

/// How often one is tried while the database is away.
const TRIES_MAX: u32 = 5;
const RETRY: Duration = Duration::from_secs(1);
/// So many unacknowledged events with consequences are remembered for one connection.
const MATTERS_MAX: usize = 64;

/// Notes an event that was just handed over, if its acknowledgement will have consequences.
pub fn handed_over(seat: &Seat, event: &feed_event::Model) {
    let matters = notify::matters(&seat.audience).is_some_and(|(kind, _)| kind == event.kind);
    if let (true, Some(order_id)) = (matters, event.order_id) {
        let mut list = seat.matters.borrow_mut();
        if list.len() == MATTERS_MAX {
            // A device that acknowledges nothing: whatever it says later is looked up.
            list.clear();
            seat.known_from.set(event.seq);
            return;
        }
        list.push((event.seq, order_id));
    }
}

/// The device has everything up to this number. Events go on being handed over meanwhile. What has
/// no consequences waits for the next tick.
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

/// Brings what waits on its way.
pub fn settle(hub: &Rc<Hub>, seat: &Rc<Seat>) {
    if seat.acked.get() < seat.to_ack.get() && !seat.acking.replace(true) {
        rt::spawn(bring(Rc::clone(hub), Rc::clone(seat)));
    }
}

/// The orders whose delivery an acknowledgement up to `seq` means, if this connection handed over
/// everything since the last one; `None` when that has to be looked up.
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
                    // The device may say it again.
                    seat.to_ack.set(seat.acked.get());
                } else {
                    pause(RETRY).await;
                }
            }
        }
    }
    seat.acking.set(false);
}
