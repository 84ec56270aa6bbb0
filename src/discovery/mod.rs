//! Discovery: who serves near a place. For now the nearest who is open, for alternatives also able
//! to afford the order; ranking, and hiding who cannot, come later (QO-8, BAL-3). And when a
//! partner is free (BK-1).

pub mod geo;
pub mod nearest;
pub mod slots;
