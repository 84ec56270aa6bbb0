//! The brackets of the commission: order, gaps, overlaps, cliffs (COM-1).

use entity::value::{Bp, Money};

use super::Finding;
use crate::policy::keys::{Bracket, CommissionKeys, CommissionMode};

const KEY: &str = "commission.brackets";

pub(super) fn check(commission: &CommissionKeys) -> Vec<Finding> {
    let brackets = &commission.brackets;
    let mut found = Vec::new();
    let error = |code, says| Finding::error(code, &[KEY], says);
    match brackets.last() {
        None => return vec![error("brackets_missing", "There is no bracket.".to_owned())],
        Some(Bracket { up_to: Some(last), .. }) => {
            let says = format!("Above {} there is no bracket and no commission.", Money(*last));
            found.push(error("brackets_end", says));
        }
        Some(Bracket { up_to: None, .. }) => {}
    }
    for (n, bracket) in (1..).zip(brackets) {
        let Bp(rate) = bracket.rate_bp;
        if !(0..=10_000).contains(&rate) {
            let says = format!("Bracket {n} has {rate}: a rate is 0 to 10000 basis points.");
            found.push(error("rate_out_of_range", says));
        }
    }
    found.extend(reach(brackets));
    // The following checks need brackets that are in order.
    if found.is_empty() {
        found.extend(steps(commission));
    }
    found
}

/// Brackets that no amount falls into, because of their order.
fn reach(brackets: &[Bracket]) -> Vec<Finding> {
    let mut found = Vec::new();
    // The greatest amount that has a bracket so far; `None`: every amount has one.
    let mut covered = Some(0);
    for (n, bracket) in (1..).zip(brackets) {
        let finding = |code, says: String| Finding::error(code, &[KEY], says);
        match (covered, bracket.up_to) {
            (None, _) => {
                let says = format!("Bracket {n} comes after the one without an end.");
                found.push(finding("bracket_unreachable", says));
            }
            (Some(before), Some(up_to)) if up_to < before => {
                let (up_to, before) = (Money(up_to), Money(before));
                let says = format!("Bracket {n} ends at {up_to}, the one before it at {before}.");
                found.push(finding("brackets_out_of_order", says));
            }
            (Some(before), Some(up_to)) if up_to == before => {
                let says = format!("Bracket {n} overlaps: amounts to {} have one.", Money(before));
                found.push(finding("bracket_unreachable", says));
            }
            (Some(_), up_to) => covered = up_to,
        }
    }
    found
}

/// The steps from each bracket to the next.
fn steps(commission: &CommissionKeys) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut reached = Money::ZERO;
    for pair in commission.brackets.windows(2) {
        let [lower, upper] = pair else { continue };
        let Some(edge) = lower.up_to else { continue };
        let (below, above) = (Money(edge), Money(edge.saturating_add(1)));
        let (due, then) = (lower.rate_bp.floor_of(below), upper.rate_bp.floor_of(above));
        reached = reached.max(due);
        if upper.rate_bp > lower.rate_bp {
            let says = format!("Above {below} the rate rises: {due} at it, {then} at {above}.");
            found.push(Finding::warning("rate_rises", &[KEY], says));
        }
        match commission.mode {
            CommissionMode::Flat if then < due => {
                let says = format!("A cliff: {below} costs {due}, but {above} only {then}.");
                found.push(Finding::warning("commission_cliff", &[KEY], says));
            }
            CommissionMode::Monotone => found.extend(inert(upper, reached)),
            CommissionMode::Flat | CommissionMode::Progressive => {}
        }
    }
    found
}

/// A bracket whose own rate never exceeds what the brackets below reach.
fn inert(bracket: &Bracket, reached: Money) -> Option<Finding> {
    let end = Money(bracket.up_to?);
    let most = bracket.rate_bp.floor_of(end);
    (most <= reached).then(|| {
        let says = format!(
            "Up to {end} the rate never counts: it reaches {most}, those below {reached} already."
        );
        Finding::warning("bracket_inert", &[KEY], says)
    })
}
