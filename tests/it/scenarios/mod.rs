//! Stories about people, each with the rule it proves in its first line.

mod arrivals;
mod balances;
mod blocks;
mod calendar;
mod debts;
mod feeds;
mod hours;
mod ical;
mod lateness;
mod leaving;
mod missed;
mod offers;
mod outages;
mod penalties;
mod places;
mod proofs;
mod races;
mod repeats;
mod running;
mod sanctions;
mod served;
mod waivers;
