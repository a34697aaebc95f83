//! The grammars for editors know the words and signs of the lexer's table, and no others.

use std::collections::BTreeSet;
use std::path::Path;

use fardel_syntax::Kind;

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../editors").join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn keywords() -> BTreeSet<&'static str> {
    Kind::KEYWORDS.iter().map(|(_, word)| *word).collect()
}

/// The words between double quotes.
fn quoted(text: &str) -> BTreeSet<&str> {
    text.split('"').skip(1).step_by(2).collect()
}

fn is_word(text: &str) -> bool {
    text.len() > 1 && text.bytes().all(|byte| byte.is_ascii_lowercase())
}

#[test]
fn the_textmate_grammar_colours_every_keyword() {
    let grammar = read("fdl.tmLanguage.json");
    let lists = ["constant", "self", "control", "keyword"].map(|name| {
        let (_, rest) = grammar.split_once(&format!("\"{name}\": {{")).expect("the list is there");
        let (_, words) = rest.split_once("\\\\b(").expect("it has words");
        words.split_once(")\\\\b").expect("they end").0
    });
    let words: Vec<&str> = lists.iter().flat_map(|list| list.split('|')).collect();
    assert_eq!(words.len(), Kind::KEYWORDS.len(), "each stands in one list");
    assert_eq!(words.into_iter().collect::<BTreeSet<_>>(), keywords());
}

#[test]
fn the_tree_sitter_grammar_has_every_keyword_and_sign() {
    let grammar = read("tree-sitter-fardel/grammar.js");
    let (_, rules) = grammar.split_once("rules:").expect("there are rules");
    let words: BTreeSet<&str> = quoted(rules).into_iter().filter(|text| is_word(text)).collect();
    let mut wanted = keywords();
    // A word of the language only before `type`, and names of fields of nodes.
    wanted.insert("opaque");
    let fields = ["alias", "body", "function", "member", "module", "name", "operator", "path", "pattern", "result", "title"];
    let known: BTreeSet<&str> = wanted.iter().copied().chain(fields).collect();
    assert_eq!(wanted.difference(&words).collect::<Vec<_>>(), Vec::<&&str>::new(), "missing");
    assert_eq!(words.difference(&known).collect::<Vec<_>>(), Vec::<&&str>::new(), "no words of the language");
    // It belongs nowhere and is only told.
    let unused = [Kind::FatArrow];
    for (kind, sign) in Kind::SIGNS.iter().filter(|(kind, _)| !unused.contains(kind)) {
        let is_there = grammar.contains(&format!("\"{sign}\""));
        assert!(is_there, "{kind:?} `{sign}` is missing");
    }
}

#[test]
fn the_tree_sitter_query_colours_every_keyword() {
    let query = read("tree-sitter-fardel/queries/highlights.scm");
    let quoted = quoted(&query);
    // Words that are nodes of their own.
    let nodes = ["break", "continue", "false", "me", "self", "true"];
    for word in keywords().into_iter().filter(|word| !nodes.contains(word)) {
        assert!(quoted.contains(word), "`{word}` has no colour");
    }
}
