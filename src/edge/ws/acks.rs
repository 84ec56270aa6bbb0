//! Acknowledgements on their way: at most one for each connection; what comes meanwhile waits
//! as one.

use std::rc::Rc;
use std::time::Duration;

use actix_web::rt;

use super::hub::Hub;
use super::reader;
use super::seat::{Marks, Seat};
use crate::notify::Acknowledge;
use crate::platform::Stop;
use crate::platform::clock::pause;

/// How often one is tried while the database is away.
const TRIES_MAX: u32 = 5;
const RETRY: Duration = Duration::from_secs(1);

/// The device has everything up to this number. Events go on being handed over meanwhile.
pub fn ack(hub: &Rc<Hub>, seat: &Rc<Seat>, seq: i64) {
    if seq <= seat.to_ack.get() {
        return;
    }
    seat.to_ack.set(seq);
    if !seat.acking.replace(true) {
        rt::spawn(bring(Rc::clone(hub), Rc::clone(seat)));
    }
}

async fn bring(hub: Rc<Hub>, seat: Rc<Seat>) {
    let mut tries = 0;
    while seat.acked.get() < seat.to_ack.get() {
        let seq = seat.to_ack.get();
        let by = reader::by(&seat.reader(), &seat.audience);
        let command = Acknowledge { audience: seat.audience, seq };
        match hub.edge.engine.execute(by, None, command).await {
            Ok(_) => {
                tries = 0;
                seat.acked.set(seq);
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
