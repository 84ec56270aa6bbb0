//! Stories about people, each with the rule it proves in its first line.

mod arrivals;
mod balances;
mod debts;
mod feeds;
mod lateness;
mod leaving;
mod missed;
mod offers;
mod outages;
mod places;
mod proofs;
mod races;
mod repeats;
mod running;
mod served;
