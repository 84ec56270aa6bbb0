//! Bookings: a calendar that cannot be double-booked, and everything that may happen to a visit.

mod add_ons;
mod again;
mod amounts;
mod answers;
mod auto;
mod bays;
mod blocked;
mod cars;
mod corrections;
mod deadlines;
mod fees;
mod moves;
mod outages;
mod overruns;
mod races;
mod reminders;
mod slots;

use crate::support::{Branch, Client, World};

/// Kristal with one bay, and Anar with a sedan. Every world begins at 08:00Z, noon in Baku.
async fn one_bay(world: &World) -> (Branch, Client) {
    let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
    kristal.adds_bay("Bay 1", "wash").await;
    (kristal, anar)
}
