//! The rules of sanctions: which strikes count, and which sanction follows. Pure (SAN-1 … SAN-3).

use chrono::TimeDelta;
use entity::kinds::{StrikeKind, TimerKind};
use entity::sanction::SanctionKind;
use entity::value::{Instant, MarkId};

use crate::policy::keys::{ClientKeys, PartnerKeys};

/// Kinds of strikes against a client: a fee was due, or the client did not come.
pub const CLIENT_FAULTS: &[StrikeKind] =
    &[StrikeKind::ClientLateCancel, StrikeKind::ClientNoShow, StrikeKind::ClientBurned];
/// Kinds of strikes against a branch.
pub const PARTNER_FAULTS: &[StrikeKind] =
    &[StrikeKind::PartnerCancelled, StrikeKind::PartnerNotAdmitted, StrikeKind::AdmissionContested];

/// The timer that counts strikes of this kind; none where the kind does not count.
#[must_use]
pub const fn judge(kind: StrikeKind) -> Option<TimerKind> {
    match kind {
        StrikeKind::ClientLateCancel | StrikeKind::ClientNoShow | StrikeKind::ClientBurned => {
            Some(TimerKind::JudgeClient)
        }
        StrikeKind::PartnerCancelled
        | StrikeKind::PartnerNotAdmitted
        | StrikeKind::AdmissionContested => Some(TimerKind::JudgePartner),
        StrikeKind::ClientWithdrew
        | StrikeKind::ClientUnanswered
        | StrikeKind::Declined
        | StrikeKind::Ignored
        | StrikeKind::CodeTry => None,
    }
}

/// A recorded strike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordedFault {
    /// The strike.
    pub id: MarkId,
    /// When it happened.
    pub at: Instant,
    /// Voided: it no longer counts (PEN-7).
    pub voided: bool,
}

/// An earlier or current sanction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Earlier {
    /// The kind of sanction.
    pub kind: SanctionKind,
    /// When it began.
    pub began_at: Instant,
    /// When it ends, or was lifted.
    pub end: Instant,
    /// The strikes it was imposed for; none where support imposed it.
    pub cause: Vec<MarkId>,
}

/// The sanction that follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The kind of sanction.
    pub kind: SanctionKind,
    /// When it ends.
    pub until: Instant,
    /// The strikes it is imposed for, oldest first.
    pub cause: Vec<MarkId>,
}

/// Decides a client's ban: `ban_count` strikes in the rolling window are a ban, and the window
/// restarts when a ban ends. A ban whose strikes were voided does not restart it: the remaining
/// strikes count again.
///
/// # Source
/// SAN-1, SAN-3.
#[must_use]
pub fn judge_client(
    faults: &[RecordedFault],
    earlier: &[Earlier],
    keys: &ClientKeys,
    now: Instant,
) -> Option<Verdict> {
    let kind = SanctionKind::ClientBan;
    let bans = || earlier.iter().filter(move |past| past.kind == kind);
    if bans().any(|ban| ban.stands(now)) {
        return None;
    }
    let restart = bans().filter(|ban| !undone(ban, faults, keys.ban_count)).map(|ban| ban.end);
    let window = now - TimeDelta::hours(keys.ban_window_h);
    let cause = counted(faults, window, restart.max());
    let until = now + TimeDelta::hours(keys.ban_h);
    (cause.len() >= keys.ban_count).then_some(Verdict { kind, until, cause })
}

/// Decides a branch's sanction from its strikes in the rolling window, counted anew after each
/// block: a warning, lowered visibility, or a block. The same strikes never lower the visibility
/// twice; equally many others within `repeat_days` are a block.
///
/// # Source
/// SAN-2, SAN-3.
#[must_use]
pub fn judge_partner(
    faults: &[RecordedFault],
    earlier: &[Earlier],
    keys: &PartnerKeys,
    now: Instant,
) -> Option<Verdict> {
    let past = |kind| earlier.iter().filter(move |past| past.kind == kind);
    if past(SanctionKind::PartnerBlock).any(|block| block.stands(now)) {
        return None;
    }
    let span = TimeDelta::hours(keys.fault_window_h);
    let restart = past(SanctionKind::PartnerBlock).map(|block| block.end).max();
    let cause = counted(faults, now - span, restart);
    let block = |cause| {
        let until = now + TimeDelta::days(keys.block_days);
        Some(Verdict { kind: SanctionKind::PartnerBlock, until, cause })
    };
    if cause.len() >= keys.block_count {
        return block(cause);
    }
    if cause.len() >= keys.visibility_count {
        let since = now - TimeDelta::days(keys.repeat_days);
        let lowered = past(SanctionKind::PartnerVisibility)
            .filter(|past| past.began_at > since || past.stands(now))
            .max_by_key(|past| past.began_at);
        let Some(lowered) = lowered else {
            let until = now + TimeDelta::hours(keys.visibility_h);
            return Some(Verdict { kind: SanctionKind::PartnerVisibility, until, cause });
        };
        let fresh: Vec<MarkId> =
            cause.into_iter().filter(|id| !lowered.cause.contains(id)).collect();
        return if fresh.len() >= keys.visibility_count { block(fresh) } else { None };
    }
    let warned = past(SanctionKind::PartnerWarning)
        .any(|past| past.began_at > now - span || past.stands(now));
    let due = cause.len() >= keys.warn_count && !warned;
    let until = now + span;
    due.then_some(Verdict { kind: SanctionKind::PartnerWarning, until, cause })
}

/// Whether some of a sanction's strikes are voided and the rest no longer reach the count.
#[must_use]
pub fn falls(cause: &[MarkId], voided: impl Fn(MarkId) -> bool, count: usize) -> bool {
    let left = cause.iter().filter(|id| !voided(**id)).count();
    left < cause.len() && left < count
}

impl Earlier {
    fn stands(&self, now: Instant) -> bool {
        now < self.end
    }
}

fn undone(ban: &Earlier, faults: &[RecordedFault], count: usize) -> bool {
    let voided = |id| faults.iter().any(|fault| fault.id == id && fault.voided);
    falls(&ban.cause, voided, count)
}

/// Strikes that are inside the window and not before the restart, oldest first.
fn counted(faults: &[RecordedFault], window: Instant, restart: Option<Instant>) -> Vec<MarkId> {
    let counts = |fault: &&RecordedFault| {
        !fault.voided && fault.at > window && restart.is_none_or(|restart| fault.at >= restart)
    };
    let mut counted: Vec<&RecordedFault> = faults.iter().filter(counts).collect();
    counted.sort_by_key(|fault| (fault.at, fault.id));
    counted.into_iter().map(|fault| fault.id).collect()
}

#[cfg(test)]
mod tests {
    use strum::IntoEnumIterator as _;
    use uuid::Uuid;

    use super::*;
    use SanctionKind::{ClientBan, PartnerBlock, PartnerVisibility, PartnerWarning};

    const NOW_H: i64 = 10_000;

    fn keys() -> crate::policy::Policy {
        toml::from_str(crate::policy::draft::DEFAULTS).unwrap()
    }

    fn hour(h: i64) -> Instant {
        Instant::UNIX_EPOCH + TimeDelta::hours(h)
    }

    fn id(n: u128) -> MarkId {
        MarkId(Uuid::from_u128(n))
    }

    fn ids(from: u128, until: u128) -> Vec<MarkId> {
        (from..until).map(id).collect()
    }

    /// Strikes 0, 1, 2 … so many hours ago.
    fn ago(hours: &[i64]) -> Vec<RecordedFault> {
        let fault =
            |(n, h): (u128, &i64)| RecordedFault { id: id(n), at: hour(NOW_H - h), voided: false };
        (0_u128..).zip(hours).map(fault).collect()
    }

    /// A sanction that began and ended so many hours ago, for these strikes.
    fn was(kind: SanctionKind, began: i64, end: i64, cause: Vec<MarkId>) -> Earlier {
        Earlier { kind, began_at: hour(NOW_H - began), end: hour(NOW_H - end), cause }
    }

    fn client(faults: &[RecordedFault], earlier: &[Earlier]) -> Option<(Instant, Vec<MarkId>)> {
        let verdict = judge_client(faults, earlier, &keys().client, hour(NOW_H))?;
        assert_eq!(verdict.kind, ClientBan);
        Some((verdict.until, verdict.cause))
    }

    fn partner(hours: &[i64], earlier: &[Earlier]) -> Option<(SanctionKind, i64, usize)> {
        let verdict = judge_partner(&ago(hours), earlier, &keys().partner, hour(NOW_H))?;
        let for_h = (verdict.until - hour(NOW_H)).num_hours();
        Some((verdict.kind, for_h, verdict.cause.len()))
    }

    /// SAN-1, SAN-2: the kinds that are counted are the kinds that lead to a count.
    #[test]
    fn san_1_what_is_counted_is_judged() {
        let counted_by = |judge_of| -> Vec<StrikeKind> {
            StrikeKind::iter().filter(|kind| judge(*kind) == Some(judge_of)).collect()
        };
        assert_eq!(counted_by(TimerKind::JudgeClient), CLIENT_FAULTS);
        assert_eq!(counted_by(TimerKind::JudgePartner), PARTNER_FAULTS);
    }

    /// SAN-1: five in 240 hours are a ban of a week; a strike 240 hours ago no longer counts.
    #[test]
    fn san_1_five_in_ten_days_are_a_ban() {
        let banned = Some((hour(NOW_H + 168), ids(0, 5)));
        assert_eq!(client(&ago(&[200, 100, 50, 10, 0]), &[]), banned);
        assert_eq!(client(&ago(&[239, 239, 239, 239, 0]), &[]), banned);
        assert_eq!(client(&ago(&[240, 239, 239, 239, 0]), &[]), None);
        assert_eq!(client(&ago(&[200, 100, 50, 10]), &[]), None);
        assert_eq!(client(&[], &[]), None);
        let mut voided = ago(&[200, 100, 50, 10, 0]);
        voided[2].voided = true;
        assert_eq!(client(&voided, &[]), None);
    }

    /// SAN-1, SAN-3: during a ban no further one follows; then the window restarts at its end.
    #[test]
    fn san_1_the_window_restarts_when_a_ban_ends() {
        let six = ago(&[100, 90, 80, 70, 60, 0]);
        assert_eq!(client(&six, &[was(ClientBan, 60, -108, ids(0, 5))]), None);
        assert_eq!(client(&six, &[was(ClientBan, 60, 30, ids(0, 5))]), None);
        let after = ago(&[30, 20, 10, 5, 0]);
        let banned = Some((hour(NOW_H + 168), ids(0, 5)));
        assert_eq!(client(&after, &[was(ClientBan, 60, 30, Vec::new())]), banned);
        assert_eq!(client(&after, &[was(ClientBan, 60, 29, Vec::new())]), None);
        // The newest end decides, and only bans restart a client's window.
        let two = [was(ClientBan, 60, 40, Vec::new()), was(ClientBan, 35, 29, Vec::new())];
        assert_eq!(client(&after, &two), None);
        assert_eq!(client(&after, &[was(PartnerBlock, 60, 1, Vec::new())]), banned);
    }

    /// PEN-7, SAN-1: a ban that ended with its strikes restarts nothing: the rest count on.
    #[test]
    fn pen_7_a_ban_undone_restarts_nothing() {
        let mut six = ago(&[100, 90, 80, 70, 60, 0]);
        six[1].voided = true;
        let left = vec![id(0), id(2), id(3), id(4), id(5)];
        let ban = was(ClientBan, 60, 30, ids(0, 5));
        assert_eq!(client(&six, &[ban]), Some((hour(NOW_H + 168), left)));
        // One voided strike out of six leaves the ban valid.
        let ban = was(ClientBan, 60, 30, ids(0, 6));
        assert_eq!(client(&six, &[ban]), None);
    }

    /// SAN-2: 3 warn, 5 lower the visibility, 8 block for 14 days.
    #[test]
    fn san_2_three_five_eight() {
        assert_eq!(partner(&[9, 8], &[]), None);
        assert_eq!(partner(&[9, 8, 7], &[]), Some((PartnerWarning, 168, 3)));
        assert_eq!(partner(&[168, 8, 7], &[]), None);
        let warned = was(PartnerWarning, 7, -161, ids(0, 3));
        assert_eq!(partner(&[9, 8, 7, 6], std::slice::from_ref(&warned)), None);
        let five = [9, 8, 7, 6, 5];
        let lower = Some((PartnerVisibility, 168, 5));
        assert_eq!(partner(&five, std::slice::from_ref(&warned)), lower);
        assert_eq!(partner(&five, &[]), lower);
        let lowered = [warned, was(PartnerVisibility, 5, -163, ids(0, 5))];
        assert_eq!(partner(&[9, 8, 7, 6, 5, 4, 3], &lowered), None);
        let block = Some((PartnerBlock, 336, 8));
        assert_eq!(partner(&[9, 8, 7, 6, 5, 4, 3, 2], &lowered), block);
        assert_eq!(partner(&[9, 8, 7, 6, 5, 4, 3, 2], &[]), block);
    }

    /// SAN-2, SAN-3: five others within 30 days of the first five are a block; the same are not.
    #[test]
    fn san_2_a_repeat_of_five_within_thirty_days_blocks() {
        let five = [50, 40, 30, 20, 10];
        let others = |began| [was(PartnerVisibility, began, began - 168, ids(90, 95))];
        assert_eq!(partner(&five, &others(719)), Some((PartnerBlock, 336, 5)));
        assert_eq!(partner(&five, &others(720)), Some((PartnerVisibility, 168, 5)));
        let some = [was(PartnerVisibility, 45, -123, vec![id(0), id(96), id(97)])];
        assert_eq!(partner(&five, &some), None);
        let again = [was(PartnerVisibility, 10, -158, ids(0, 5))];
        assert_eq!(partner(&five, &again), None);
        // A sanction that support imposed and that is in force is not imposed twice.
        let old = [was(PartnerVisibility, 900, -1, ids(0, 1))];
        assert_eq!(partner(&five, &old), None);
    }

    /// SAN-2: after a block the count starts anew; during it no sanction follows.
    #[test]
    fn san_2_after_a_block_the_count_begins_anew() {
        let nine = [90, 80, 70, 60, 50, 40, 30, 3, 2];
        assert_eq!(partner(&nine, &[was(PartnerBlock, 20, -100, Vec::new())]), None);
        assert_eq!(partner(&nine, &[was(PartnerBlock, 20, 10, Vec::new())]), None);
        let warned = Some((PartnerWarning, 168, 3));
        assert_eq!(partner(&nine, &[was(PartnerBlock, 35, 30, Vec::new())]), warned);
    }

    /// SAN-2, SAN-3: at most one warning per window.
    #[test]
    fn san_3_one_warning_a_window() {
        let three = [9, 8, 7];
        let old = was(PartnerWarning, 168, 0, ids(90, 93));
        assert_eq!(partner(&three, &[old]), Some((PartnerWarning, 168, 3)));
        let recent = was(PartnerWarning, 167, -1, ids(90, 93));
        assert_eq!(partner(&three, &[recent]), None);
        let lifted = was(PartnerWarning, 100, 90, ids(90, 93));
        assert_eq!(partner(&three, &[lifted]), None);
    }
}
