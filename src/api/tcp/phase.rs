//! The phases of a connection, and how long it may stay in each.

use std::cell::Cell;
use std::time::{Duration, Instant};

use crate::config::Http;

/// How much longer than HTTP's keep-alive time-out an idle connection is kept, so that HTTP closes
/// it first.
const GRACE: Duration = Duration::from_secs(1);

/// The longest time in each phase.
#[derive(Clone, Copy, Debug)]
pub struct Deadlines {
    /// From the first byte of a request (or from the start of the connection) to the end of its
    /// head.
    pub head: Duration,
    /// Without a request (keep-alive).
    pub idle: Duration,
    /// While the peer reads nothing of an answer.
    pub stall: Duration,
}

impl Deadlines {
    /// From the settings.
    #[must_use]
    pub fn of(http: &Http) -> Self {
        Self {
            head: Duration::from_secs(http.head_timeout_s),
            idle: Duration::from_secs(http.idle_timeout_s),
            stall: Duration::from_secs(http.stall_timeout_s),
        }
    }
}

/// The phase of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Since then, bytes have come that belong to no known request.
    Head(Instant),
    /// A request is being served: its handler has its own time-outs.
    Serving,
    /// Since then, no request has come.
    Idle(Instant),
    /// Upgraded to a WebSocket, which has its own heartbeat.
    Upgraded,
}

/// The phase of one connection, shared between its stream and the requests that come over it.
#[derive(Debug)]
pub struct Phases {
    phase: Cell<Phase>,
    deadlines: Deadlines,
}

impl Phases {
    /// A newly accepted connection.
    #[must_use]
    pub fn accepted(deadlines: Deadlines) -> Self {
        Self { phase: Cell::new(Phase::Head(Instant::now())), deadlines }
    }

    /// A request's head is complete: its handler runs.
    pub fn serving(&self) {
        self.phase.set(Phase::Serving);
    }

    /// The answer is being sent. If the end of the request's body was not known from its head,
    /// further bytes may belong to no request.
    pub fn answered(&self, end_unknown: bool) {
        let now = Instant::now();
        self.phase.set(if end_unknown { Phase::Head(now) } else { Phase::Idle(now) });
    }

    /// The connection was upgraded to a WebSocket.
    pub fn upgraded(&self) {
        self.phase.set(Phase::Upgraded);
    }

    /// Bytes came from the peer.
    pub fn received(&self) {
        if let Phase::Idle(_) = self.phase.get() {
            self.phase.set(Phase::Head(Instant::now()));
        }
    }

    /// The peer read bytes of an answer.
    pub fn sent(&self) {
        if let Phase::Idle(_) = self.phase.get() {
            self.phase.set(Phase::Idle(Instant::now()));
        }
    }

    /// The deadline of the phase; `None` if it has none here.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        match self.phase.get() {
            Phase::Head(since) => since.checked_add(self.deadlines.head),
            Phase::Idle(since) => since.checked_add(self.deadlines.idle + GRACE),
            Phase::Serving | Phase::Upgraded => None,
        }
    }

    /// How often to check for a new phase; `None` if none can follow.
    #[must_use]
    pub fn looks_again(&self) -> Option<Duration> {
        (self.phase.get() != Phase::Upgraded).then_some(self.deadlines.head)
    }

    /// The longest time an answer may wait for the peer.
    #[must_use]
    pub fn stall(&self) -> Duration {
        self.deadlines.stall
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_request_and_a_websocket_have_no_deadline_here() {
        let hour = Duration::from_hours(1);
        let phases = Phases::accepted(Deadlines { head: hour, idle: hour * 2, stall: hour });
        let soon = Instant::now() + hour + Duration::from_mins(1);
        assert!(phases.deadline().is_some_and(|at| at < soon), "the first head");
        phases.serving();
        phases.received();
        assert_eq!(phases.deadline(), None, "a body belongs to its request");
        assert_eq!(phases.looks_again(), Some(hour), "its answer begins another phase");
        phases.answered(true);
        assert!(phases.deadline().is_some_and(|at| at < soon), "a body that may go on");
        phases.answered(false);
        assert!(phases.deadline().is_some_and(|at| at > soon), "idle");
        phases.received();
        assert!(phases.deadline().is_some_and(|at| at < soon), "a further head");
        phases.upgraded();
        phases.received();
        assert_eq!((phases.deadline(), phases.looks_again()), (None, None));
    }
}
