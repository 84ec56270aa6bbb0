//! Yumo: a real-time booking engine for car care.
//!
//! The modules in reading order. Each may name only what stands below it:
//! `main → demo · backup → app → scheduler · keyring · reseal · serving → recovery →
//! timer_dispatch · sweeps · outbox_worker → edge → support · notify · statistics → proof →
//! orders → discovery → billing → bonus → ledger → partners · clients → reputation → access →
//! policy → platform → entity`. Beside them, [`context`] names the states that commands share, and
//! every module above the platform names it.

pub mod app;
pub mod backup;
pub mod config;
pub mod context;
#[cfg(feature = "demo")]
pub mod demo;
pub mod edge;
pub mod keyring;
pub mod outbox_worker;
pub mod recovery;
pub mod reseal;
pub mod scheduler;
pub mod serving;
pub mod sweeps;
pub mod timer_dispatch;

pub mod notify;
pub mod statistics;
pub mod support;

pub mod proof;

pub mod orders;

pub mod discovery;

pub mod billing;

pub mod bonus;

pub mod ledger;

pub mod clients;
pub mod partners;

pub mod reputation;

pub mod access;

pub mod policy;

pub mod platform;
