//! Card payments on a payment provider's page.

use client::{ApiError, Node, Request};
use serde::Deserialize;
use serde_json::json;

/// A payment that was begun.
#[derive(Debug, Clone, Deserialize)]
pub struct Begun {
    /// Its id.
    pub id: String,
    /// The page to pay it on.
    #[serde(default)]
    pub redirect_url: Option<String>,
}

#[derive(Deserialize)]
struct Answer {
    paid: bool,
}

impl Begun {
    /// Pays on the page with a valid or an invalid card; returns whether the card was accepted. The
    /// engine learns the outcome from its provider.
    pub async fn pay(&self, good: bool) -> Result<bool, ApiError> {
        let nowhere = || ApiError::Odd("there is no page to pay on".to_owned());
        let page = self.redirect_url.as_deref().ok_or_else(nowhere)?;
        let (scheme, rest) = page.split_once("://").ok_or_else(nowhere)?;
        let (authority, path) = rest.split_once('/').ok_or_else(nowhere)?;
        let node = Node::at(&format!("{scheme}://{authority}"))?;
        let body = json!({ "card": if good { "good" } else { "refused" } });
        let answer: Answer =
            node.send(&Request::post(format!("/{path}"), &body), None).await?.read()?;
        Ok(answer.paid)
    }
}
