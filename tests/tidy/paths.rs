//! The paths that a source names: its imports and the paths inside its code, without a parser.

use std::collections::{BTreeMap, BTreeSet};

use super::text::is_word;

/// What a file imports and which paths it uses.
#[derive(Debug, Default)]
pub struct Named {
    /// The path behind each imported name.
    pub imports: BTreeMap<String, Vec<String>>,
    /// The paths it uses: those of its private imports, and those inside its code.
    pub used: BTreeSet<Vec<String>>,
}

/// The words and signs of a source; `::` is one sign.
fn tokens(code: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = code.trim_start();
    while let Some(first) = rest.chars().next() {
        let bytes = if is_word(first) {
            rest.find(|c| !is_word(c)).unwrap_or(rest.len())
        } else if rest.starts_with("::") {
            2
        } else {
            first.len_utf8()
        };
        let (token, tail) = rest.split_at(bytes);
        found.push(token);
        rest = tail.trim_start();
    }
    found
}

/// The imports and paths of a source whose comments and strings are blanked.
pub fn named(code: &str) -> Named {
    let mut named = Named::default();
    let tokens = tokens(code);
    let mut at = 0;
    while at < tokens.len() {
        // `use<'a>` in a bound is no import.
        if tokens[at] == "use" && tokens.get(at + 1).is_some_and(|next| *next != "<") {
            let public = at > 0 && (tokens[at - 1] == "pub" || tokens[at - 1] == ")");
            at = import(&tokens, at + 1, &[], public, &mut named);
        } else if is_path(&tokens, at) {
            at = path(&tokens, at, &mut named);
        } else {
            at += 1;
        }
    }
    named
}

/// Whether a path of more than one name begins here.
fn is_path(tokens: &[&str], at: usize) -> bool {
    let starts = at == 0 || tokens[at - 1] != "::";
    starts && tokens[at].starts_with(is_word) && tokens.get(at + 1) == Some(&"::")
}

/// Reads a path in the code; a macro is none.
fn path(tokens: &[&str], mut at: usize, named: &mut Named) -> usize {
    let mut segments = vec![tokens[at].to_owned()];
    while tokens.get(at + 1) == Some(&"::")
        && tokens.get(at + 2).is_some_and(|token| token.starts_with(is_word))
    {
        at += 2;
        segments.push(tokens[at].to_owned());
    }
    let is_macro = tokens.get(at + 1) == Some(&"!") && tokens.get(at + 2) != Some(&"=");
    if !is_macro && segments.len() > 1 {
        named.used.insert(segments);
    }
    at + 1
}

/// Reads a tree of imports below a prefix, up to its `,`, `}` or `;`.
fn import(
    tokens: &[&str],
    mut at: usize,
    before: &[String],
    public: bool,
    named: &mut Named,
) -> usize {
    let mut segments = before.to_vec();
    let mut alias = None;
    while let Some(token) = tokens.get(at) {
        match *token {
            "{" => {
                at += 1;
                while tokens.get(at).is_some_and(|token| !["}", ";"].contains(token)) {
                    at = import(tokens, at, &segments, public, named);
                    at += usize::from(tokens.get(at) == Some(&","));
                }
                return at + 1;
            }
            "," | "}" | ";" => break,
            "::" => {}
            "as" => {
                at += 1;
                alias = tokens.get(at).map(|name| (*name).to_owned());
            }
            "self" if !segments.is_empty() => {}
            name => segments.push(name.to_owned()),
        }
        at += 1;
    }
    if let Some(name) = alias.or_else(|| segments.last().cloned()) {
        if name != "*" {
            named.imports.insert(name, segments.clone());
        }
        if !public {
            named.used.insert(segments);
        }
    }
    at
}

#[test]
fn imports_and_paths_are_read() {
    let code = "use a::{b::{self, C as D}, e};\npub use f::G;\nfn h() { i::j(); k!(); l::m!(); n }";
    let found = named(code);
    let path = |text: &str| text.split("::").map(str::to_owned).collect::<Vec<_>>();
    let imports = [("D", "a::b::C"), ("G", "f::G"), ("b", "a::b"), ("e", "a::e")];
    for (name, to) in imports {
        assert_eq!(found.imports.get(name), Some(&path(to)), "{name}");
    }
    let used: Vec<String> = found.used.iter().map(|path| path.join("::")).collect();
    assert_eq!(used, ["a::b", "a::b::C", "a::e", "i::j"]);
}
