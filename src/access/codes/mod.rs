//! One-time codes, which prove a phone number (ACC-1, LIM-10).

pub mod alarms;
pub mod channel;
pub mod fresh;
pub mod otp;
pub mod otp_budget;
pub mod phone;
