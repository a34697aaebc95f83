//! The parts of expressions, all of them.

use crate::thir::{Cond, Expr, ExprKind, Place, Receive, SpawnWhat};

/// Shows every part of an expression, those of closures included.
pub(crate) fn each_part<'e>(expr: &'e Expr, see: &mut impl FnMut(&'e Expr)) {
    let mut work = vec![expr];
    while let Some(expr) = work.pop() {
        see(expr);
        parts_of(expr, &mut work);
    }
}

fn parts_of<'e>(expr: &'e Expr, out: &mut Vec<&'e Expr>) {
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
        ExprKind::CallValue(callee, all) => {
            out.push(callee);
            out.extend(all);
        }
        ExprKind::Closure(closure) => out.push(&closure.body),
        ExprKind::And(a, b) | ExprKind::Or(a, b) | ExprKind::Index(a, b) => out.extend([&**a, &**b]),
        ExprKind::Map(entries) => entries.iter().for_each(|(key, value)| out.extend([key, value])),
        ExprKind::With(base, changes) => {
            out.push(base);
            out.extend(changes.iter().map(|(_, value)| value));
        }
        ExprKind::Field(of, _) | ExprKind::Try(of, _) | ExprKind::Let(_, of) => out.push(of),
        ExprKind::Block(stmts, value) => {
            out.extend(stmts);
            out.extend(value.as_deref());
        }
        ExprKind::LetElse(_, value, otherwise) => out.extend([&**value, &**otherwise]),
        ExprKind::If(cond, then, otherwise) => {
            out.extend([condition_part(cond), then]);
            out.extend(otherwise.as_deref());
        }
        ExprKind::While(cond, body) => out.extend([condition_part(cond), body]),
        ExprKind::Match(value, arms) => {
            out.push(value);
            for arm in arms {
                out.extend(arm.guard.as_ref());
                out.push(&arm.body);
            }
        }
        ExprKind::Receive(receive) => received_parts(receive, out),
        ExprKind::Serve(serve) => {
            out.push(&serve.init);
            received_parts(&serve.receive, out);
        }
        ExprKind::Spawn(spawn) => {
            out.extend(spawn.options.iter().map(|(_, value)| value));
            match &spawn.what {
                SpawnWhat::Call(_, _, args) => out.extend(args),
                SpawnWhat::Closure(closure) => out.push(&closure.body),
            }
        }
        ExprKind::Return(value) => out.extend(value.as_deref()),
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

fn received_parts<'e>(receive: &'e Receive, out: &mut Vec<&'e Expr>) {
    for (_, arm) in &receive.arms {
        out.extend(arm.guard.as_ref());
        out.push(&arm.body);
    }
    for (time, body) in receive.after.iter() {
        out.extend([time, body]);
    }
}

fn condition_part(cond: &Cond) -> &Expr {
    match cond {
        Cond::Expr(expr) | Cond::Let(_, expr) => expr,
    }
}
