//! The machine against the hand-written matrix (ORD-1).
