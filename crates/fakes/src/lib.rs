//! Fake payment providers on loopback that speak the real protocols. The demo's people pay at one;
//! tests script the next response: the fakes hang, answer falsely, act without answering, and
//! record every request.

pub mod epoint;
pub mod payriff;

use std::collections::VecDeque;
use std::io;
use std::net::TcpListener;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::http::StatusCode;
use actix_web::web::{self, Bytes, Data};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use serde_json::{Value, json};

/// Timeout of a callback.
const CALL_WAIT: Duration = Duration::from_secs(10);

/// A scripted reaction to one request.
#[derive(Clone, Debug, PartialEq)]
pub enum Next {
    /// Does nothing and never answers.
    Hang,
    /// Performs the request and never answers.
    ActAndHang,
    /// Answers that the request should be repeated later.
    Busy,
    /// Answers with a server error.
    Break,
    /// Answers with exactly this and HTTP 200, and does nothing.
    Say(Value),
}

/// The protocol of one provider.
pub trait Protocol: Send + 'static {
    /// Performs a request; returns the response's status and body.
    ///
    /// # Errors
    /// The reason why a merchant may not send this request.
    fn handle(&mut self, request: &RecordedRequest) -> Result<(u16, Value), Breach>;

    /// The callbacks that became due since the last call.
    fn due_callbacks(&mut self) -> Vec<Callback> {
        Vec::new()
    }
}

/// A request that breaks the protocol.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub struct Breach(pub String);

impl Breach {
    /// A breach with this reason.
    pub fn because(why: impl Into<String>) -> Self {
        Self(why.into())
    }
}

/// A callback: a form and its destination.
#[derive(Clone, Debug)]
pub struct Callback {
    /// The merchant's callback address.
    pub url: String,
    /// The raw form.
    pub form: String,
}

/// A recorded request.
#[derive(Clone, Debug)]
pub struct RecordedRequest {
    /// Its path.
    pub path: String,
    /// The `X-REQUEST-RRN` header, if present.
    pub own_name: Option<String>,
    /// The `Authorization` header.
    pub authorization: Option<String>,
    /// The query.
    pub query: String,
    /// The body.
    pub body: Vec<u8>,
}

/// The shared state of a fake.
struct Inside<S> {
    provider: S,
    next: VecDeque<(&'static str, Next)>,
    asked: Vec<RecordedRequest>,
    breaches: Vec<String>,
    requests_max: usize,
}

/// A running fake provider.
pub struct FakeProvider<S> {
    /// Where it listens.
    pub url: String,
    inside: Arc<Mutex<Inside<S>>>,
    server: ServerHandle,
}

/// Locks the state, also after a panic of another holder.
fn locked<S>(inside: &Mutex<Inside<S>>) -> MutexGuard<'_, Inside<S>> {
    inside.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<S: Protocol> FakeProvider<S> {
    /// Listens on a free loopback port; `open` creates the provider for that address. It keeps at
    /// most `requests_max` requests.
    ///
    /// # Errors
    /// When there is no free port.
    pub fn start(requests_max: usize, open: impl FnOnce(&str) -> S) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let url = format!("http://{}", listener.local_addr()?);
        let inside = Inside {
            provider: open(&url),
            next: VecDeque::new(),
            asked: Vec::new(),
            breaches: Vec::new(),
            requests_max,
        };
        let inside = Arc::new(Mutex::new(inside));
        let data = Data::from(Arc::clone(&inside));
        let server = HttpServer::new(move || {
            App::new().app_data(data.clone()).default_service(web::to(answer::<S>))
        });
        let server = server.workers(1).disable_signals().listen(listener)?.run();
        let handle = server.handle();
        tokio::spawn(server);
        Ok(Self { url, inside, server: handle })
    }

    /// Reads or changes the provider's state.
    pub fn with<T>(&self, act: impl FnOnce(&mut S) -> T) -> T {
        act(&mut locked(&self.inside).provider)
    }

    /// Scripts the reaction to the next request whose path ends with `path`.
    pub fn next(&self, path: &'static str, next: Next) {
        locked(&self.inside).next.push_back((path, next));
    }

    /// How many requests were made to paths that end with `path`.
    pub fn times(&self, path: &str) -> usize {
        self.asked(path).len()
    }

    /// The requests to paths that end with `path`.
    pub fn asked(&self, path: &str) -> Vec<RecordedRequest> {
        let inside = locked(&self.inside);
        inside.asked.iter().filter(|asked| asked.path.ends_with(path)).cloned().collect()
    }

    /// The protocol breaches of the merchant, as text.
    pub fn breaches(&self) -> Vec<String> {
        locked(&self.inside).breaches.clone()
    }
}

impl<S> Drop for FakeProvider<S> {
    fn drop(&mut self) {
        drop(self.server.stop(false));
    }
}

impl<S: Protocol> Inside<S> {
    /// Records a request; returns the scripted reaction, the response and the callbacks due.
    fn record(
        &mut self,
        request: &RecordedRequest,
    ) -> (Option<Next>, Option<(u16, Value)>, Vec<Callback>) {
        if self.asked.len() >= self.requests_max {
            self.asked.clear();
        }
        self.asked.push(request.clone());
        let at = self.next.iter().position(|(path, _)| request.path.ends_with(path));
        let next = at.and_then(|at| self.next.remove(at)).map(|(_, next)| next);
        if !matches!(next, None | Some(Next::ActAndHang)) {
            return (next, None, Vec::new());
        }
        let said = self.provider.handle(request).unwrap_or_else(|breach| {
            self.breaches.push(format!("{}: {breach}", request.path));
            (400, json!({"status": "error", "message": breach.to_string()}))
        });
        (next, Some(said), self.provider.due_callbacks())
    }
}

async fn answer<S: Protocol>(
    inside: Data<Mutex<Inside<S>>>,
    request: HttpRequest,
    body: Bytes,
) -> HttpResponse {
    let header = |name: &str| {
        request.headers().get(name).and_then(|value| value.to_str().ok()).map(ToOwned::to_owned)
    };
    let recorded = RecordedRequest {
        path: request.path().to_owned(),
        own_name: header("X-REQUEST-RRN"),
        authorization: header("Authorization"),
        query: request.query_string().to_owned(),
        body: body.to_vec(),
    };
    let (next, said, callbacks) = locked(&inside).record(&recorded);
    for callback in callbacks {
        tokio::spawn(send_callback(callback));
    }
    match (next, said) {
        (Some(Next::Hang | Next::ActAndHang), _) => std::future::pending().await,
        (Some(Next::Busy), _) => HttpResponse::TooManyRequests().finish(),
        (Some(Next::Break), _) | (None, None) => HttpResponse::BadGateway().finish(),
        (Some(Next::Say(json)), _) => HttpResponse::Ok().json(json),
        (None, Some((status, json))) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
            HttpResponse::build(status).json(json)
        }
    }
}

/// Sends a callback once; a merchant that misses it has to poll.
async fn send_callback(callback: Callback) {
    let client = reqwest::Client::builder().no_proxy().timeout(CALL_WAIT).build();
    let sent = match client {
        Ok(client) => {
            let form = ("content-type", "application/x-www-form-urlencoded");
            client.post(&callback.url).header(form.0, form.1).body(callback.form).send().await
        }
        Err(error) => Err(error),
    };
    match sent {
        Ok(answer) => tracing::debug!(status = %answer.status(), "the merchant was called"),
        Err(error) => tracing::warn!(%error, "the merchant could not be called"),
    }
}
