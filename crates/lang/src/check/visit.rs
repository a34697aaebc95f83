//! What expressions consist of.

use crate::thir::{Cond, Expr, ExprKind, Place, SpawnWhat};

/// Calls `each` with an expression and with all that are in it.
pub(super) fn walk<'e>(expr: &'e Expr, each: &mut dyn FnMut(&'e Expr)) {
    // With a stack of its own, since blocks of a long function lie deep in each other.
    let mut work = vec![expr];
    while let Some(expr) = work.pop() {
        each(expr);
        children(expr, &mut work);
    }
}

fn children<'e>(expr: &'e Expr, out: &mut Vec<&'e Expr>) {
    match &expr.kind {
        ExprKind::Error
        | ExprKind::Unit
        | ExprKind::Bool(_)
        | ExprKind::Int(_)
        | ExprKind::Float(_)
        | ExprKind::Text(_)
        | ExprKind::Bytes(_)
        | ExprKind::Local(_)
        | ExprKind::Const(_)
        | ExprKind::FnValue(..)
        | ExprKind::Me
        | ExprKind::Break
        | ExprKind::Continue => {}
        ExprKind::Call(_, _, all)
        | ExprKind::Op(_, all)
        | ExprKind::Interpolated(all)
        | ExprKind::Tuple(all)
        | ExprKind::List(all)
        | ExprKind::Record(all)
        | ExprKind::Variant(_, all) => out.extend(all),
        ExprKind::CallValue(callee, args) => {
            out.push(callee);
            out.extend(args);
        }
        ExprKind::Closure(closure) => out.push(&closure.body),
        ExprKind::And(one, other) | ExprKind::Or(one, other) | ExprKind::Index(one, other) => out.extend([&**one, &**other]),
        ExprKind::Map(entries) => out.extend(entries.iter().flat_map(|(key, value)| [key, value])),
        ExprKind::With(of, changes) => {
            out.push(of);
            out.extend(changes.iter().map(|(_, value)| value));
        }
        ExprKind::Field(of, _) | ExprKind::Try(of, _) => out.push(of),
        ExprKind::Block(stmts, value) => {
            out.extend(stmts);
            out.extend(value.as_deref());
        }
        ExprKind::Let(_, value) => out.push(value),
        ExprKind::LetElse(_, value, otherwise) => out.extend([&**value, &**otherwise]),
        ExprKind::If(cond, then, otherwise) => {
            condition(cond, out);
            out.push(then);
            out.extend(otherwise.as_deref());
        }
        ExprKind::Match(value, arms) => {
            out.push(value);
            out.extend(arms.iter().flat_map(|arm| arm.guard.iter().chain([&arm.body])));
        }
        ExprKind::Receive(receive) => received(receive, out),
        ExprKind::Serve(serve) => {
            out.push(&serve.init);
            received(&serve.receive, out);
        }
        ExprKind::Spawn(spawn) => {
            out.extend(spawn.options.iter().map(|(_, value)| value));
            match &spawn.what {
                SpawnWhat::Call(_, _, args) => out.extend(args),
                SpawnWhat::Closure(closure) => out.push(&closure.body),
            }
        }
        ExprKind::Return(value) => out.extend(value.as_deref()),
        ExprKind::While(cond, body) => {
            condition(cond, out);
            out.push(body);
        }
        ExprKind::For(each) => out.extend([&each.over, &each.body]),
        ExprKind::Assign(place, _, value) => {
            match &**place {
                Place::Local(_) => {}
                Place::Field(of, _) => out.push(of),
                Place::Index(of, index) => out.extend([of, index]),
            }
            out.push(value);
        }
    }
}

fn condition<'e>(cond: &'e Cond, out: &mut Vec<&'e Expr>) {
    match cond {
        Cond::Expr(expr) | Cond::Let(_, expr) => out.push(expr),
    }
}

fn received<'e>(receive: &'e crate::thir::Receive, out: &mut Vec<&'e Expr>) {
    out.extend(receive.arms.iter().flat_map(|(_, arm)| arm.guard.iter().chain([&arm.body])));
    out.extend(receive.after.iter().flat_map(|(wait, body)| [wait, body]));
}
