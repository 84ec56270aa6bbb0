//! Crate rules: what acts over the wire does not know the engine, and the engine knows neither the
//! simulator nor the fake providers, so that a production build leaves them out.

use crate::tree::{File, files, hold, rust_below};

/// Crates that know `docs/protocol.md` only.
const OVER_THE_WIRE: &[&str] =
    &["crates/client/", "crates/fakes/", "crates/simulator/", "loadtest/"];
/// The engine's crates.
const ENGINE: &[&str] = &["entity", "migration", "platform", "yumo"];

/// The engine's crates among the dependencies of a manifest.
fn engine_dependencies(manifest: &File) -> Vec<String> {
    let names = |line: &str| {
        let name = line.split(['.', ' ', '=']).next().unwrap_or_default().to_owned();
        ENGINE.contains(&name.as_str()).then_some(name)
    };
    let lines = (1..).zip(manifest.text.lines());
    lines.filter_map(|(n, line)| Some(manifest.at(n, &format!("`{}`", names(line)?)))).collect()
}

#[test]
fn what_acts_over_the_wire_does_not_know_the_engine() {
    let over_the_wire = |file: &&File| {
        let path = OVER_THE_WIRE.iter().find_map(|folder| file.path.strip_prefix(folder));
        path == Some("Cargo.toml")
    };
    let manifests: Vec<_> = files().iter().filter(over_the_wire).collect();
    assert_eq!(manifests.len(), OVER_THE_WIRE.len());
    let found: Vec<_> = manifests.into_iter().flat_map(engine_dependencies).collect();
    hold("A client knows the protocol only.", &found);
}

#[test]
fn only_the_demo_knows_the_simulator_and_the_fakes() {
    let mut found = Vec::new();
    for file in rust_below("src/").filter(|file| !file.path.starts_with("src/demo/")) {
        for needle in ["simulator::", "fakes::"] {
            found.extend(file.code_hits(needle, "only src/demo/ (the feature `demo`) names it"));
        }
    }
    hold("A production build contains no simulated people and no fake providers.", &found);
}

#[test]
fn a_dependency_on_the_engine_is_seen() {
    let manifest =
        File::new("a/Cargo.toml", "[dependencies]\nentity.workspace = true\nserde = 1\n");
    assert_eq!(engine_dependencies(&manifest), ["a/Cargo.toml:2: `entity`"]);
}
