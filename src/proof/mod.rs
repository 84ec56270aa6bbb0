//! The proof of the books: recomputes them from their postings, and each open order's hold from the
//! order's policy snapshot (BAL-6).
//!
//! It never compares a stored sum with itself: wallets are checked against postings and holds,
//! holds against the orders' snapshots, commissions against final amounts and penalties' shares
//! against what was paid, both under the pinned policy.
//!
//! The *whole* proof reads every row. The *incremental* one continues from the checkpoint: account
//! sums of folded postings plus the pending ones; wallets, holds, live lots and open orders always,
//! closed rows where something was posted about them since.
//!
//! It reads the tables of every capability below it and writes `proof_state` alone.

mod bonus;
pub mod finding;
mod orders;
mod payments;
mod penalty;
mod pending;
mod posted;
pub mod prover;
pub mod result;
mod rows;
mod run;
mod scope;
mod wallets;
