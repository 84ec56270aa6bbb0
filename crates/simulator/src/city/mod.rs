//! The city: branches with their services and payout terms, residents with their cars.

mod catalogue;
mod found;
mod payout_terms;
mod places;
mod residents;

pub use catalogue::CLASSES;
pub(crate) use catalogue::{WASHES, Wash, wash_of};
pub use found::{Bays, Branch, Listed, Priced, Qepik};
pub(crate) use found::{
    Founding, available, branches, credit, publish, shown_code, support_person,
};
pub(crate) use residents::owner_phone;
pub use residents::{Resident, resident};
