//! A guarded stream: a TCP stream that fails when its connection passes its deadline.

use std::future::Future;
use std::io::{Error, ErrorKind, IoSlice, Result};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Instant;

use actix_web::rt::net::TcpStream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::admission::Admitted;
use super::phase::{Deadlines, Phases};
use platform::clock::pause;

type Timer = Pin<Box<dyn Future<Output = ()>>>;

/// A guarded connection.
pub struct Guarded {
    io: TcpStream,
    phases: Rc<Phases>,
    /// Wakes the reader at this instant, at or before its deadline; kept across phases, so that a
    /// busy connection rarely arms a new timer.
    reading: Option<(Instant, Timer)>,
    /// Runs while the peer reads nothing.
    writing: Option<Timer>,
    _admitted: Admitted,
}

impl Guarded {
    /// Guards an admitted connection.
    #[must_use]
    pub fn new(io: TcpStream, deadlines: Deadlines, admitted: Admitted) -> Self {
        let phases = Rc::new(Phases::accepted(deadlines));
        Self { io, phases, reading: None, writing: None, _admitted: admitted }
    }

    /// The phase, shared with the requests on the connection.
    #[must_use]
    pub fn phases(&self) -> Rc<Phases> {
        Rc::clone(&self.phases)
    }

    /// Called when no bytes can be read: fails if the phase's deadline has passed, else arms a
    /// timer. It is armed while a handler runs, too: HTTP does not read again once an answer is
    /// being sent, and would not notice the phase that starts then.
    fn overdue(&mut self, context: &mut Context<'_>) -> Poll<Error> {
        loop {
            let now = Instant::now();
            let wake_at = match self.phases.deadline() {
                Some(deadline) if deadline <= now => {
                    return Poll::Ready(timed_out("no whole request came in time"));
                }
                Some(deadline) => deadline,
                None => match self.phases.looks_again() {
                    Some(every) => now + every,
                    None => return Poll::Pending,
                },
            };
            self.reading.take_if(|(at, _)| *at > wake_at);
            let arm = || -> (Instant, Timer) { (wake_at, Box::pin(pause(wake_at - now))) };
            let (_, timer) = self.reading.get_or_insert_with(arm);
            match timer.as_mut().poll(context) {
                Poll::Pending => return Poll::Pending,
                // The timer belonged to an earlier phase; the loop arms a new one.
                Poll::Ready(()) => self.reading = None,
            }
        }
    }

    /// Called when no bytes can be written: fails if that has lasted too long.
    fn stalled(&mut self, context: &mut Context<'_>) -> Poll<Error> {
        let stall = self.phases.stall();
        let timer = self.writing.get_or_insert_with(|| Box::pin(pause(stall)));
        timer.as_mut().poll(context).map(|()| timed_out("the peer took nothing of its answer"))
    }

    fn written(
        &mut self,
        written: Poll<Result<usize>>,
        context: &mut Context<'_>,
    ) -> Poll<Result<usize>> {
        match written {
            Poll::Pending => self.stalled(context).map(Err),
            Poll::Ready(written) => {
                self.writing = None;
                self.phases.sent();
                Poll::Ready(written)
            }
        }
    }
}

fn timed_out(why: &'static str) -> Error {
    metrics::counter!("yumo_http_connections_timed_out").increment(1);
    Error::new(ErrorKind::TimedOut, why)
}

impl AsyncRead for Guarded {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        let before = buffer.filled().len();
        match Pin::new(&mut self.io).poll_read(context, buffer) {
            Poll::Pending => self.overdue(context).map(Err),
            Poll::Ready(read) => {
                if buffer.filled().len() > before {
                    self.phases.received();
                }
                // A peer that sends single bytes never makes the read pending, so the deadline is
                // checked here.
                let late = self.phases.deadline().is_some_and(|at| at <= Instant::now());
                Poll::Ready(if late {
                    Err(timed_out("no whole request came in time"))
                } else {
                    read
                })
            }
        }
    }
}

impl AsyncWrite for Guarded {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write(context, bytes);
        self.written(written, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write_vectored(context, slices);
        self.written(written, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }
}
