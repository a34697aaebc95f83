//! Shows what is told of files, and the tree with `--tree`.
#![forbid(unsafe_code)]

fn main() {
    let mut tree = false;
    for path in std::env::args().skip(1) {
        if path == "--tree" {
            tree = true;
            continue;
        }
        let source = std::fs::read_to_string(&path).unwrap_or_default();
        let parsed = fardel_syntax::parse(&source);
        for told in &parsed.diagnostics {
            println!("{}\n", told.render(&path, &source, false));
        }
        if tree {
            println!("{:#?}\n{:#?}", parsed.tree.syntax(), parsed.file);
        }
    }
}
