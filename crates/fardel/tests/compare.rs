//! What a new version of a program breaks.

use fardel::bytecode::verify::{VerifiedModule, verify};
use fardel::language::{self, Goal};
use fardel::vm::compare::{Change, Fit, What, compare};

/// A program whose fibers receive `Msg`.
#[track_caller]
fn program(types: &str) -> VerifiedModule {
    let source = format!(
        "{types}\nfn fiber() receives Msg {{\n  serve n = 0 {{\n    _ -> n += 1\n  }}\n}}\n\npub fn main() {{ spawn fiber() }}\n"
    );
    module(&source)
}

#[track_caller]
fn module(source: &str) -> VerifiedModule {
    let sources = language::single("main.fdl", source);
    let compiled = language::compile(&sources, Goal::Run);
    let (errors, _) = language::rendered(&compiled.checked, &sources, false);
    verify(compiled.module.unwrap_or_else(|| panic!("{}", errors.join("\n")))).expect("what is compiled is sound")
}

/// A change for people: what the new version makes of the old one's, then the other way round.
fn told(Change { name, what }: &Change) -> String {
    let fit = |fit: &Fit| match fit {
        Fit::Whole => "fits".to_owned(),
        Fit::Part(why) => format!("in part: {why}"),
        Fit::No(why) => format!("no: {why}"),
    };
    match what {
        What::Reshaped { old_in_new, new_in_old } => format!("{name} | {} | {}", fit(old_in_new), fit(new_in_old)),
        What::TypeGone => format!("{name} gone"),
        What::ExportGone => format!("{name} not exported"),
        What::ServeGone => format!("{name} serves no more"),
        What::NotReceived(ty) => format!("{name} does not take {ty}"),
        What::OtherTypes => format!("{name} has other types"),
        What::OtherState => format!("{name} has another state"),
    }
}

#[track_caller]
fn check_modules(old: &VerifiedModule, new: &VerifiedModule, breaks: bool, wanted: &[&str]) {
    let changes = compare(old, new).expect("they are not too large");
    let seen: Vec<String> = changes.iter().map(told).collect();
    assert_eq!(seen, wanted);
    assert_eq!(changes.iter().any(Change::breaks), breaks);
}

/// Compares programs with these types.
#[track_caller]
fn check(old: &str, new: &str, breaks: bool, wanted: &[&str]) {
    check_modules(&program(old), &program(new), breaks, wanted);
}

#[test]
fn the_same_program_breaks_nothing() {
    check("type Msg { a: Int }", "type Msg { a: Int }", false, &[]);
}

#[test]
fn a_field_with_a_default_fits_both_ways() {
    check("type Msg { a: Int }", "type Msg { a: Int, b: Int = 1 }", false, &["main.Msg | fits | fits"]);
    check("type Msg { a: Int }", "type Msg { a: Int, b: Option<Int> }", false, &["main.Msg | fits | fits"]);
}

#[test]
fn a_field_without_a_default_does_not_fit() {
    let missing = "field `b` of main.Msg is missing and has no default";
    check("type Msg { a: Int }", "type Msg { a: Int, b: Int }", true, &[&format!("main.Msg | no: {missing} | fits")]);
    check("type Msg { a: Int, b: Int }", "type Msg { a: Int }", true, &[&format!("main.Msg | fits | no: {missing}")]);
}

#[test]
fn a_field_of_another_type_does_not_fit() {
    let wanted = "main.Msg | no: field `a` of main.Msg: it is Int, wanted Text | \
                  no: field `a` of main.Msg: it is Text, wanted Int";
    check("type Msg { a: Int }", "type Msg { a: Text }", true, &[wanted]);
}

#[test]
fn a_new_variant_is_not_known_to_the_old_version() {
    let wanted = "main.Msg | fits | in part: main.Msg has no variant `B` there";
    check("type Msg { A, C(n: Int) }", "type Msg { A, B, C(n: Int) }", true, &[wanted]);
}

/// A former name leads from the old one to the new one; the old version does not know the new name.
#[test]
fn a_field_with_a_former_name_fits_the_new_version() {
    let wanted = "main.Msg | fits | no: field `a` of main.Msg is missing and has no default";
    check("type Msg { a: Int }", "type Msg { @was(\"a\") b: Int }", true, &[wanted]);
    check("type Msg { a: Int = 0 }", "type Msg { @was(\"a\") b: Int }", false, &["main.Msg | fits | fits"]);
}

#[test]
fn the_order_of_fields_and_variants_is_no_matter() {
    check("type Msg { a: Int, b: Text }", "type Msg { b: Text, a: Int }", false, &["main.Msg | fits | fits"]);
    check("type Msg { A, B(n: Int) }", "type Msg { B(n: Int), A }", false, &["main.Msg | fits | fits"]);
}

/// What holds a type has another shape as well; a list may be empty.
#[test]
fn what_lies_deeper_is_told_where_it_is() {
    let missing = "field `y` of main.Inner is missing and has no default";
    let wanted = [format!("main.Inner | no: {missing} | fits"), format!("main.Msg | no: {missing} | fits")];
    let wanted: Vec<&str> = wanted.iter().map(String::as_str).collect();
    let msg = "type Msg { inner: Inner }";
    check(&format!("type Inner {{ x: Int }}\n{msg}"), &format!("type Inner {{ x: Int, y: Int }}\n{msg}"), true, &wanted);
    for msg in ["type Msg { all: List<Inner> }", "type Msg { one: Option<Inner> }", "type Msg { None_, One(inner: Inner) }"]
    {
        let msg = msg.replace("None_", "Nothing");
        let wanted = [format!("main.Inner | no: {missing} | fits"), format!("main.Msg | in part: {missing} | fits")];
        let wanted: Vec<&str> = wanted.iter().map(String::as_str).collect();
        let (old, new) = (format!("type Inner {{ x: Int }}\n{msg}"), format!("type Inner {{ x: Int, y: Int }}\n{msg}"));
        check(&old, &new, true, &wanted);
    }
}

#[test]
fn types_that_lead_to_themselves_are_compared() {
    let tree = |extra: &str| format!("type Msg {{ Leaf, Node(left: Msg, right: Msg{extra}) }}");
    check(&tree(""), &tree(", n: Int = 0"), false, &["main.Msg | fits | fits"]);
    let missing = "field `n` of main.Msg.Node is missing and has no default";
    check(&tree(""), &tree(", n: Int"), true, &[&format!("main.Msg | in part: {missing} | fits")]);
}

#[test]
fn a_message_type_that_is_gone_is_told_and_others_are_not() {
    let old = module(
        "type Msg { A }\ntype Old { inner: Part }\ntype Part { n: Int }\ntype Own { n: Int }\n\n\
         fn fiber() receives Msg | Old {\n  serve n = 0 {\n    A -> n += 1\n    Old(_) -> print(Own(1))\n  }\n}\n\n\
         pub fn main() { spawn fiber() }\n",
    );
    check_modules(&old, &program("type Msg { A }"), true, &["main.Old gone", "main.Part gone"]);
    check_modules(&program("type Msg { A }"), &old, false, &[]);
}

#[test]
fn a_function_that_no_longer_serves_is_told() {
    let new = module(
        "type Msg { A }\n\nfn other() receives Msg {\n  serve n = 0 {\n    A -> n += 1\n  }\n}\n\npub fn main() { spawn other() }\n",
    );
    check_modules(&program("type Msg { A }"), &new, true, &["main.fiber serves no more"]);
}

/// Found in review: all of this was told to be no change.
#[test]
fn what_fibers_take_and_serve_with_is_compared() {
    let program = |receives: &str, state: &str, arm: &str| {
        module(&format!(
            "type Add {{ n: Int }}\ntype Get {{ n: Int }}\n\nfn fiber() receives {receives} {{\n  serve s = {state} {{\n    Add(_) -> {{}}\n    {arm}\n  }}\n}}\n\n\
             fn help(g: Get) {{ print(g) }}\n\npub fn main() {{\n  help(Get(1))\n  spawn fiber()\n}}\n"
        ))
    };
    let all = program("Add | Get | Int", "0", "_ -> {}");
    check_modules(&all, &all, false, &[]);
    check_modules(&all, &program("Add | Int", "0", "_ -> {}"), true, &["main.fiber does not take main.Get"]);
    check_modules(&all, &program("Add | Get", "0", "_ -> {}"), true, &["main.fiber does not take Int"]);
    check_modules(&program("Add", "0", ""), &all, false, &[]);
    check_modules(&all, &program("Add | Get | Int", "\"\"", "_ -> {}"), true, &["main.fiber has another state"]);
}
