//! Source text with comments and strings blanked, without a parser.

/// The kind of a section of source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Section {
    Code,
    Comment,
    Literal,
}

/// The sections that are replaced by spaces; line numbers stay the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blank {
    /// Comments: what remains is code and strings.
    Comments,
    /// Comments, strings and characters: what remains is code.
    CommentsAndLiterals,
}

/// The source with these sections blanked.
pub fn blank(source: &str, what: Blank) -> String {
    let mut out = String::with_capacity(source.len());
    let (mut rest, mut before) = (source, ' ');
    while !rest.is_empty() {
        let (bytes, section) = first_section(rest, before);
        let (head, tail) = rest.split_at(bytes);
        match (section, what) {
            (Section::Code, _) | (Section::Literal, Blank::Comments) => out.push_str(head),
            (Section::Comment, _) | (Section::Literal, Blank::CommentsAndLiterals) => {
                out.extend(head.chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
            }
        }
        before = head.chars().next_back().unwrap_or(' ');
        rest = tail;
    }
    out
}

/// The length in bytes and kind of the first section.
fn first_section(rest: &str, before: char) -> (usize, Section) {
    if rest.starts_with("//") {
        return (rest.find('\n').unwrap_or(rest.len()), Section::Comment);
    }
    if rest.starts_with("/*") {
        return (block_comment_bytes(rest), Section::Comment);
    }
    if let Some(bytes) = raw_string_bytes(rest).filter(|_| !is_word(before)) {
        return (bytes, Section::Literal);
    }
    if rest.starts_with('"') {
        return (quoted_bytes(rest, '"'), Section::Literal);
    }
    // 'a' and '\n' are characters, 'a and 'static are lifetimes.
    let mut ahead = rest.chars().skip(1);
    let (first, second) = (ahead.next(), ahead.next());
    if rest.starts_with('\'') && (first == Some('\\') || second == Some('\'')) {
        return (quoted_bytes(rest, '\''), Section::Literal);
    }
    (rest.chars().next().map_or(1, char::len_utf8), Section::Code)
}

fn block_comment_bytes(rest: &str) -> usize {
    let mut depth = 0_usize;
    let mut last = ' ';
    for (at, c) in rest.char_indices() {
        match (last, c) {
            ('/', '*') => depth += 1,
            ('*', '/') if depth == 1 => return at + 1,
            ('*', '/') => depth = depth.saturating_sub(1),
            _ => {
                last = c;
                continue;
            }
        }
        last = ' ';
    }
    rest.len()
}

fn raw_string_bytes(rest: &str) -> Option<usize> {
    let after = rest.strip_prefix("br").or_else(|| rest.strip_prefix('r'))?;
    let text = after.trim_start_matches('#');
    let end = format!("\"{}", "#".repeat(after.len() - text.len()));
    let start = rest.len() - text.strip_prefix('"')?.len();
    let bytes = rest.get(start..)?.find(&end).map_or(rest.len(), |at| start + at + end.len());
    Some(bytes)
}

fn quoted_bytes(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == quote => return at + c.len_utf8(),
            _ => {}
        }
    }
    rest.len()
}

/// True if the character may be part of a name.
pub fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The text before and after a match.
pub fn around(text: &str, at: usize, bytes: usize) -> (&str, &str) {
    (text.get(..at).unwrap_or_default(), text.get(at + bytes..).unwrap_or_default())
}

/// The line of an offset, from 1.
pub fn line_of(text: &str, at: usize) -> usize {
    around(text, at, 0).0.matches('\n').count() + 1
}

/// The offsets of a needle as whole words: `sleep(` is not in `oversleep(`.
pub fn places(text: &str, needle: &str) -> Vec<usize> {
    let opens = needle.starts_with(is_word);
    let closes = needle.ends_with(is_word);
    let whole = |at: &usize| {
        let (before, after) = around(text, *at, needle.len());
        let goes_on =
            (opens && before.ends_with(is_word)) || (closes && after.starts_with(is_word));
        !goes_on
    };
    text.match_indices(needle).map(|(at, _)| at).filter(whole).collect()
}

/// The names that directly follow a root, each with its line: `crate::orders::…`,
/// `use crate::{orders, policy::Key}`. Names that come through a glob are missed.
pub fn named_after(code: &str, root: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for at in places(code, root) {
        let (before, after) = around(code, at, root.len());
        if before.ends_with("::") {
            continue;
        }
        for (offset, name) in heads(after) {
            found.push((line_of(code, at + root.len() + offset), name));
        }
    }
    found
}

/// First names of a path or of a group of paths, each with its offset. Macros are not modules.
fn heads(after: &str) -> Vec<(usize, String)> {
    if !after.starts_with('{') {
        return word_at(after, 0).into_iter().collect();
    }
    let (mut depth, mut found) = (0_usize, Vec::new());
    for (at, c) in after.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 1 && (c == '{' || c == ',') {
            found.extend(word_at(after, at + 1));
        }
        if depth == 0 {
            break;
        }
    }
    found
}

fn word_at(text: &str, at: usize) -> Option<(usize, String)> {
    let tail = text.get(at..)?;
    let trimmed = tail.trim_start();
    let word: String = trimmed.chars().take_while(|c| is_word(*c)).collect();
    let is_macro = trimmed.get(word.len()..).is_some_and(|t| t.starts_with('!'));
    let named = !word.is_empty() && !is_macro && word != "self" && word != "super";
    named.then(|| (at + tail.len() - trimmed.len(), word))
}

/// Ids of rules in a line: `QO-4`, `ORD-11`.
pub fn rule_ids(line: &str, groups: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for group in groups {
        for at in places(line, &format!("{group}-")) {
            let (before, after) = around(line, at, group.len() + 1);
            let number: String = after.chars().take_while(char::is_ascii_digit).collect();
            if !number.is_empty() && !before.ends_with('-') {
                found.push(format!("{group}-{number}"));
            }
        }
    }
    found
}

#[test]
fn blanking_keeps_lines_and_tells_code_from_words() {
    let source =
        "a // crate::x\nb /* crate::y /* z */ \n */ c \"d // e\" 'f' '\\'' &'g h r#\"i \"j\"# k";
    let code = blank(source, Blank::CommentsAndLiterals);
    assert_eq!(code.split_whitespace().collect::<Vec<_>>().join(" "), "a b c &'g h k");
    assert_eq!(code.matches('\n').count(), source.matches('\n').count());
    let strings = blank(source, Blank::Comments);
    assert!(strings.contains("d // e") && strings.contains("i \"j"), "{strings}");
    assert!(!strings.contains("crate"), "{strings}");
    assert_eq!(blank("let r#type = 1;", Blank::CommentsAndLiterals), "let r#type = 1;");
}

#[test]
fn names_are_found_in_paths_groups_and_supers() {
    let code = "use crate::{\n  platform::{Tx, Clock},\n  orders,\n  self,\n};\n\
                crate::api::http();\n\
                mycrate::no(); entity::crate::no();\ncrate::versioned!(a);\nyumo::app::run();";
    let names = |code: &str, root: &str| {
        let found = named_after(code, root).into_iter();
        found.map(|(line, name)| format!("{line} {name}")).collect::<Vec<_>>()
    };
    assert_eq!(names(code, "crate::"), ["2 platform", "3 orders", "6 api"]);
    assert_eq!(names(code, "yumo::"), ["9 app"]);
    assert_eq!(names("use super::super::billing;", "super::super::"), ["1 billing"]);
    assert!(names("use super::machine;", "super::super::").is_empty());
}

#[test]
fn words_and_rule_ids_are_whole() {
    assert_eq!(places("oversleep(); sleep()", "sleep("), [13]);
    assert_eq!(line_of("a\nb\nc", 4), 3);
    assert_eq!(
        rule_ids("kept by ORD-11, QO-4; not XQO-9 nor ORD-", &["ORD", "QO"]),
        ["ORD-11", "QO-4"]
    );
}
