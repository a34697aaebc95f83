//! The generated files that are committed say what the tables say.

#[test]
fn committed_files_are_those_that_the_tables_give() {
    if let Err(stale) = xtask::docs::check(&xtask::root()) {
        panic!("{stale}");
    }
}
