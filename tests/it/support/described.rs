//! Checks every request of a story and its answer against `/openapi.json`.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};

use jsonschema::{Registry, Validator};
use serde_json::{Value, json};

static OPENAPI: LazyLock<Described> = LazyLock::new(|| {
    let text = yumo::app::openapi().unwrap();
    Described::new("urn:yumo:openapi", serde_json::from_str(&text).unwrap())
});

/// A description and its schemas, each made ready when it is first needed.
pub struct Described {
    uri: &'static str,
    /// The description.
    pub document: Value,
    registry: Registry<'static>,
    ready: Mutex<HashMap<String, Arc<Validator>>>,
}

impl Described {
    /// A description under this name.
    pub fn new(uri: &'static str, document: Value) -> Self {
        let registry = Registry::new().add(uri, document.clone()).unwrap().prepare().unwrap();
        Self { uri, document, registry, ready: Mutex::default() }
    }

    fn validator(&self, pointer: &str) -> Arc<Validator> {
        let mut ready = self.ready.lock().unwrap();
        let made = ready.entry(pointer.to_owned()).or_insert_with(|| {
            let written = pointer.replace('{', "%7B").replace('}', "%7D");
            let schema = json!({"$ref": format!("{}#{written}", self.uri)});
            let options = jsonschema::options().should_validate_formats(true);
            let made = options.with_registry(&self.registry).build(&schema);
            Arc::new(made.unwrap_or_else(|error| panic!("{pointer}: {error}")))
        });
        Arc::clone(made)
    }

    /// What contradicts the schema at this pointer in a value.
    pub fn contradictions(&self, pointer: &str, value: &Value) -> Vec<String> {
        let validator = self.validator(pointer);
        let errors = validator.iter_errors(value);
        errors.map(|error| format!("{} at {}", error, error.instance_path())).collect()
    }

    /// Is a value what the schema at this pointer says?
    #[track_caller]
    fn holds(&self, pointer: &str, value: &Value, what: &str) {
        let wrong = self.contradictions(pointer, value);
        assert!(wrong.is_empty(), "{what} is not what {pointer} says: {wrong:#?}\n{value}");
    }

    /// Where a reference leads, or the place itself.
    pub fn place(&self, pointer: String) -> String {
        let named = self.document.pointer(&format!("{pointer}/$ref")).and_then(Value::as_str);
        named.map_or(pointer, |name| name.trim_start_matches('#').to_owned())
    }

    /// The path of the description that a request's path is one of; words go before parameters.
    fn template(&self, path: &str, method: &str) -> Option<String> {
        let parts: Vec<&str> = path.split('/').collect();
        let fits = |template: &str| {
            let words: Vec<&str> = template.split('/').collect();
            let same = |(word, part): (&&str, &&str)| word == part || word.starts_with('{');
            words.len() == parts.len() && words.iter().zip(&parts).all(same)
        };
        let paths = self.document["paths"].as_object().unwrap();
        let fitting = paths.iter().filter(|(template, _)| fits(template));
        let fewest = fitting.min_by_key(|(template, _)| template.matches('{').count());
        fewest.filter(|(_, item)| item.get(method).is_some()).map(|(template, _)| template.clone())
    }
}

/// What contradicts the schema of `/openapi.json` at this pointer in a value.
pub fn contradictions(pointer: &str, value: &Value) -> Vec<String> {
    OPENAPI.contradictions(pointer, value)
}

fn escaped(text: &str) -> String {
    text.replace('~', "~0").replace('/', "~1")
}

/// What was sent and what came back.
pub struct Exchange<'e> {
    /// The method.
    pub method: &'e str,
    /// Path and query.
    pub path: &'e str,
    /// The body that was sent.
    pub sent: Option<&'e Value>,
    /// The status of the answer.
    pub status: u16,
    /// Its content type.
    pub kind: Option<&'e str>,
    /// Its body.
    pub answer: &'e Value,
}

/// Holds a request and its answer against the description. Paths and methods that are not served
/// are not described.
#[track_caller]
pub fn exchange(exchange: &Exchange<'_>) {
    let Exchange { method, path, sent, status, kind, answer } = exchange;
    let what = format!("{method} {path} {status}");
    let path = path.split('?').next().unwrap_or(path);
    let method = method.to_lowercase();
    let Some(template) = OPENAPI.template(path, &method) else { return };
    let operation = format!("/paths/{}/{method}", escaped(&template));
    let told = OPENAPI.place(format!("{operation}/responses/{status}"));
    let described = OPENAPI.document.pointer(&told);
    let described = described.unwrap_or_else(|| panic!("{what} is not described: {answer}"));
    let content = described["content"].as_object();
    let kind = kind.map(|kind| kind.split(';').next().unwrap_or(kind).trim());
    let said = content
        .into_iter()
        .flatten()
        .find(|(name, _)| Some(name.split(';').next().unwrap_or(name).trim()) == kind);
    let Some((name, _)) = said else {
        assert!(content.is_none() && kind.is_none(), "{what} is {kind:?}, which nobody described");
        return;
    };
    if name.ends_with("json") {
        let schema = format!("{told}/content/{}/schema", escaped(name));
        OPENAPI.holds(&schema, answer, &what);
    }
    let body = format!("{operation}/requestBody/content/application~1json/schema");
    if let Some(sent) = sent.filter(|_| *status < 300 && OPENAPI.document.pointer(&body).is_some())
    {
        OPENAPI.holds(&body, sent, &format!("the body of {what}"));
    }
}
