//! Yumo: a real-time booking engine for car care.
//!
//! The modules in reading order. Each may name only what stands below it:
//! `main → demo · backup → app → startup · jobs → api · providers → support · notifications ·
//! statistics → proof → orders → search → billing → bonus → ledger → partners · clients →
//! reputation → access → policy`; all of them the crates `platform` and `entity`. Beside them,
//! [`context`] names the states that commands share, and every module names it.

pub mod app;
pub mod backup;
pub mod config;
#[cfg(feature = "demo")]
pub mod demo;
pub mod startup;

pub mod jobs;

pub mod api;
pub mod providers;

pub mod notifications;
pub mod statistics;
pub mod support;

pub mod proof;

pub mod orders;

pub mod search;

pub mod billing;

pub mod bonus;

pub mod ledger;

pub mod clients;
pub mod partners;

pub mod reputation;

pub mod access;

pub mod policy;

pub mod context;
