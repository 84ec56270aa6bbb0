//! In which phase a connection is, and until when it may stay there.

use std::cell::Cell;
use std::time::{Duration, Instant};

use crate::config::Http;

/// How much longer than HTTP's own time-out a connection without a request is kept, so that HTTP
/// ends it.
const GRACE: Duration = Duration::from_secs(1);

/// How long a connection may stay in each phase.
#[derive(Clone, Copy, Debug)]
pub struct Deadlines {
    /// From the first byte of a request (or from the start of the connection) to the end of its
    /// head.
    pub head: Duration,
    /// Without a request.
    pub idle: Duration,
    /// With an answer of which the peer takes nothing.
    pub stall: Duration,
}

impl Deadlines {
    /// As the settings say.
    #[must_use]
    pub fn of(http: &Http) -> Self {
        Self {
            head: Duration::from_secs(http.head_timeout_s),
            idle: Duration::from_secs(http.idle_timeout_s),
            stall: Duration::from_secs(http.stall_timeout_s),
        }
    }
}

/// What a connection is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Bytes that belong to no known request have come since then.
    Head(Instant),
    /// A request is being served: its handler has time-outs of its own.
    Serving,
    /// Nothing is asked since then.
    Idle(Instant),
    /// It became a WebSocket, which has a heartbeat of its own.
    Upgraded,
}

/// The phase of one connection, shared between its stream and the requests that come over it.
#[derive(Debug)]
pub struct Phases {
    phase: Cell<Phase>,
    deadlines: Deadlines,
}

impl Phases {
    /// A connection that has just been accepted.
    #[must_use]
    pub fn accepted(deadlines: Deadlines) -> Self {
        Self { phase: Cell::new(Phase::Head(Instant::now())), deadlines }
    }

    /// A request's head is whole: its handler runs.
    pub fn serving(&self) {
        self.phase.set(Phase::Serving);
    }

    /// Its answer is on its way. Where the end of its body was not known from its head, whatever
    /// still comes may belong to no request.
    pub fn answered(&self, end_unknown: bool) {
        let now = Instant::now();
        self.phase.set(if end_unknown { Phase::Head(now) } else { Phase::Idle(now) });
    }

    /// Its answer made a WebSocket of the connection.
    pub fn upgraded(&self) {
        self.phase.set(Phase::Upgraded);
    }

    /// Bytes came from the peer.
    pub fn received(&self) {
        if let Phase::Idle(_) = self.phase.get() {
            self.phase.set(Phase::Head(Instant::now()));
        }
    }

    /// The peer took bytes of an answer.
    pub fn sent(&self) {
        if let Phase::Idle(_) = self.phase.get() {
            self.phase.set(Phase::Idle(Instant::now()));
        }
    }

    /// When the phase ends by itself; `None` where nothing limits it here.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        match self.phase.get() {
            Phase::Head(since) => since.checked_add(self.deadlines.head),
            Phase::Idle(since) => since.checked_add(self.deadlines.idle + GRACE),
            Phase::Serving | Phase::Upgraded => None,
        }
    }

    /// How often to look whether another phase has begun; `None` where none follows.
    #[must_use]
    pub fn looks_again(&self) -> Option<Duration> {
        (self.phase.get() != Phase::Upgraded).then_some(self.deadlines.head)
    }

    /// How long an answer may wait for the peer.
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
