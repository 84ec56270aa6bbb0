//! A simulated person: a signed-in device, and what all simulated people share.

use crate::statistics::{Census, ClockSync, Observed};
use client::{ApiError, Codes, Context, Node, Pace, Session, StopSignal};
use std::ops::Deref;
use std::sync::Arc;

/// Resources shared by all simulated people.
#[derive(Clone)]
pub struct Shared {
    /// The nodes of the engine.
    pub nodes: Arc<Vec<Node>>,
    /// The source of one-time codes.
    pub codes: Arc<dyn Codes>,
    /// The speed of simulated time.
    pub pace: Pace,
    /// The estimate of the server's time.
    pub clock_sync: Arc<ClockSync>,
    /// The shared statistics.
    pub census: Arc<Census>,
    /// Whether the engine has a payment provider and a bonus campaign.
    pub cards: bool,
    /// The stop signal.
    pub stop: StopSignal,
}

impl Shared {
    /// What surrounds the sessions of these people.
    fn context(&self) -> Context {
        let Self { codes, pace, clock_sync, census, stop, .. } = self;
        let observer =
            Observed { census: census.clone(), clock_sync: clock_sync.clone(), pace: *pace };
        Context {
            codes: codes.clone(),
            pace: *pace,
            stop: stop.clone(),
            observer: Arc::new(observer),
        }
    }
}

/// A simulated person, who acts through a session.
pub struct Person {
    session: Arc<Session>,
    pub(crate) shared: Shared,
}

impl Deref for Person {
    type Target = Session;

    fn deref(&self) -> &Session {
        &self.session
    }
}

impl Person {
    /// Signs in; `number` spreads people across the nodes.
    ///
    /// # Errors
    /// When the sign-in fails.
    pub async fn sign_in(
        shared: &Shared,
        number: usize,
        phone: &str,
        name: &str,
    ) -> Result<Self, ApiError> {
        let nodes = shared.nodes.len().max(1);
        let nowhere = || ApiError::Unreachable("no base url was given".to_owned());
        let node = shared.nodes.get(number % nodes).cloned().ok_or_else(nowhere)?;
        let session = Session::sign_in(node, &shared.context(), phone, name).await?;
        Ok(Self { session: Arc::new(session), shared: shared.clone() })
    }

    /// The session, for a follower of a feed.
    pub fn session(&self) -> Arc<Session> {
        self.session.clone()
    }
}
