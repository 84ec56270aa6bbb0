//! No import circle between the files of a crate: each can be read after those that it names.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::paths::{Named, named};
use super::tree::{File, hold, rust_below};

/// It lists the types of the state that commands share, so that they can be named without an
/// upward import; what it imports is no dependency of those who import it.
const CONTEXT: &str = "src/context.rs";

/// Re-exports of re-exports that are followed.
const REEXPORTS_MAX: usize = 8;

/// The path of a module below its crate: `orders`, `machine`.
type Module = Vec<String>;

/// The files of a crate by module, with the names that each imports.
struct Crate<'a> {
    files: BTreeMap<Module, &'a File>,
    names: BTreeMap<Module, Named>,
}

/// The module of a file below the crate's folder.
fn module_of(path: &str) -> Option<Module> {
    let inside = path.strip_suffix(".rs")?;
    let inside = inside.strip_suffix("/mod").unwrap_or(inside);
    let module: Module = inside.split('/').map(str::to_owned).collect();
    Some(if inside == "lib" || inside == "main" { Vec::new() } else { module })
}

impl<'a> Crate<'a> {
    fn of(folder: &str, files: impl Iterator<Item = &'a File>) -> Self {
        let files: BTreeMap<Module, &File> = files
            .filter(|file| file.path != "src/main.rs")
            .filter_map(|file| Some((module_of(file.path.strip_prefix(folder)?)?, file)))
            .collect();
        let names = files.iter().map(|(module, file)| (module.clone(), named(file.shipped())));
        Self { names: names.collect(), files }
    }

    /// The path from the crate's root that a path written in a module stands for; `None` if it
    /// leads to another crate.
    fn absolute(&self, from: &Module, path: &[String], depth: usize) -> Option<Module> {
        let (first, rest) = path.split_first()?;
        let mut base = match first.as_str() {
            "crate" => Vec::new(),
            "self" => from.clone(),
            "super" => from.split_last()?.1.to_vec(),
            name => {
                let child: Module = from.iter().cloned().chain([name.to_owned()]).collect();
                let import = self.names.get(from)?.imports.get(name).filter(|to| *to != path);
                match import {
                    Some(to) if depth < REEXPORTS_MAX => self.absolute(from, to, depth + 1)?,
                    _ if self.files.contains_key(&child) => child,
                    _ => return None,
                }
            }
        };
        let supers = rest.iter().take_while(|name| *name == "super").count();
        base.truncate(base.len().saturating_sub(supers));
        base.extend(rest.iter().skip(supers).cloned());
        Some(base)
    }

    /// The module that defines what a path from the root names, through re-exports, and the name
    /// in it. A module as such is no use of it.
    fn definition(&self, path: &Module, depth: usize) -> Option<(Module, String)> {
        let deepest = (0..=path.len()).rev().find(|n| self.files.contains_key(&path[..*n]))?;
        let (module, rest) = path.split_at(deepest);
        let (name, after) = rest.split_first()?;
        let module = module.to_vec();
        let import = self.names.get(&module).and_then(|names| names.imports.get(name));
        let import = import.filter(|_| depth < REEXPORTS_MAX);
        if let Some(mut to) = import.and_then(|to| self.absolute(&module, to, depth)) {
            to.extend(after.iter().cloned());
            return self.definition(&to, depth + 1);
        }
        Some((module, name.clone()))
    }

    /// Which files each file uses, with one name of each.
    fn edges(&self) -> BTreeMap<&'a str, BTreeMap<&'a str, String>> {
        let mut edges: BTreeMap<&str, BTreeMap<&str, String>> = BTreeMap::new();
        for (module, names) in &self.names {
            let file = self.files[module];
            for path in &names.used {
                let found = self.absolute(module, path, 0);
                let found = found.and_then(|path| self.definition(&path, 0));
                // Macros are exported at the root; what stands there is not used as a path.
                let Some((to, name)) = found.filter(|(to, _)| to != module && !to.is_empty())
                else {
                    continue;
                };
                edges.entry(&file.path).or_default().entry(&self.files[&to].path).or_insert(name);
            }
        }
        edges
    }
}

type Edges<'a> = BTreeMap<&'a str, BTreeMap<&'a str, String>>;

/// The shortest way from a file back to itself, as the files after it.
fn circle<'a>(edges: &Edges<'a>, start: &'a str) -> Option<Vec<&'a str>> {
    let mut before: BTreeMap<&str, &str> = BTreeMap::new();
    let mut next = VecDeque::from([start]);
    while let Some(file) = next.pop_front() {
        for to in edges.get(file).into_iter().flat_map(|tos| tos.keys().copied()) {
            if before.contains_key(to) {
                continue;
            }
            before.insert(to, file);
            if to == start {
                let mut way = vec![start];
                let mut at = file;
                while at != start {
                    way.push(at);
                    at = before[at];
                }
                way.reverse();
                return Some(way);
            }
            next.push_back(to);
        }
    }
    None
}

/// One finding for each circle, the shortest ones; a file is named in one of them.
fn circles(edges: &Edges<'_>) -> Vec<String> {
    let mut found: Vec<(&str, Vec<&str>)> =
        edges.keys().filter_map(|file| Some((*file, circle(edges, file)?))).collect();
    found.sort_by_key(|(file, way)| (way.len(), *file));
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    let mut findings = Vec::new();
    for (start, way) in found {
        if way.iter().any(|file| seen.contains(file)) {
            continue;
        }
        seen.extend(way.iter().copied());
        let mut line = start.to_owned();
        let mut from = start;
        for to in way {
            line.push_str(" -> (");
            line.push_str(&edges[from][to]);
            line.push_str(") ");
            line.push_str(to);
            from = to;
        }
        findings.push(line);
    }
    findings
}

#[test]
fn no_file_is_imported_by_what_it_imports() {
    let roots = rust_below("").filter_map(|root| {
        let folder = root.path.strip_suffix("lib.rs").or(root.path.strip_suffix("main.rs"))?;
        folder.ends_with("src/").then_some(folder)
    });
    let crates: BTreeSet<&str> = roots.collect();
    let circles_of = |folder| {
        let known = Crate::of(folder, rust_below(folder));
        let mut edges = known.edges();
        edges.remove(CONTEXT);
        circles(&edges)
    };
    let found: Vec<String> = crates.into_iter().flat_map(circles_of).collect();
    hold("What two files need of each other belongs into a third.", &found);
}

#[test]
fn a_circle_is_seen() {
    let circles_of = |files: &[(&str, &str)]| {
        let files: Vec<File> = files.iter().map(|(path, text)| File::new(path, text)).collect();
        circles(&Crate::of("src/", files.iter()).edges()).len()
    };
    let (depart, arrive) = ("src/orders/depart.rs", "src/orders/arrive.rs");
    let one = circles_of(&[(depart, "use super::arrive::x;"), (arrive, "fn x() { y() }")]);
    assert_eq!(one, 0);
    let direct = [
        (depart, "use super::arrive;\nfn f() { arrive::x() }"),
        (arrive, "crate::orders::depart::f()"),
    ];
    assert_eq!(circles_of(&direct), 1);
    let facade = (
        "src/orders/mod.rs",
        "mod arrive;\npub mod depart;\npub use arrive::{Arrive, self as other};",
    );
    let through = [
        facade,
        (depart, "use super::Arrive;"),
        (arrive, "use crate::orders::depart::{f, g as h};"),
    ];
    assert_eq!(circles_of(&through), 1);
    let parent = ("src/orders/mod.rs", "mod depart;\npub struct Refusal;\nfn f() { depart::g() }");
    assert_eq!(circles_of(&[parent, (depart, "use super::Refusal;")]), 1);
    let story = ("src/orders/mod.rs", "mod depart;\npub use depart::g;\npub struct Refusal;");
    assert_eq!(circles_of(&[story, (depart, "use super::Refusal;")]), 0);
    let tests = [
        (depart, "pub fn f() {}\n#[cfg(test)]\nmod tests { use super::super::arrive; }"),
        (arrive, "use super::depart::f;"),
    ];
    assert_eq!(circles_of(&tests), 0);
}
