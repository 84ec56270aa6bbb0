//! Discovery: who serves near a place. For now the nearest who is open, for alternatives also able
//! to afford the order; ranking, and hiding who cannot, come later (QO-8, BAL-3).

pub mod geo;
pub mod nearest;
