//! Sends acknowledgements to the engine: at most one at a time per connection; those that arrive
//! meanwhile are merged into one.

use std::rc::Rc;
use std::time::Duration;

use actix_web::rt;
use actix_web::web::Data;
use entity::feed_event;
use entity::value::OrderId;

use super::reader;
use super::subscriber::{Cursor, Subscriber, WakeFlags};
use crate::api::Edge;
use crate::notifications::{self, Acknowledge};
use platform::CommandError;
use platform::clock::pause;

/// The number of attempts per acknowledgement while the database is unavailable.
const TRIES_MAX: u32 = 5;
const RETRY: Duration = Duration::from_secs(1);
/// The largest number of remembered events whose acknowledgement has consequences, per connection.
const MATTERS_MAX: usize = 64;

/// Remembers an event that was just sent, if its acknowledgement will have consequences.
pub fn handed_over(subscriber: &Subscriber, event: &feed_event::Model) {
    let matters = notifications::matters(&subscriber.audience)
        .is_some_and(|(kind, _)| event.kind.is_kind(kind));
    if let (true, Some(order_id)) = (matters, event.subject.map(OrderId)) {
        let mut list = subscriber.matters.borrow_mut();
        if list.len() == MATTERS_MAX {
            // The device acknowledges nothing; later acknowledgements use the database instead.
            list.clear();
            subscriber.known_from.set(event.seq);
            return;
        }
        list.push((event.seq, order_id));
    }
}

/// Records that the device has everything up to this number; events are sent meanwhile. An
/// acknowledgement without consequences waits for the hub's next tick.
pub fn ack(edge: &Data<Edge>, subscriber: &Rc<Subscriber>, seq: i64) {
    if seq <= subscriber.to_ack.get() {
        return;
    }
    subscriber.to_ack.set(seq);
    let plain = known(subscriber, seq).is_some_and(|orders| orders.is_empty());
    if !plain {
        settle(edge, subscriber);
    }
}

/// Sends the waiting acknowledgement, unless one is being sent.
pub fn settle(edge: &Data<Edge>, subscriber: &Rc<Subscriber>) {
    if subscriber.acked.get() < subscriber.to_ack.get() && !subscriber.acking.replace(true) {
        rt::spawn(bring(edge.clone(), Rc::clone(subscriber)));
    }
}

/// The orders whose delivery an acknowledgement up to `seq` confirms, if this connection sent
/// everything since the last one; `None` if the database must be asked.
fn known(subscriber: &Subscriber, seq: i64) -> Option<Vec<OrderId>> {
    let told = matches!(subscriber.place.get(), Cursor::At(number) if seq <= number);
    let whole = told && subscriber.known_from.get() <= subscriber.acked.get();
    whole.then(|| {
        let list = subscriber.matters.borrow();
        list.iter().filter(|(n, _)| *n <= seq).map(|(_, order_id)| *order_id).collect()
    })
}

async fn bring(edge: Data<Edge>, subscriber: Rc<Subscriber>) {
    let mut tries = 0;
    while subscriber.acked.get() < subscriber.to_ack.get() {
        let seq = subscriber.to_ack.get();
        let by = reader::by(&subscriber.reader(), &subscriber.audience);
        let handed = known(&subscriber, seq);
        let command = Acknowledge { audience: subscriber.audience, seq, handed };
        match edge.engine.execute(by, None, command).await {
            Ok(_) => {
                tries = 0;
                subscriber.acked.set(seq);
                subscriber.matters.borrow_mut().retain(|(n, _)| *n > seq);
            }
            Err(CommandError::Refused(_)) => {
                subscriber.to_ack.set(subscriber.acked.get());
                subscriber.wake(WakeFlags::UNTOLD);
            }
            Err(stop) => {
                tries += 1;
                tracing::warn!(?stop, tries, "an acknowledgement was not kept");
                if tries == TRIES_MAX {
                    // The device may send it again.
                    subscriber.to_ack.set(subscriber.acked.get());
                } else {
                    pause(RETRY).await;
                }
            }
        }
    }
    subscriber.acking.set(false);
}
