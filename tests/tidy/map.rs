//! The map: every path that ARCHITECTURE.md names is in the tree.

use crate::tree::{files, hold};

const PAGE: &str = "ARCHITECTURE.md";

/// The paths a page names in backticks: what ends in `.rs` or `/`.
fn named(page: &str) -> Vec<(usize, &str)> {
    let lines = (1..).zip(page.lines());
    let ticked =
        lines.flat_map(|(n, line)| line.split('`').skip(1).step_by(2).map(move |t| (n, t)));
    let path = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || "_/.-".contains(c));
    ticked
        .filter(|(_, text)| {
            path(text) && (text.strip_suffix(".rs").is_some() || text.ends_with('/'))
        })
        .collect()
}

/// Is it a file or a folder, named from the root or by the end of its path?
fn exists(path: &str) -> bool {
    let ends = format!("/{}", path.trim_end_matches('/'));
    files().iter().any(|file| {
        let file = format!("/{}", file.path);
        if path.ends_with('/') { file.contains(&format!("{ends}/")) } else { file.ends_with(&ends) }
    })
}

#[test]
fn the_map_is_the_tree() {
    let page = files().iter().find(|file| file.path == PAGE).unwrap();
    let gone = named(&page.text).into_iter().filter(|(_, path)| !exists(path));
    let found: Vec<String> =
        gone.map(|(line, path)| page.at(line, &format!("`{path}` is not in the tree"))).collect();
    hold("The map is the tree.", &found);
}

#[test]
fn a_path_that_is_gone_is_seen() {
    let page = "`src/lib.rs` and `src/gone.rs`, `platform/`, `gone/`, `depart`";
    let gone: Vec<&str> =
        named(page).into_iter().map(|(_, path)| path).filter(|path| !exists(path)).collect();
    assert_eq!(gone, ["src/gone.rs", "gone/"]);
}
