//! Types as written.

use super::{Lower, is_name};
use crate::ast::{Span, Type, TypeExprKind};
use crate::kind::Kind;
use crate::tree::Node;

impl<'t, 'a> Lower<'t, 'a, '_> {
    /// The first type that is a node's own.
    pub(super) fn ty_of(&mut self, node: Node<'t, 'a>) -> Type<'a> {
        let end = node.span().end;
        let nothing = Type { kind: TypeExprKind::Error, span: Span { start: end, end } };
        node.ty().map_or(nothing, |ty| self.ty(ty))
    }

    pub(super) fn ty(&mut self, node: Node<'t, 'a>) -> Type<'a> {
        let kind = match node.kind() {
            Kind::NamedType => self.named_type(node),
            Kind::TupleType => {
                let mut types = self.types(node);
                match (types.pop(), types.is_empty()) {
                    (Some(only), true) => return only,
                    (Some(last), false) => {
                        types.push(last);
                        TypeExprKind::Tuple(types)
                    }
                    (None, _) => TypeExprKind::Tuple(types),
                }
            }
            Kind::FnType => {
                let params = node.child(Kind::FnTypeParams).map(|params| self.types(params)).unwrap_or_default();
                let result = node.ty().map(|ty| Box::new(self.ty(ty)));
                TypeExprKind::Fn { params, result, receives: self.receives_of(node) }
            }
            _ => TypeExprKind::Error,
        };
        Type { kind, span: node.span() }
    }

    /// The types that are a node's own.
    fn types(&mut self, node: Node<'t, 'a>) -> Vec<Type<'a>> {
        self.each(node.children().filter(|child| child.kind().is_type()), Self::ty)
    }

    fn named_type(&mut self, node: Node<'t, 'a>) -> TypeExprKind<'a> {
        let mut module: Vec<_> = node.tokens().filter(|token| is_name(token.kind)).collect();
        match module.pop() {
            Some(name) if name.kind == Kind::UpperName => {
                let module = module.into_iter().map(|token| self.name_of(token)).collect();
                let args = node.child(Kind::TypeArgs).map(|args| self.types(args)).unwrap_or_default();
                TypeExprKind::Named { module, name: self.name_of(name), args }
            }
            Some(_) | None => TypeExprKind::Error,
        }
    }

    /// The types of the `receives` that is a node's own.
    pub(super) fn receives_of(&mut self, node: Node<'t, 'a>) -> Vec<Type<'a>> {
        node.child(Kind::ReceivesClause).map(|clause| self.types(clause)).unwrap_or_default()
    }
}
