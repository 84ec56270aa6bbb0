//! The sanctions that would have been imposed over a period, by the sanction rules, strike by
//! strike. Pure.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use entity::sanction::SanctionKind;
use entity::value::Instant;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::policy::Policy;
use crate::reputation::rules::{Earlier, RecordedFault, Verdict, judge_client, judge_partner};

/// Maximum number of subjects listed.
const NAMED: usize = 10;

/// The strikes of each subject.
pub(super) type Faults = BTreeMap<Uuid, Vec<RecordedFault>>;

/// The number of sanctions of a kind, under the current policy and under the draft.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct SanctionChange {
    /// The kind of sanction.
    pub kind: SanctionKind,
    /// The number under the current policy.
    pub before: u64,
    /// The number under the draft.
    pub after: u64,
    /// The subjects for whom it differs, at most ten.
    pub subjects: Vec<Uuid>,
}

/// The number of sanctions of each kind, by subject.
#[derive(Default)]
pub(super) struct Judged(BTreeMap<(Uuid, &'static str), u64>);

const KINDS: [(SanctionKind, &str); 4] = [
    (SanctionKind::ClientBan, "client_ban"),
    (SanctionKind::PartnerWarning, "partner_warning"),
    (SanctionKind::PartnerVisibility, "partner_visibility"),
    (SanctionKind::PartnerBlock, "partner_block"),
];

impl Judged {
    /// Applies a policy version to the strikes of clients and branches (SAN-1, SAN-2).
    pub(super) fn of(clients: Faults, branches: &Faults, keys: &Policy) -> Self {
        let mut judged = Self::default();
        let window = TimeDelta::hours(keys.client.ban_window_h);
        for (subject, mut faults) in clients {
            faults.sort_by_key(|fault| (fault.at, fault.id));
            judged.subject(subject, &faults, window, |faults, earlier, now| {
                judge_client(faults, earlier, &keys.client, now)
            });
        }
        let window = TimeDelta::hours(keys.partner.fault_window_h);
        for (subject, faults) in branches {
            judged.subject(*subject, faults, window, |faults, earlier, now| {
                judge_partner(faults, earlier, &keys.partner, now)
            });
        }
        judged
    }

    /// Evaluates each strike at its instant, with those inside the window before it.
    fn subject(
        &mut self,
        subject: Uuid,
        faults: &[RecordedFault],
        window: TimeDelta,
        judge: impl Fn(&[RecordedFault], &[Earlier], Instant) -> Option<Verdict>,
    ) {
        let mut earlier = Vec::new();
        let mut first = 0;
        for (last, fault) in faults.iter().enumerate() {
            let now = fault.at;
            while faults.get(first).is_some_and(|old| old.at <= now - window) {
                first += 1;
            }
            let counted = faults.get(first..=last).unwrap_or_default();
            let Some(verdict) = judge(counted, &earlier, now) else { continue };
            let Verdict { kind, until, cause } = verdict;
            earlier.push(Earlier { kind, began_at: now, end: until, cause });
            *self.0.entry((subject, name(kind))).or_default() += 1;
        }
    }

    fn count(&self, name: &str) -> u64 {
        self.0.iter().filter(|((_, kind), _)| *kind == name).map(|(_, n)| n).sum()
    }
}

fn name(kind: SanctionKind) -> &'static str {
    KINDS.iter().find(|(known, _)| *known == kind).map_or("", |(_, name)| name)
}

/// Compares both results, by kind.
pub(super) fn compare(before: &Judged, after: &Judged) -> Vec<SanctionChange> {
    let one = |(kind, name): (SanctionKind, &'static str)| {
        let keys = before.0.keys().chain(after.0.keys());
        let mut subjects: Vec<Uuid> = keys
            .filter(|key| key.1 == name && before.0.get(key) != after.0.get(key))
            .map(|(subject, _)| *subject)
            .collect();
        subjects.sort();
        subjects.dedup();
        subjects.truncate(NAMED);
        SanctionChange { kind, before: before.count(name), after: after.count(name), subjects }
    };
    KINDS.into_iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use entity::value::MarkId;

    use super::*;

    fn keys(changes: serde_json::Value) -> Policy {
        use crate::policy::draft::{self, DEFAULTS};
        let changes = serde_json::from_value(changes).unwrap();
        draft::put(draft::whole(DEFAULTS).unwrap(), &changes).unwrap().keys
    }

    fn faults(hours: &[i64]) -> Faults {
        let at = |h: &i64| Instant::UNIX_EPOCH + TimeDelta::hours(*h);
        let fault = |h| RecordedFault { id: MarkId(Uuid::new_v4()), at: at(h), voided: false };
        Faults::from([(Uuid::nil(), hours.iter().map(fault).collect())])
    }

    fn counts(judged: &Judged) -> Vec<u64> {
        KINDS.iter().map(|(_, name)| judged.count(name)).collect()
    }

    /// SAN-1: five in ten days are a ban of a week, after which the window restarts: the 6th and
    /// 7th fall into the ban, the 8th to 12th are the next five.
    #[test]
    fn san_1_bans_over_a_period() {
        let hours = [0, 50, 100, 150, 200, 210, 220, 400, 420, 440, 460, 480];
        let today = Judged::of(faults(&hours), &Faults::new(), &keys(serde_json::json!({})));
        assert_eq!(counts(&today), [2, 0, 0, 0]);
        let four = keys(serde_json::json!({"client": {"ban_count": 4}}));
        // The 4th at 150 bans until 318; 400, 420, 440, 460 are the next four.
        let draft = Judged::of(faults(&hours[..11]), &Faults::new(), &four);
        assert_eq!(counts(&draft), [2, 0, 0, 0]);
        let short = keys(serde_json::json!({"client": {"ban_window_h": 100}}));
        // Within 100 hours there are never five before the 5th of the second half.
        let draft = Judged::of(faults(&hours), &Faults::new(), &short);
        assert_eq!(counts(&draft), [1, 0, 0, 0]);
    }

    /// SAN-2: 3 warn, 5 lower, 8 block; under a draft 4 lower and 6 block.
    #[test]
    fn san_2_branches_over_a_period() {
        let eight = [1, 2, 3, 4, 5, 6, 7, 8];
        let today = Judged::of(Faults::new(), &faults(&eight), &keys(serde_json::json!({})));
        assert_eq!(counts(&today), [0, 1, 1, 1]);
        let strict =
            keys(serde_json::json!({"partner": {"visibility_count": 4, "block_count": 9}}));
        let draft = Judged::of(Faults::new(), &faults(&eight), &strict);
        // The 4th lowers the visibility; the 5th to 8th are four others: a repeat, hence a block.
        assert_eq!(counts(&draft), [0, 1, 1, 1]);
        let lenient = keys(serde_json::json!({"partner": {"block_count": 9}}));
        let draft = Judged::of(Faults::new(), &faults(&eight), &lenient);
        assert_eq!(counts(&draft), [0, 1, 1, 0]);
        let changes = compare(&today, &draft);
        assert_eq!((changes[3].before, changes[3].after), (1, 0));
        assert_eq!(changes[3].subjects, [Uuid::nil()]);
        assert!(changes[..3].iter().all(|change| change.subjects.is_empty()));
    }
}
