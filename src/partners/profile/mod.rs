//! A branch as it is registered and shown: profile, services, arrival code.

pub mod arrival_code;
pub mod read;
pub mod register;
pub mod registration_ban;
pub mod services;
pub mod settings;
