//! Start-up: the keys of the database, rows of older versions sealed anew, and the locks of a
//! node that serves.

pub mod keyring;
pub mod reseal;
pub mod serving;
