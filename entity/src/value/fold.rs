//! Text folding: normalises texts that are written differently but mean the same (plates, campaign
//! codes, addresses, search).

use unicode_normalization::UnicodeNormalization as _;

/// The first digit of the other decimal digit rows people type: Arabic-Indic, Persian, `NKo`,
/// Devanagari and the scripts after it. Full-width and mathematical ones fall to NFKD.
const ZEROS: [char; 18] = [
    '\u{660}', '\u{6f0}', '\u{7c0}', '\u{966}', '\u{9e6}', '\u{a66}', '\u{ae6}', '\u{b66}',
    '\u{be6}', '\u{c66}', '\u{ce6}', '\u{d66}', '\u{e50}', '\u{ed0}', '\u{f20}', '\u{1040}',
    '\u{17e0}', '\u{1810}',
];

/// Letters that look like a Latin one in print, or that people without an Azerbaijani keyboard
/// layout replace by it; all in lower case.
const LETTERS: [(char, char); 33] = [
    // Azerbaijani letters without a decomposition.
    ('ı', 'i'),
    ('ə', 'e'),
    ('ǝ', 'e'),
    // Cyrillic look-alikes.
    ('а', 'a'),
    ('в', 'b'),
    ('е', 'e'),
    ('ә', 'e'),
    ('к', 'k'),
    ('м', 'm'),
    ('н', 'h'),
    ('о', 'o'),
    ('р', 'p'),
    ('с', 'c'),
    ('т', 't'),
    ('у', 'y'),
    ('х', 'x'),
    ('і', 'i'),
    ('ј', 'j'),
    ('ѕ', 's'),
    ('һ', 'h'),
    // Greek look-alikes: their capitals look Latin even where the lower-case letters do not.
    ('α', 'a'),
    ('β', 'b'),
    ('ε', 'e'),
    ('ζ', 'z'),
    ('η', 'h'),
    ('ι', 'i'),
    ('κ', 'k'),
    ('μ', 'm'),
    ('ν', 'n'),
    ('ο', 'o'),
    ('ρ', 'p'),
    ('τ', 't'),
    ('χ', 'x'),
];

/// Folds a text for comparison: lower case without diacritics, look-alikes as one letter, digits of
/// every script as ASCII, and runs of spaces and punctuation as one space.
///
/// `Nizami küç., 12-a` and `NİZAMI  KUC 12/A` are both `nizami kuc 12 a`.
#[must_use]
pub fn fold(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut gap = false;
    for folded in text.nfkd().filter(|c| !is_mark(*c)).flat_map(char::to_lowercase) {
        let folded = letter(digit(folded));
        if is_mark(folded) {
            continue;
        }
        if !folded.is_alphanumeric() {
            gap = true;
            continue;
        }
        if gap && !out.is_empty() {
            out.push(' ');
        }
        gap = false;
        out.push(folded);
    }
    out
}

/// Folds a code or a plate for comparison: folded, without spaces, in capitals. `ENDİRİM 10`
/// becomes `ENDIRIM10`.
#[must_use]
pub fn fold_code(text: &str) -> String {
    let mut out = fold(text);
    out.retain(|c| c != ' ');
    out.to_uppercase()
}

/// Folds typed digits: those of every script become ASCII; spaces, invisible marks and hyphens are
/// removed. Other characters are kept, so that the text matches nothing.
#[must_use]
pub fn fold_digits(text: &str) -> String {
    let kept = text.nfkd().filter(|c| !is_mark(*c) && !c.is_whitespace());
    kept.map(digit).filter(|c| !is_hyphen(*c)).collect()
}

/// A character that prints nothing by itself: joiners, direction marks, variation selectors, the
/// byte order mark, and the accents NFKD leaves beside their letter.
#[must_use]
pub const fn is_mark(c: char) -> bool {
    matches!(c,
        '\u{ad}'
        | '\u{300}'..='\u{36f}'
        | '\u{61c}'
        | '\u{115f}'..='\u{1160}'
        | '\u{17b4}'..='\u{17b5}'
        | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}'
        | '\u{ffa0}'
        | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e0fff}')
}

/// Any of the hyphens and dashes of Unicode.
const fn is_hyphen(c: char) -> bool {
    matches!(c, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{fe58}' | '\u{fe63}' | '\u{ff0d}')
}

fn digit(c: char) -> char {
    let code = u32::from(c);
    let value =
        ZEROS.iter().find_map(|zero| code.checked_sub(u32::from(*zero)).filter(|v| *v < 10));
    value.and_then(|value| char::from_digit(value, 10)).unwrap_or(c)
}

fn letter(c: char) -> char {
    LETTERS.iter().find(|(from, _)| *from == c).map_or(c, |(_, to)| *to)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each Azerbaijani letter folds to the Latin letter people type in its place.
    #[test]
    fn azerbaijani_letters_are_those_of_any_keyboard() {
        assert_eq!(fold("İIıi Əə Ğğ Şş Çç Öö Üü"), "iiii ee gg ss cc oo uu");
        assert_eq!(fold("Nizami küç., 12-a"), "nizami kuc 12 a");
        assert_eq!(fold("  NİZAMİ  KUÇ 12/A "), "nizami kuc 12 a");
        // The same letters, written as a letter and its mark.
        assert_eq!(fold("s\u{327}c\u{327}o\u{308}u\u{308}g\u{306}I\u{307}"), "scougi");
        assert_ne!(fold("Nizami küç., 12-a"), fold("Nizami küç., 1 2a"));
    }

    /// ACC-7: Latin, Cyrillic, Greek and wide plates that are printed alike are one.
    #[test]
    fn acc_7_plates_printed_alike_are_one() {
        for plate in
            ["10-İA-123", "10-IA-123", "10-ІА-123", "10 ia 123", "１０ＩＡ１２３", "10-ΙΑ-123"]
        {
            assert_eq!(fold_code(plate), "10IA123", "{plate}");
        }
        assert_ne!(fold_code("10-LA-123"), "10IA123");
        assert_ne!(fold_code("10-IA-132"), "10IA123");
    }

    /// BON-8: a code folds to the same text whatever keyboard it was typed on.
    #[test]
    fn bon_8_a_campaign_code_is_the_same_on_every_keyboard() {
        for code in ["ENDIRIM10", "ENDİRİM10", "endirim10", " endırım 10\u{200b}", "ENDİRİM١٠"]
        {
            assert_eq!(fold_code(code), "ENDIRIM10", "{code}");
        }
        assert_eq!(fold_code("ŞƏKİ2026"), "SEKI2026");
    }

    /// ACC-1: digits with marks and spaces around them, or of another script, are those digits.
    #[test]
    fn acc_1_digits_are_read_whatever_stands_around_them() {
        for code in
            ["123456", "123 456", "\u{200b}123456\u{a0}", "١٢٣٤٥٦", "۱۲۳۴۵۶", "１２３-４５６"]
        {
            assert_eq!(fold_digits(code), "123456", "{code}");
        }
        assert_eq!(fold_digits("12345o"), "12345o");
    }
}
