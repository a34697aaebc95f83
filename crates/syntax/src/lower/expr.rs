//! Expressions.

use super::item::no_expr;
use super::{Lower, is_name};
use crate::ast::{
    Arg, ArgKind, BinOp, Block, Closure, ClosureParam, Expr, ExprKind, Name, Span, Spawn, SpawnWhat, Stmt, StmtKind, UnaryOp,
};
use crate::code::Code;
use crate::kind::Kind;
use crate::tree::{Node, Part};

impl<'t, 'a> Lower<'t, 'a, '_> {
    pub(super) fn expr(&mut self, node: Node<'t, 'a>) -> Expr<'a> {
        let kind = match node.kind() {
            Kind::Literal => self.literal(node, false),
            Kind::Text => ExprKind::Text(self.text_parts(node)),
            Kind::NameExpr => ExprKind::Name(self.first_name(node)),
            Kind::UpperExpr => ExprKind::UpperName(self.first_name(node)),
            Kind::SelfExpr => ExprKind::SelfValue,
            Kind::MeExpr => ExprKind::Me,
            Kind::ParenExpr => self.paren(node),
            Kind::ListExpr => ExprKind::List(self.exprs(node)),
            Kind::MapExpr => self.map(node),
            Kind::BlockExpr => ExprKind::Block(self.body_of(node)),
            Kind::MemberExpr => ExprKind::Member { of: self.boxed(node), name: self.last_name(node) },
            Kind::PositionExpr => self.position(node),
            Kind::CallExpr => {
                let args_span = node.child(Kind::Args).map_or(node.span(), Node::span);
                ExprKind::Call { callee: self.boxed(node), args: self.args_of(node), args_span }
            }
            Kind::IndexExpr => {
                let index = node.exprs().nth(1).map_or_else(|| no_expr(node.span().end), |index| self.expr(index));
                ExprKind::Index { of: self.boxed(node), index: Box::new(index) }
            }
            Kind::TryExpr => ExprKind::Try(self.boxed(node)),
            Kind::UnaryExpr => self.unary(node),
            Kind::BinaryExpr => self.binary(node),
            Kind::IfExpr => self.if_expr(node),
            Kind::MatchExpr => ExprKind::Match { value: self.boxed(node), arms: self.arms_of(node, false) },
            Kind::ReceiveExpr => ExprKind::Receive(self.arms_of(node, true)),
            Kind::SelectExpr => ExprKind::Select(self.arms_of(node, true)),
            Kind::ClosureExpr => ExprKind::Closure(Box::new(self.closure(node))),
            Kind::SpawnExpr => self.spawn(node),
            _ => ExprKind::Error,
        };
        Expr { kind, span: node.span() }
    }

    fn boxed(&mut self, node: Node<'t, 'a>) -> Box<Expr<'a>> {
        Box::new(self.expr_of(node))
    }

    fn exprs(&mut self, node: Node<'t, 'a>) -> Vec<Expr<'a>> {
        self.each(node.exprs(), Self::expr)
    }

    fn paren(&mut self, node: Node<'t, 'a>) -> ExprKind<'a> {
        let mut exprs = self.exprs(node);
        match exprs.pop() {
            Some(only) if exprs.is_empty() => ExprKind::Paren(Box::new(only)),
            Some(last) => {
                exprs.push(last);
                ExprKind::Tuple(exprs)
            }
            // Something could not be read, or there is nothing to read.
            None if node.children().next().is_some() => ExprKind::Error,
            None => ExprKind::Tuple(exprs),
        }
    }

    fn map(&mut self, node: Node<'t, 'a>) -> ExprKind<'a> {
        let entries = node.children().filter(|child| child.kind() == Kind::MapEntry);
        let entry = |entry: Node<'t, 'a>| {
            let mut exprs = entry.exprs();
            let (key, value) = (exprs.next(), exprs.next());
            let end = entry.span().end;
            let mut lowered = |expr: Option<Node<'t, 'a>>| expr.map_or_else(|| no_expr(end), |expr| self.expr(expr));
            (lowered(key), lowered(value))
        };
        ExprKind::Map(entries.map(entry).collect())
    }

    fn position(&mut self, node: Node<'t, 'a>) -> ExprKind<'a> {
        let of = self.boxed(node);
        let Some(token) = node.tokens().filter(|token| token.kind == Kind::Int).last() else { return ExprKind::Error };
        match self.text(token).parse() {
            Ok(index) => ExprKind::Position { of, index, index_span: token.span },
            Err(_) => {
                let report =
                    self.error(Code::BadNumber, token.span, format!("`{}` is too large for a position", self.text(token)));
                report.label("no tuple has as many parts").tell(self.sink);
                ExprKind::Error
            }
        }
    }

    pub(super) fn args_of(&mut self, node: Node<'t, 'a>) -> Vec<Arg<'a>> {
        node.child(Kind::Args).map(|args| self.args(args)).unwrap_or_default()
    }

    fn args(&mut self, node: Node<'t, 'a>) -> Vec<Arg<'a>> {
        let args = node.children().filter(|child| child.kind() == Kind::Arg);
        self.each(args, Self::arg)
    }

    fn arg(&mut self, node: Node<'t, 'a>) -> Arg<'a> {
        let name = node.tokens().find(|token| is_name(token.kind)).map(|token| self.name_of(token));
        let kind = if node.token(Kind::Underscore).is_some() {
            ArgKind::Hole
        } else if node.token(Kind::DotDot).is_some() {
            ArgKind::Spread(self.expr_of(node))
        } else {
            ArgKind::Value(self.expr_of(node))
        };
        Arg { name, kind, span: node.span() }
    }

    fn unary(&mut self, node: Node<'t, 'a>) -> ExprKind<'a> {
        let op = match node.tokens().next().map(|token| token.kind) {
            Some(Kind::Minus) => UnaryOp::Neg,
            Some(Kind::Tilde) => UnaryOp::BitNot,
            _ => UnaryOp::Not,
        };
        let operand = match node.expr() {
            // The least Int has no positive counterpart.
            Some(operand) if op == UnaryOp::Neg && operand.kind() == Kind::Literal => {
                Expr { kind: self.literal(operand, true), span: operand.span() }
            }
            Some(operand) => self.expr(operand),
            None => no_expr(node.span().end),
        };
        ExprKind::Unary { op, operand: Box::new(operand) }
    }

    fn binary(&mut self, node: Node<'t, 'a>) -> ExprKind<'a> {
        let mut exprs = node.exprs();
        let (left, right) = (exprs.next(), exprs.next());
        let mut tokens = node.tokens();
        let first = tokens.next();
        let (last, count) = tokens.fold((first, 1), |(_, count), token| (Some(token), count + 1));
        let (Some(first), Some(last)) = (first, last) else { return ExprKind::Error };
        let Some(op) = binary_op(first.kind, count, self.text(first)) else { return ExprKind::Error };
        let end = node.span().end;
        let mut lowered = |expr: Option<Node<'t, 'a>>| Box::new(expr.map_or_else(|| no_expr(end), |expr| self.expr(expr)));
        ExprKind::Binary { op, op_span: first.span.to(last.span), left: lowered(left), right: lowered(right) }
    }

    fn if_expr(&mut self, node: Node<'t, 'a>) -> ExprKind<'a> {
        let cond = self.cond(node);
        let then = self.body_of(node);
        let mut behind = node.children().skip_while(|child| child.kind() != Kind::Block).skip(1);
        let otherwise = behind.find(|child| matches!(child.kind(), Kind::Block | Kind::IfExpr)).map(|child| {
            let span = child.span();
            Box::new(match child.kind() {
                Kind::Block => Expr { kind: ExprKind::Block(self.block(child)), span },
                _ => self.expr(child),
            })
        });
        ExprKind::If { cond, then, otherwise }
    }

    fn closure(&mut self, node: Node<'t, 'a>) -> Closure<'a> {
        let params = node.child(Kind::ClosureParams).into_iter().flat_map(Node::children);
        let params = params.filter(|child| child.kind() == Kind::ClosureParam);
        let param = |param: Node<'t, 'a>| {
            let name = param.tokens().find(|token| is_name(token.kind)).map(|token| self.name_of(token));
            ClosureParam { name, ty: param.ty().map(|ty| self.ty(ty)), span: param.span() }
        };
        let params = params.map(param).collect();
        let body = match node.expr() {
            Some(value) => {
                let (value, span) = (self.expr(value), value.span());
                Block { stmts: vec![Stmt { kind: StmtKind::Expr(value), span }], span }
            }
            None => self.body_of(node),
        };
        Closure { params, result: node.ty().map(|ty| self.ty(ty)), receives: self.receives_of(node), body }
    }

    fn spawn(&mut self, node: Node<'t, 'a>) -> ExprKind<'a> {
        let mut options = Vec::new();
        let mut path: Vec<Name<'a>> = Vec::new();
        let mut what = None;
        for part in node.parts() {
            match part {
                Part::Token(token) if is_name(token.kind) => path.push(self.name_of(token)),
                Part::Node(args) if args.kind() == Kind::Args && path.is_empty() => options = self.args(args),
                Part::Node(args) if args.kind() == Kind::Args => {
                    what = Some(SpawnWhat::Call { path: std::mem::take(&mut path), args: self.args(args) });
                }
                Part::Node(block) if block.kind() == Kind::Block => what = Some(SpawnWhat::Block(self.block(block))),
                Part::Token(_) | Part::Node(_) => {}
            }
        }
        what.map_or(ExprKind::Error, |what| ExprKind::Spawn(Box::new(Spawn { options, what })))
    }

    /// The value of a literal that is no text with values.
    pub(super) fn literal(&mut self, node: Node<'t, 'a>, is_negated: bool) -> ExprKind<'a> {
        let Some(token) = node.tokens().next() else { return ExprKind::Error };
        let text = self.text(token);
        match token.kind {
            Kind::Int => self.int(text, token.span, is_negated),
            Kind::Float => match crate::number::float(text) {
                Some(value) => ExprKind::Float(value),
                None => self.too_large(token.span, "floats go up to 1.7976931348623157e308"),
            },
            Kind::Duration => match crate::number::duration(text) {
                Some(value) => ExprKind::Duration(value),
                None => self.too_large(token.span, "durations go up to 2562047h, some 292 years"),
            },
            Kind::Char => self.character(token),
            Kind::RawText => self.raw_text(token),
            Kind::Bytes => ExprKind::Bytes(self.byte_string(token)),
            Kind::True => ExprKind::Bool(true),
            Kind::False => ExprKind::Bool(false),
            _ => ExprKind::Error,
        }
    }

    fn int(&mut self, text: &str, span: Span, is_negated: bool) -> ExprKind<'a> {
        const LEAST: u64 = i64::MIN.unsigned_abs();
        match crate::number::int(text) {
            Some(value) if value < LEAST || (value == LEAST && is_negated) => ExprKind::Int(value),
            Some(_) | None => {
                self.too_large(span, "an Int goes from -9223372036854775808 to 9223372036854775807; `big.Int` is larger")
            }
        }
    }

    fn too_large(&mut self, span: Span, hint: &str) -> ExprKind<'a> {
        let message = format!("`{}` is too large", self.tree.text(span));
        self.error(Code::BadNumber, span, message).label("does not fit").hint(hint).tell(self.sink);
        ExprKind::Error
    }
}

fn binary_op(kind: Kind, count: usize, text: &str) -> Option<BinOp> {
    Some(match (kind, count) {
        (Kind::Greater, 1) => BinOp::Gt,
        (Kind::Greater, 2) => BinOp::Shr,
        (Kind::Greater, _) => BinOp::ShrUnsigned,
        (Kind::Star, _) => BinOp::Mul,
        (Kind::Slash, _) => BinOp::Div,
        (Kind::Percent, _) => BinOp::Rem,
        (Kind::StarPercent, _) => BinOp::MulWrap,
        (Kind::ShiftLeft, _) => BinOp::Shl,
        (Kind::And, _) => BinOp::BitAnd,
        (Kind::Plus, _) => BinOp::Add,
        (Kind::Minus, _) => BinOp::Sub,
        (Kind::PlusPercent, _) => BinOp::AddWrap,
        (Kind::MinusPercent, _) => BinOp::SubWrap,
        (Kind::Or, _) => BinOp::BitOr,
        (Kind::Caret, _) => BinOp::BitXor,
        (Kind::DotDot, _) => BinOp::Range,
        (Kind::DotDotEq, _) => BinOp::RangeInclusive,
        (Kind::EqEq | Kind::Eq, _) => BinOp::Eq,
        (Kind::BangEq, _) => BinOp::Ne,
        (Kind::Less, _) => BinOp::Lt,
        (Kind::LessEq, _) => BinOp::Le,
        (Kind::GreaterEq, _) => BinOp::Ge,
        (Kind::AndAnd, _) => BinOp::And,
        (Kind::OrOr, _) => BinOp::Or,
        (Kind::LowerName, _) => return if text == "and" { Some(BinOp::And) } else { Some(BinOp::Or) },
        _ => return None,
    })
}
