//! TCP connections below HTTP: how many may be open, and the deadline of each.
//!
//! The HTTP library bounds the head of a connection's first request and the pause between two
//! requests. It does not bound an endless later head, a chunked body that no handler reads, or an
//! answer that the peer does not read. [`stream::Guarded`] bounds all of them in one place.

pub mod admission;
pub mod phase;
pub mod stream;

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use actix_http::{HttpService, Protocol, Request, Response};
use actix_server::Server;
use actix_service::{IntoServiceFactory, ServiceFactory, ServiceFactoryExt as _, fn_service};
use actix_service::{Service, map_config};
use actix_web::body::MessageBody;
use actix_web::dev::AppConfig;
use actix_web::rt::net::TcpStream;

use crate::config::Http;
use admission::{Admission, ConnectionLimits};
use phase::Deadlines;
use stream::Guarded;

/// The listen backlog: connections that wait to be accepted.
const BACKLOG: u32 = 8_192;
/// The grace period for running requests at shutdown, seconds.
const STOP_S: u64 = 10;
/// How long the peer may go on sending after an answer that ends its connection.
const LINGER: Duration = Duration::from_secs(1);

/// Serves an application on a listener until its handle stops it.
///
/// # Errors
/// When the listener cannot be used.
pub fn serve<F, I, S, B>(
    listener: TcpListener,
    http: &Http,
    workers: usize,
    application: F,
) -> std::io::Result<Server>
where
    F: Fn() -> I + Send + Clone + 'static,
    I: IntoServiceFactory<S, Request>,
    S: ServiceFactory<Request, Config = AppConfig> + 'static,
    S::Error: Into<actix_web::Error> + 'static,
    S::InitError: std::fmt::Debug,
    S::Response: Into<Response<B>> + 'static,
    <S::Service as Service<Request>>::Future: 'static,
    S::Service: 'static,
    B: MessageBody + 'static,
{
    let admission = Arc::new(Admission::new(ConnectionLimits::of(http)));
    let deadlines = Deadlines::of(http);
    let idle = deadlines.idle;
    let builder = Server::build()
        .workers(workers)
        .backlog(BACKLOG)
        .max_concurrent_connections(admission.connections_max())
        .shutdown_timeout(STOP_S)
        .disable_signals();
    let stopping = builder.graceful_shutdown_signal();
    let server = builder.listen("yumo", listener, move || {
        let (admission, stopping) = (Arc::clone(&admission), stopping.clone());
        let application = application();
        let application = application.into_factory().map_err(|error| error.into().error_response());
        let http = HttpService::build()
            .graceful_shutdown_signal(move || {
                let stopping = stopping.clone();
                async move { stopping.notified().await }
            })
            .keep_alive(idle)
            // The library's timer uses a clock that is read twice a second: after a stall of the
            // process it would refuse the next request. The stream enforces the deadline instead.
            .client_request_timeout(Duration::ZERO)
            .client_disconnect_timeout(LINGER)
            .on_connect_ext(|stream: &Guarded, data| {
                data.insert(stream.phases());
            })
            .finish(map_config(application, |()| AppConfig::default()));
        fn_service(move |stream: TcpStream| {
            let admission = Arc::clone(&admission);
            async move {
                let peer = stream.peer_addr().ok();
                let admitted = admission.admit(peer.map(|peer| peer.ip())).ok_or(())?;
                let stream = Guarded::new(stream, deadlines, admitted);
                Ok::<_, ()>((stream, Protocol::Http1, peer))
            }
        })
        .and_then(http.map_err(|_| ()).map_init_err(|()| ()))
    })?;
    Ok(server.run())
}
