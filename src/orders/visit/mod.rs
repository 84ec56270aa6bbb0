//! From the acceptance to the car in its bay: accept, depart, arrive, admit, and what delays them.

pub mod accept;
pub mod admit;
pub mod arrive;
pub mod contest;
pub mod depart;
pub mod extend;
pub mod late;
pub mod overrun;
pub mod position;
pub mod reprice;
