//! The files of the project, as read by the project rules.

use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use super::text::{Blank, blank, line_of, places};

/// Folders without hand-written files.
const SKIPPED: &[&str] = &[".git", "node_modules"];

/// Longer files are not hand-written either.
const TEXT_BYTES_MAX: u64 = 1 << 20;

/// One file of the project.
pub struct File {
    /// Its path from the root, with `/`.
    pub path: String,
    /// Its text.
    pub text: String,
    /// The text with comments, strings and characters blanked; only for Rust files.
    pub code: String,
}

impl File {
    /// A file with this path and text.
    pub fn new(path: &str, text: &str) -> Self {
        let rust = Path::new(path).extension().is_some_and(|e| e == "rs");
        let code = if rust { blank(text, Blank::CommentsAndLiterals) } else { String::new() };
        Self { path: path.to_owned(), text: text.to_owned(), code }
    }

    /// True for a Rust file.
    pub fn is_rust(&self) -> bool {
        !self.code.is_empty() || Path::new(&self.path).extension().is_some_and(|e| e == "rs")
    }

    /// The production code: everything before `#[cfg(test)]`.
    pub fn shipped(&self) -> &str {
        self.code.split("#[cfg(test)]").next().unwrap_or_default()
    }

    /// The module directly below the crate's root, and the depth of the file's own module.
    pub fn module(&self) -> Option<(&str, usize)> {
        let inside = self.path.strip_prefix("src/")?.strip_suffix(".rs")?;
        let inside = inside.strip_suffix("/mod").unwrap_or(inside);
        let module = inside.split('/').next().filter(|m| *m != "lib")?;
        Some((module, inside.split('/').count()))
    }

    /// A finding in this file.
    pub fn at(&self, line: usize, what: &str) -> String {
        format!("{}:{line}: {what}", self.path)
    }

    /// One finding for each match of the needle in the code.
    pub fn code_hits(&self, needle: &str, why: &str) -> Vec<String> {
        let hit = |at| self.at(line_of(&self.code, at), &format!("`{needle}`: {why}"));
        places(&self.code, needle).into_iter().map(hit).collect()
    }
}

/// All files, read once.
pub fn files() -> &'static [File] {
    static FILES: OnceLock<Vec<File>> = OnceLock::new();
    FILES.get_or_init(|| {
        let mut found = Vec::new();
        collect(Path::new(env!("CARGO_MANIFEST_DIR")), "", &mut found);
        found.sort_by(|a, b| a.path.cmp(&b.path));
        assert!(found.iter().any(|f| f.path == "src/lib.rs"), "the walk did not find src/lib.rs");
        found
    })
}

fn collect(folder: &Path, inside: &str, found: &mut Vec<File>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if inside.is_empty() { name.clone() } else { format!("{inside}/{name}") };
        let Ok(meta) = entry.metadata() else { continue };
        if meta.is_dir() {
            // Build folders, whatever their name, contain a cache tag.
            let built = entry.path().join("CACHEDIR.TAG").exists();
            if !built && !SKIPPED.contains(&name.as_str()) {
                collect(&entry.path(), &path, found);
            }
        } else if meta.is_file() && meta.len() <= TEXT_BYTES_MAX {
            // A file that is not UTF-8 is not text.
            let text = fs::read_to_string(entry.path());
            found.extend(text.ok().map(|text| File::new(&path, &text)));
        }
    }
}

/// The Rust files below a folder.
pub fn rust_below(folder: &str) -> impl Iterator<Item = &'static File> {
    files().iter().filter(move |f| f.is_rust() && f.path.starts_with(folder))
}

/// The Rust files that a server runs: the product's and the platform's.
pub fn server_code() -> impl Iterator<Item = &'static File> {
    rust_below("src/").chain(rust_below("crates/platform/src/"))
}

/// Fails with all findings of a rule at once.
pub fn hold(rule: &str, findings: &[String]) {
    assert!(findings.is_empty(), "\n{rule}\n  {}\n", findings.join("\n  "));
}
