//! Statements, blocks and arms.

use fardel_diagnostic::Report;

use super::Lower;
use super::item::no_expr;
use crate::ast::{After, Arm, Arms, BinOp, Block, Cond, Expr, Pat, PatKind, Span, Stmt, StmtKind};
use crate::code::Code;
use crate::kind::Kind;
use crate::tree::Node;

impl<'t, 'a> Lower<'t, 'a, '_> {
    pub(super) fn block(&mut self, node: Node<'t, 'a>) -> Block<'a> {
        let stmts = node.children().filter(|child| child.kind().is_stmt() || child.kind() == Kind::Garbage);
        Block { stmts: self.each(stmts, Self::stmt), span: node.span() }
    }

    /// The first expression that is a node's own.
    pub(super) fn expr_of(&mut self, node: Node<'t, 'a>) -> Expr<'a> {
        node.expr().map_or_else(|| no_expr(node.span().end), |value| self.expr(value))
    }

    /// The first pattern that is a node's own.
    pub(super) fn pat_of(&mut self, node: Node<'t, 'a>) -> Pat<'a> {
        let end = node.span().end;
        let nothing = Pat { kind: PatKind::Error, span: Span { start: end, end } };
        node.pat().map_or(nothing, |pat| self.pat(pat))
    }

    pub(super) fn stmt(&mut self, node: Node<'t, 'a>) -> Stmt<'a> {
        let kind = match node.kind() {
            Kind::LetStmt => StmtKind::Let {
                pat: self.pat_of(node),
                ty: node.ty().map(|ty| self.ty(ty)),
                value: self.expr_of(node),
                otherwise: node.child(Kind::Block).map(|block| self.block(block)),
            },
            Kind::VarStmt => {
                StmtKind::Var { name: self.last_name(node), ty: node.ty().map(|ty| self.ty(ty)), value: self.expr_of(node) }
            }
            Kind::ForStmt => StmtKind::For { pat: self.pat_of(node), over: self.expr_of(node), body: self.body_of(node) },
            Kind::WhileStmt => StmtKind::While { cond: self.cond(node), body: self.body_of(node) },
            Kind::ReturnStmt => StmtKind::Return(node.expr().map(|value| self.expr(value))),
            Kind::BreakStmt => StmtKind::Break,
            Kind::ContinueStmt => StmtKind::Continue,
            Kind::ServeStmt => StmtKind::Serve {
                name: self.last_name(node),
                ty: node.ty().map(|ty| self.ty(ty)),
                init: self.expr_of(node),
                arms: self.arms_of(node, true),
            },
            Kind::AssignStmt => self.assign(node),
            Kind::ExprStmt => StmtKind::Expr(self.expr_of(node)),
            _ => StmtKind::Error,
        };
        Stmt { kind, span: node.span() }
    }

    fn assign(&mut self, node: Node<'t, 'a>) -> StmtKind<'a> {
        let mut exprs = node.exprs();
        let (target, value) = (exprs.next(), exprs.next());
        let op = node.tokens().find_map(|token| assign_op(token.kind));
        if let Some(target) = target
            && node.token(Kind::Colon).is_none()
        {
            self.check_target(target);
        }
        let end = node.span().end;
        let mut lowered = |expr: Option<Node<'t, 'a>>| expr.map_or_else(|| no_expr(end), |expr| self.expr(expr));
        StmtKind::Assign { target: lowered(target), op: op.flatten(), value: lowered(value) }
    }

    fn check_target(&mut self, target: Node<'t, 'a>) {
        let hint = match target.kind() {
            Kind::NameExpr | Kind::MemberExpr | Kind::IndexExpr => return,
            Kind::PositionExpr => "a tuple does not change; make a new one",
            Kind::BinaryExpr | Kind::UnaryExpr => "`==` compares",
            _ => "a `var`, a `var` field or an element can be assigned to",
        };
        let report = self.error(Code::NotAssignable, target.span(), "this cannot be assigned to");
        report.label("neither a name, a field nor an element").hint(hint).tell(self.sink);
    }

    /// The condition at the beginning of a node.
    pub(super) fn cond(&mut self, node: Node<'t, 'a>) -> Cond<'a> {
        match node.children().find(|child| child.kind() == Kind::LetCond || child.kind().is_expr()) {
            Some(cond) if cond.kind() == Kind::LetCond => {
                Cond::Let { pat: self.pat_of(cond), value: Box::new(self.expr_of(cond)) }
            }
            Some(cond) => Cond::Expr(Box::new(self.expr(cond))),
            None => Cond::Expr(Box::new(no_expr(node.span().start))),
        }
    }

    /// The arms that are a node's own.
    pub(super) fn arms_of(&mut self, node: Node<'t, 'a>, may_wait: bool) -> Arms<'a> {
        let end = node.span().end;
        let Some(braces) = node.child(Kind::Arms) else {
            return Arms { arms: Vec::new(), after: None, span: Span { start: end, end } };
        };
        let count = braces.children().filter(|child| child.kind() == Kind::Arm).count();
        let mut arms = Arms { arms: Vec::with_capacity(count), after: None, span: braces.span() };
        for child in braces.children() {
            match child.kind() {
                Kind::Arm => {
                    if let Some(after) = &arms.after {
                        let report = Report::error(Code::Misplaced, child.span(), "this arm stands behind `after`");
                        let report = report.label("comes too late").also(after.span, "the last arm");
                        report.hint("`after` is the last arm").tell(self.sink);
                    }
                    let arm = self.arm(child);
                    arms.arms.push(arm);
                }
                Kind::AfterArm => self.after(child, may_wait, &mut arms),
                _ => {}
            }
        }
        arms
    }

    fn arm(&mut self, node: Node<'t, 'a>) -> Arm<'a> {
        let guard = node.child(Kind::Guard).map(|guard| self.expr_of(guard));
        Arm { pat: self.pat_of(node), guard, body: self.arm_body(node), span: node.span() }
    }

    fn arm_body(&mut self, node: Node<'t, 'a>) -> Stmt<'a> {
        let end = node.span().end;
        let nothing = Stmt { kind: StmtKind::Error, span: Span { start: end, end } };
        node.children().find(|child| child.kind().is_stmt()).map_or(nothing, |body| self.stmt(body))
    }

    fn after(&mut self, node: Node<'t, 'a>, may_wait: bool, arms: &mut Arms<'a>) {
        if !may_wait {
            let report = self.error(Code::Misplaced, node.span(), "a `match` does not wait");
            report.label("no `after` here").hint("`after` ends a `receive`, `select` or `serve`").tell(self.sink);
            return;
        }
        let after = After { wait: self.expr_of(node), body: self.arm_body(node), span: node.span() };
        match &arms.after {
            Some(first) => {
                let report = self.error(Code::Misplaced, after.span, "there is an `after` already");
                report.label("the second one").also(first.span, "the first one").tell(self.sink);
            }
            None => arms.after = Some(Box::new(after)),
        }
    }
}

/// The operator of an assignment, if the token is one.
fn assign_op(kind: Kind) -> Option<Option<BinOp>> {
    Some(match kind {
        Kind::Eq => None,
        Kind::PlusEq => Some(BinOp::Add),
        Kind::MinusEq => Some(BinOp::Sub),
        Kind::StarEq => Some(BinOp::Mul),
        Kind::SlashEq => Some(BinOp::Div),
        Kind::PercentEq => Some(BinOp::Rem),
        _ => return None,
    })
}
