//! Payment providers of our own, on loopback, speaking the real protocols: what they answer next
//! can be told, they hang, lie, act without answering, and remember everything they were asked.

pub mod epoint;
pub mod payriff;

use std::collections::VecDeque;
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use actix_web::dev::ServerHandle;
use actix_web::web::{self, Bytes, Data};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use serde_json::Value;

/// What a provider does with a request, once.
#[derive(Clone, Debug, PartialEq)]
pub enum Next {
    /// Nothing, and answers nothing.
    Hang,
    /// What was asked, and answers nothing.
    ActAndHang,
    /// Answers that it wants to be asked later.
    Busy,
    /// Breaks.
    Break,
    /// Answers just this, with HTTP 200, and does nothing.
    Say(Value),
}

/// How one provider speaks.
pub trait Speaks: Send + 'static {
    /// Acts and answers.
    fn acts(&mut self, asked: &Asked) -> (u16, Value);
}

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Its path.
    pub path: String,
    /// A header of ours, where there was one.
    pub own_name: Option<String>,
    /// Its credentials.
    pub authorization: Option<String>,
    /// Query and body.
    pub query: String,
    /// The body.
    pub body: Vec<u8>,
}

/// What a fake is like inside.
pub struct Inside<S> {
    /// The provider itself.
    pub provider: S,
    next: VecDeque<(&'static str, Next)>,
    asked: Vec<Asked>,
}

/// A running fake.
pub struct Fake<S> {
    /// Where it listens.
    pub url: String,
    inside: Arc<Mutex<Inside<S>>>,
    server: ServerHandle,
}

impl<S: Speaks> Fake<S> {
    /// Listens on loopback.
    pub fn listens(provider: S) -> Self {
        let inside = Inside { provider, next: VecDeque::new(), asked: Vec::new() };
        let inside = Arc::new(Mutex::new(inside));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let data = Data::from(Arc::clone(&inside));
        let server = HttpServer::new(move || {
            App::new().app_data(data.clone()).default_service(web::to(answer::<S>))
        });
        let server = server.workers(1).disable_signals().listen(listener).unwrap().run();
        let handle = server.handle();
        tokio::spawn(server);
        Self { url, inside, server: handle }
    }

    /// Something is done to what it knows.
    pub fn with<T>(&self, act: impl FnOnce(&mut S) -> T) -> T {
        act(&mut self.inside.lock().unwrap().provider)
    }

    /// What it does with the next request whose path ends so.
    pub fn next(&self, path: &'static str, next: Next) {
        self.inside.lock().unwrap().next.push_back((path, next));
    }

    /// How often something whose path ends so was asked.
    pub fn times(&self, path: &str) -> usize {
        self.asked(path).len()
    }

    /// What was asked, by the end of its path.
    pub fn asked(&self, path: &str) -> Vec<Asked> {
        let inside = self.inside.lock().unwrap();
        inside.asked.iter().filter(|asked| asked.path.ends_with(path)).cloned().collect()
    }
}

impl<S> Drop for Fake<S> {
    fn drop(&mut self) {
        drop(self.server.stop(false));
    }
}

async fn answer<S: Speaks>(
    inside: Data<Mutex<Inside<S>>>,
    request: HttpRequest,
    body: Bytes,
) -> HttpResponse {
    let header = |name: &str| {
        request.headers().get(name).and_then(|value| value.to_str().ok()).map(ToOwned::to_owned)
    };
    let asked = Asked {
        path: request.path().to_owned(),
        own_name: header("X-REQUEST-RRN"),
        authorization: header("Authorization"),
        query: request.query_string().to_owned(),
        body: body.to_vec(),
    };
    let (next, said) = {
        let mut inside = inside.lock().unwrap();
        inside.asked.push(asked.clone());
        let at = inside.next.iter().position(|(path, _)| asked.path.ends_with(path));
        let next = at.and_then(|at| inside.next.remove(at)).map(|(_, next)| next);
        let acts = matches!(next, None | Some(Next::ActAndHang));
        (next, acts.then(|| inside.provider.acts(&asked)))
    };
    match (next, said) {
        (Some(Next::Hang | Next::ActAndHang), _) => std::future::pending().await,
        (Some(Next::Busy), _) => HttpResponse::TooManyRequests().finish(),
        (Some(Next::Break), _) | (None, None) => HttpResponse::BadGateway().finish(),
        (Some(Next::Say(json)), _) => HttpResponse::Ok().json(json),
        (None, Some((status, json))) => HttpResponse::build(status.try_into().unwrap()).json(json),
    }
}
