//! The rules of the grammar that are easily broken: which line ends end a statement, what binds stronger, what literals mean.
#![allow(clippy::wildcard_enum_match_arm)]

use fardel_syntax::ast::{Arg, ArgKind, BinOp, Expr, ExprKind, ItemKind, Stmt, StmtKind, TextPart, UnaryOp};
use fardel_syntax::{EntryPart, parse, parse_entry};

/// An expression with all of its parentheses.
fn shape(expr: &Expr<'_>) -> String {
    match &expr.kind {
        ExprKind::Int(value) => value.to_string(),
        ExprKind::Float(value) => format!("{value:?}"),
        ExprKind::Duration(nanos) => format!("{nanos}ns"),
        ExprKind::Bool(value) => value.to_string(),
        ExprKind::Bytes(bytes) => format!("{bytes:?}"),
        ExprKind::Name(name) | ExprKind::UpperName(name) => name.text.to_owned(),
        ExprKind::Me => "me".to_owned(),
        ExprKind::Text(parts) => format!("\"{}\"", parts.iter().map(part).collect::<String>()),
        ExprKind::Paren(inner) => shape(inner),
        ExprKind::Tuple(parts) => format!("({})", shapes(parts)),
        ExprKind::List(parts) => format!("[{}]", shapes(parts)),
        ExprKind::Member { of, name } => format!("{}.{}", shape(of), name.text),
        ExprKind::Position { of, index, .. } => format!("{}.{index}", shape(of)),
        ExprKind::Call { callee, args, .. } => {
            let args: Vec<String> = args.iter().map(arg).collect();
            format!("{}({})", shape(callee), args.join(", "))
        }
        ExprKind::Index { of, index } => format!("{}[{}]", shape(of), shape(index)),
        ExprKind::Try(inner) => format!("{}?", shape(inner)),
        ExprKind::Unary { op, operand } => format!("{}({})", unary(*op), shape(operand)),
        ExprKind::Binary { op, left, right, .. } => format!("({} {} {})", shape(left), binary(*op), shape(right)),
        ExprKind::If { otherwise, .. } => if otherwise.is_some() { "if-else" } else { "if" }.to_owned(),
        ExprKind::Block(block) => format!("{{{}}}", stmts(&block.stmts)),
        ExprKind::Closure(closure) => format!("fn{{{}}}", stmts(&closure.body.stmts)),
        other => format!("{other:?}"),
    }
}

fn part(part: &TextPart<'_>) -> String {
    match part {
        TextPart::Text(text) => text.escape_debug().to_string(),
        TextPart::Value(value) => format!("${{{}}}", shape(value)),
    }
}

fn shapes(exprs: &[Expr<'_>]) -> String {
    exprs.iter().map(shape).collect::<Vec<_>>().join(", ")
}

fn arg(arg: &Arg<'_>) -> String {
    let name = arg.name.map_or_else(String::new, |name| format!("{}: ", name.text));
    match &arg.kind {
        ArgKind::Value(value) => name + &shape(value),
        ArgKind::Hole => name + "_",
        ArgKind::Spread(value) => format!("..{}", shape(value)),
    }
}

fn unary(op: UnaryOp) -> &'static str {
    match op {
        UnaryOp::Neg => "-",
        UnaryOp::Not => "!",
        UnaryOp::BitNot => "~",
    }
}

fn binary(op: BinOp) -> &'static str {
    match op {
        BinOp::Mul => "*",
        BinOp::Div => "/",
        BinOp::Rem => "%",
        BinOp::MulWrap => "*%",
        BinOp::Shl => "<<",
        BinOp::Shr => ">>",
        BinOp::ShrUnsigned => ">>>",
        BinOp::BitAnd => "&",
        BinOp::Add => "+",
        BinOp::Sub => "-",
        BinOp::AddWrap => "+%",
        BinOp::SubWrap => "-%",
        BinOp::BitOr => "|",
        BinOp::BitXor => "^",
        BinOp::Range => "..",
        BinOp::RangeInclusive => "..=",
        BinOp::Eq => "==",
        BinOp::Ne => "!=",
        BinOp::Lt => "<",
        BinOp::Le => "<=",
        BinOp::Gt => ">",
        BinOp::Ge => ">=",
        BinOp::And => "&&",
        BinOp::Or => "||",
    }
}

fn stmts(stmts: &[Stmt<'_>]) -> String {
    stmts.iter().map(stmt).collect::<Vec<_>>().join("; ")
}

fn stmt(stmt: &Stmt<'_>) -> String {
    match &stmt.kind {
        StmtKind::Let { value, otherwise, .. } => {
            format!("let {}{}", shape(value), if otherwise.is_some() { " else" } else { "" })
        }
        StmtKind::Assign { target, value, .. } => format!("{} = {}", shape(target), shape(value)),
        StmtKind::Return(None) => "return".to_owned(),
        StmtKind::Return(Some(value)) => format!("return {}", shape(value)),
        StmtKind::Expr(value) => shape(value),
        other => format!("{other:?}"),
    }
}

/// Reads statements and compares their shapes, separated by `;`.
#[track_caller]
fn check(source: &str, wanted: &str) {
    let whole = format!("fn f() {{\n{source}\n}}");
    let parsed = parse(&whole);
    let told: Vec<String> = parsed.diagnostics.iter().map(|told| told.render("test", &whole, false)).collect();
    assert!(told.is_empty(), "{}", told.join("\n\n"));
    let [item] = parsed.file.items.as_slice() else { panic!("one item") };
    let ItemKind::Fn(function) = &item.kind else { panic!("a function") };
    assert_eq!(stmts(&function.body.stmts), wanted, "{source}");
}

#[test]
fn a_line_end_ends_a_statement() {
    check("a\nb", "a; b");
    check("a; b", "a; b");
    check("a;\n\n;b", "a; b");
    check("a // b\nc", "a; c");
    check("return\na", "return; a");
    check("let x = List\n(a)", "let List; a");
}

#[test]
fn it_does_not_inside_of_brackets() {
    check("f(\na,\nb\n)", "f(a, b)");
    check("[\n1,\n2,\n]", "[1, 2]");
    check("x[\n0\n]", "x[0]");
    check("(a\n+ b)", "(a + b)");
    // Braces inside of them bring statements again.
    check("f(fn() {\na\nb\n})", "f(fn{a; b})");
    check("f({\na\n(b)\n})", "f({a; b})");
}

#[test]
fn it_does_not_behind_an_operator() {
    check("a +\nb", "(a + b)");
    check("a &&\n\n// why\nb", "(a && b)");
    check("let x =\n1", "let 1");
    check("x +=\n1", "x = 1");
    check("a..\nb", "(a .. b)");
    check("a <\nb", "(a < b)");
    check("a >=\nb", "(a >= b)");
    check("a *%\nb", "(a *% b)");
}

#[test]
fn it_does_not_before_a_dot_else_and_or_or() {
    check("a\n.b()\n  .c", "a.b().c");
    check("if a { b }\nelse { c }", "if-else");
    check("a\n&& b\n|| c", "((a && b) || c)");
    check("a // why\n\n  .b", "a.b");
    check("let A(x) = y\nelse { return }", "let y else");
}

#[test]
fn brackets_and_minus_begin_a_statement() {
    check("a\n(b)", "a; b");
    check("a\n[b]", "a; [b]");
    check("a\n-b", "a; -(b)");
    check("a(\n-b)", "a(-(b))");
}

#[test]
fn what_binds_stronger() {
    check("a + b * c", "(a + (b * c))");
    check("a * b + c", "((a * b) + c)");
    check("a - b - c", "((a - b) - c)");
    check("a / b * c % d", "(((a / b) * c) % d)");
    check("a | b & c ^ d", "((a | (b & c)) ^ d)");
    check("a << b + c >> d", "((a << b) + (c >> d))");
    check("a >>> b >> c", "((a >>> b) >> c)");
    check("a +% b *% c -% d", "((a +% (b *% c)) -% d)");
    check("i + 1..n - 1", "((i + 1) .. (n - 1))");
    check("a..=b == c", "((a ..= b) == c)");
    check("a == b && c != d || e < f", "(((a == b) && (c != d)) || (e < f))");
    check("a || b && c", "(a || (b && c))");
    check("-a.b", "-(a.b)");
    check("-a * b", "(-(a) * b)");
    check("!a && ~b == c", "(!(a) && (~(b) == c))");
    check("!!a", "!(!(a))");
    check("a - -b", "(a - -(b))");
    check("-1.abs()", "-(1.abs())");
    check("a > b", "(a > b)");
    check("f(a)?[b].c.0(d)", "f(a)?[b].c.0(d)");
    check("(a + b) * c", "((a + b) * c)");
}

#[test]
fn tuples_positions_and_floats() {
    check("t.0.1", "t.0.1");
    check("(1.0, 2.5e-3)", "(1.0, 0.0025)");
    check("()", "()");
    check("(a,)", "a");
    check("0..10", "(0 .. 10)");
    check("1.5.floor()", "1.5.floor()");
}

#[test]
fn numbers() {
    check("[42, 1_000, 0xff, 0b101, 0o17, 'a', '\\n', '\\u{1f600}', '\\'']", "[42, 1000, 255, 5, 15, 97, 10, 128512, 39]");
    check("[7ns, 5us, 20ms, 5s, 2min, 1h]", "[7ns, 5000ns, 20000000ns, 5000000000ns, 120000000000ns, 3600000000000ns]");
    check("-9223372036854775808", "-(9223372036854775808)");
}

#[test]
fn texts() {
    check(r#""a ${x + 1}\n""#, r#""a ${(x + 1)}\n""#);
    check(r#""a ${f("b ${c}")} d""#, r#""a ${f("b ${c}")} d""#);
    check(r#""${"${"${a}"}"}""#, r#""${"${"${a}"}"}""#);
    check(r#""${ {a} }""#, r#""${{a}}""#);
    check(r#""\${x} $ \$\\\"\u{61}""#, r#""${x} $ $\\\"a""#);
    check(r##"r"a\n${b}""##, r##""a\\n${b}""##);
    check(r#"b"\x00a\n""#, "[0, 97, 10]");
    check("\"\"", "\"\"");
}

#[test]
fn block_texts() {
    check("\"\"\"\n  a\n    b\n  \"\"\"", r#""a\n  b""#);
    check("\"\"\"\n    a\n\n  b\n    \"\"\"", r#""  a\n\nb""#);
    check("\"\"\"\n  a\n\"\"\"", r#""  a""#);
    check("\"\"\"\n  a ${b}\n  c\n  \"\"\"", r#""a ${b}\nc""#);
    check("\"\"\"\n  ${a}\n  ${b}\n  \"\"\"", r#""${a}\n${b}""#);
    check("\"\"\"\n  a\"\"b \\n\\\"\n  \"\"\"", r#""a\"\"b \n\"""#);
    check("\"\"\"\n\ta\n\t\"\"\"", r#""a""#);
    check("\"\"\"\r\n  a\r\n  b\r\n  \"\"\"", r#""a\nb""#);
    check("\"\"\"\n  \"\"\"", "\"\"");
    check("\"\"\"\n\n  \"\"\"", "\"\"");
    check("\"\"\"\n  a\n\n  \"\"\"", r#""a\n""#);
    check("\"\"\"\n  a\"\"\"", r#""a""#);
    check("\"\"\"\n  \\u{20} a\n  \"\"\"", r#""  a""#);
}

#[test]
fn arguments() {
    check("f(a, b: c, _, ..d)", "f(a, b: c, _, ..d)");
    check("Get(k, reply: _)", "Get(k, reply: _)");
}

#[test]
fn entries_of_the_prompt() {
    let parts = |source: &'static str| -> Vec<&'static str> {
        let entry = parse_entry(source);
        assert!(entry.diagnostics.is_empty() && !entry.needs_more, "{source}: {:?}", entry.diagnostics);
        let name = |part: &EntryPart<'_>| match part {
            EntryPart::Uses(_) => "use",
            EntryPart::Item(_) => "item",
            EntryPart::Stmt(_) => "stmt",
            EntryPart::Receives(_) => "receives",
        };
        entry.parts.iter().map(name).collect()
    };
    assert_eq!(parts("1 + 2"), ["stmt"]);
    assert_eq!(parts("let x = 1; x"), ["stmt", "stmt"]);
    assert_eq!(parts("fn f() {}"), ["item"]);
    assert_eq!(parts("fn(x) { x }"), ["stmt"]);
    assert_eq!(parts("use io, fs\ntype A = Int\nf()"), ["use", "item", "stmt"]);
    assert_eq!(parts("receives Msg | Down"), ["receives"]);
    assert_eq!(parts(""), [""; 0]);
}

#[test]
fn entries_that_need_more() {
    for source in ["fn f() {", "f(1,", "[1", "let x =", "a +", "\"\"\"\n a", "match x {\n A -> 1"] {
        let entry = parse_entry(source);
        assert!(entry.needs_more && entry.diagnostics.is_empty(), "{source}");
    }
    for source in ["f(1", "f(1)", ")", "\"a", "let x", "x}"] {
        assert_eq!(parse_entry(source).needs_more, source == "f(1", "{source}");
    }
}
