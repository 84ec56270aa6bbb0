//! Discovery: the partners near a point, and when they are free (BK-1). For now the nearest open
//! ones, for alternatives only those able to afford the order; ranking, and hiding those that
//! cannot, come later (QO-8, BAL-3).

pub mod geo;
pub mod nearest;
pub mod slots;
