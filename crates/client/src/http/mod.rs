//! Requests and responses of one node: HTTP/1.1 over pooled connections.

mod error;
mod node;
mod parser;
mod request;
mod response;

pub use error::{ApiError, Problem};
pub use node::Node;
pub use request::{Method, Request};
pub use response::Response;
