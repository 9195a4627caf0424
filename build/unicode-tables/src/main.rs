// Writes src/embedder/tokenizer/unicode-tables.ts: what the Rust library `tokenizers` believes of every code point. It asks
// five different sources (the standard library, `regex`, `onig`, `unicode_categories`, `unicode-normalization-alignments`),
// which know Unicode versions from 8 to 17, and none of them agrees with every JavaScript engine. Models were made with these
// answers, so they are asked here and written down.
//
// Run by hand where Rust is: cargo run --release > ../../src/embedder/tokenizer/unicode-tables.ts

use onig::Regex as Onig;
use regex::Regex;
use unicode_categories::UnicodeCategories;
use unicode_normalization_alignments::char::is_combining_mark;
use unicode_segmentation::UnicodeSegmentation;

const CATEGORIES: [&str; 30] = [
    "Cc", "Cf", "Cn", "Co", "Cs", "Ll", "Lm", "Lo", "Lt", "Lu", "Mc", "Me", "Mn", "Nd", "Nl", "No", "Pc", "Pd", "Pe", "Pf",
    "Pi", "Po", "Ps", "Sc", "Sk", "Sm", "So", "Zl", "Zp", "Zs",
];

fn scalars() -> impl Iterator<Item = char> {
    (0..=0x10ffff).filter_map(char::from_u32)
}

fn base36(mut number: u32) -> String {
    let mut digits = Vec::new();
    loop {
        digits.push(std::char::from_digit(number % 36, 36).unwrap());
        number /= 36;
        if number == 0 {
            return digits.iter().rev().collect();
        }
    }
}

/// Ranges as `gap.more`, comma between: code points since the end of the last range, and how many follow the first one.
fn ranges(is_in: impl Fn(char) -> bool) -> String {
    let mut out = Vec::new();
    let mut end = 0u32;
    let mut open: Option<(u32, u32)> = None;
    let mut close = |range: (u32, u32), end: &mut u32| {
        let (first, last) = range;
        let gap = base36(first - *end);
        out.push(if last > first { format!("{gap}.{}", base36(last - first)) } else { gap });
        *end = last + 1;
    };
    for c in scalars() {
        let at = c as u32;
        if is_in(c) {
            // Surrogates are no characters: a range goes on behind them.
            open = match open {
                Some((first, last)) if last + 1 == at || (last == 0xd7ff && at == 0xe000) => Some((first, at)),
                _ => Some((at, at)),
            };
        } else if let Some(range) = open.take() {
            close(range, &mut end);
        }
    }
    if let Some(range) = open {
        close(range, &mut end);
    }
    out.join(",")
}

fn constant(name: &str, doc: &str, value: &str) {
    println!("\n/** {doc} */\nexport const {name} =");
    let mut rest = value;
    let mut lines = Vec::new();
    while rest.len() > 120 {
        let cut = rest[..120].rfind([',', ';', ' ']).map_or(120, |at| at + 1);
        lines.push(&rest[..cut]);
        rest = &rest[cut..];
    }
    lines.push(rest);
    let quoted: Vec<String> = lines.iter().map(|line| format!("  '{line}'")).collect();
    println!("{}", quoted.join(" +\n"));
}

fn matches_each(pattern: &str) -> impl Fn(char) -> bool {
    let regex = Onig::new(pattern).unwrap();
    move |c| regex.is_match(&c.to_string())
}

fn main() {
    println!("// Written by build/unicode-tables (its header says what is asked). Not to be edited by hand.");
    println!("// A set of code points is a list of ranges `gap.more` in base 36; see unicode.ts for the reader.");

    constant("WHITE_SPACE", "`char::is_whitespace` of Rust.", &ranges(|c| c.is_whitespace()));
    constant("NUMERIC", "`char::is_numeric` of Rust: Nd, Nl and No.", &ranges(|c| c.is_numeric()));
    constant("OTHER", "Cc, Cf and Co by `unicode_categories`: what BERT calls control characters.", &ranges(|c| c.is_other()));
    constant(
        "PUNCTUATION",
        "P by `unicode_categories`, and what ASCII calls punctuation.",
        &ranges(|c| c.is_ascii_punctuation() || c.is_punctuation()),
    );
    constant("NONSPACING", "Mn by `unicode_categories`.", &ranges(|c| c.is_mark_nonspacing()));
    constant("COMBINING", "M by `unicode-normalization-alignments`.", &ranges(is_combining_mark));
    let word = Regex::new(r"^\w$").unwrap();
    constant("WORD", "`\\\\w` of the crate `regex`.", &ranges(|c| word.is_match(&c.to_string())));
    let known = Regex::new(r"^\p{Age:9.0}$").unwrap();
    constant(
        "AFTER_UNICODE_9",
        "Not yet assigned in Unicode 9, the version by which `unicode-normalization-alignments` normalises.",
        &ranges(|c| !known.is_match(&c.to_string())),
    );

    // `char::to_lowercase` of Rust: code point, distance to the lower one, and how many follow at which step.
    let mut lower: Vec<(u32, i64, u32, u32)> = Vec::new();
    let mut special = Vec::new();
    for c in scalars() {
        let to: Vec<char> = c.to_lowercase().collect();
        if to == [c] {
            continue;
        }
        if to.len() > 1 {
            special.push(format!("{}:{}", base36(c as u32), to.iter().map(|c| base36(*c as u32)).collect::<Vec<_>>().join(" ")));
            continue;
        }
        let (at, by) = (c as u32, to[0] as i64 - c as i64);
        if let Some((first, same, step, count)) = lower.last_mut() {
            let last = *first + *step * *count;
            let gap = at - last;
            if by == *same && ((*count == 0 && gap <= 2) || (*count > 0 && gap == *step)) {
                *step = gap;
                *count += 1;
                continue;
            }
        }
        lower.push((at, by, 0, 0));
    }
    let mut previous = 0;
    let rows: Vec<String> = lower
        .iter()
        .map(|(first, by, step, count)| {
            let sign = if *by < 0 { "-" } else { "" };
            let row = format!("{}.{sign}{}", base36(first - previous), base36(by.unsigned_abs() as u32));
            previous = *first;
            if *count > 0 { format!("{row}.{}.{}", base36(*count), base36(*step)) } else { row }
        })
        .collect();
    constant("LOWER", "`char::to_lowercase` of Rust: `gap.distance.more.step`.", &rows.join(","));
    constant("LOWER_SPECIAL", "The lower cases of more than one character: `from:to to`.", &special.join(","));

    // General categories by onig, as runs: an index into CATEGORIES, then a length.
    let tests: Vec<_> = CATEGORIES.iter().map(|name| matches_each(&format!(r"\A\p{{{name}}}\z"))).collect();
    let category = |c: char| tests.iter().position(|test| test(c)).unwrap_or(2);
    let mut runs: Vec<(usize, u32)> = Vec::new();
    for at in 0..=0x10ffffu32 {
        let kind = char::from_u32(at).map_or(4, category);
        match runs.last_mut() {
            Some((same, length)) if *same == kind => *length += 1,
            _ => runs.push((kind, 1)),
        }
    }
    let letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ!#$%".as_bytes();
    let text: String = runs
        .iter()
        .map(|(kind, length)| {
            let letter = letters[*kind] as char;
            if *length > 1 { format!("{letter}{}", base36(*length)) } else { letter.to_string() }
        })
        .collect();
    println!("\n/** The general categories, in the order of the letters that stand for them: `ABC…XYZ!#$%`. */");
    println!("export const CATEGORY_NAMES = '{}'", CATEGORIES.join(" "));
    constant("CATEGORIES", "General categories by `onig`: a letter, then a length in base 36 (1 where none).", &text);

    // What the shorthands of onig are, beside categories.
    let space = matches_each(r"\A\s\z");
    eprintln!("onig: \\s is White_Space: {}", scalars().all(|c| space(c) == c.is_whitespace()));
    let w = matches_each(r"\A\w\z");
    constant("ONIG_WORD", "`\\\\w` of `onig` by itself.", &ranges(&w));
    let w = matches_each(r"\A[\w]\z");
    constant("ONIG_WORD_IN_CLASS", "`\\\\w` of `onig` inside a class, where ², ½ and the like are none.", &ranges(&w));
    let digit = matches_each(r"\A\d\z");
    eprintln!("onig: \\d is Nd: {}", scalars().all(|c| digit(c) == (category(c) == 13)));

    // How a character takes part in grapheme clusters (extended, UAX 29), found out with the segmenter itself.
    let joins = |left: &str, c: char, right: &str| format!("{left}{c}{right}").graphemes(true).count() == 1;
    let extends = |c: char| joins("a", c, "");
    let set = |name: &str, doc: &str, is_in: &dyn Fn(char) -> bool| constant(&format!("GRAPHEME_{name}"), doc, &ranges(is_in));
    set("EXTEND", "Grapheme clusters: Extend and ZWJ.", &|c| extends(c) && joins("\u{a9}", c, "\u{200d}\u{a9}"));
    set("SPACING", "Grapheme clusters: SpacingMark.", &|c| extends(c) && !joins("\u{a9}", c, "\u{200d}\u{a9}"));
    set("PREPEND", "Grapheme clusters: Prepend.", &|c| joins("", c, "a"));
    set("CONTROL", "Grapheme clusters: Control, CR, LF.", &|c| !joins("", c, "\u{301}"));
    set("PICTOGRAPHIC", "Grapheme clusters: Extended_Pictographic.", &|c| !extends(c) && joins("\u{a9}\u{200d}", c, ""));
    set("LINKER", "Grapheme clusters: InCB=Linker.", &|c| joins("\u{915}", c, "\u{915}"));
    set("CONJUNCT", "Grapheme clusters: InCB=Extend.", &|c| {
        joins("\u{915}\u{94d}", c, "\u{915}") && !joins("\u{915}", c, "\u{915}")
    });
    set("CONSONANT", "Grapheme clusters: InCB=Consonant.", &|c| !extends(c) && joins("\u{915}\u{94d}", c, ""));
    set("HANGUL_L", "Grapheme clusters: L.", &|c| joins("", c, "\u{1100}") && !joins("", c, "a"));
    set("HANGUL_V", "Grapheme clusters: V.", &|c| joins("\u{1160}", c, "") && joins("", c, "\u{1160}") && !extends(c));
    set("HANGUL_T", "Grapheme clusters: T.", &|c| joins("\u{11a8}", c, "") && !extends(c));
}
