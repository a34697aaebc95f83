//! Items.

use super::{Lower, is_name};
use crate::EntryPart;
use crate::ast::{
    Attr, Block, Const, Expr, ExprKind, File, Fn, Generic, Item, ItemKind, Member, MemberKind, Param, Span, Test, TypeItem,
    TypeKind, Use,
};
use crate::code::Code;
use crate::kind::Kind;
use crate::tree::Node;

impl<'t, 'a> Lower<'t, 'a, '_> {
    pub(super) fn file(&mut self, root: Node<'t, 'a>) -> File<'a> {
        let mut file = File { docs: self.file_docs(), ..File::default() };
        for node in root.children() {
            if node.kind() == Kind::UseItem {
                if !file.items.is_empty() {
                    let report = self.error(Code::Misplaced, node.span(), "this `use` stands behind an item");
                    report.label("imports come first").hint("move it to the beginning of the file").tell(self.sink);
                }
                self.uses(node, &mut file.uses);
            } else {
                file.items.extend(self.item(node));
            }
        }
        file
    }

    pub(super) fn entry_part(&mut self, node: Node<'t, 'a>) -> Option<EntryPart<'a>> {
        match node.kind() {
            Kind::UseItem => {
                let mut uses = Vec::new();
                self.uses(node, &mut uses);
                Some(EntryPart::Uses(uses))
            }
            Kind::ReceivesEntry => Some(EntryPart::Receives(self.receives_of(node))),
            kind if kind.is_stmt() => Some(EntryPart::Stmt(self.stmt(node))),
            _ => self.item(node).map(EntryPart::Item),
        }
    }

    /// The lines of `//!` at the beginning; others document nothing.
    fn file_docs(&mut self) -> Vec<&'a str> {
        let first = self.tree.place(0);
        let mut docs = Vec::new();
        for (at, token) in self.tree.tokens().iter().enumerate().filter(|(_, token)| token.kind == Kind::FileComment) {
            if at < first {
                docs.push(super::comment_text(self.tree.text(token.span)));
                continue;
            }
            fardel_diagnostic::Report::warning(Code::DanglingDoc, token.span.range(), "this comment documents nothing")
                .label("`//!` stands at the beginning of the file")
                .hint("`///` documents what follows, `//` documents nothing")
                .tell(self.sink);
        }
        docs
    }

    fn uses(&mut self, node: Node<'t, 'a>, uses: &mut Vec<Use<'a>>) {
        for import in node.children().filter(|child| child.kind() == Kind::Import) {
            let (mut path, mut alias, mut is_alias) = (Vec::new(), None, false);
            for token in import.tokens() {
                if token.kind == Kind::As {
                    is_alias = true;
                } else if is_name(token.kind) && is_alias {
                    alias = Some(self.name_of(token));
                } else if is_name(token.kind) {
                    path.push(self.name_of(token));
                }
            }
            let names = import
                .child(Kind::ImportNames)
                .map(|names| names.tokens().filter(|token| is_name(token.kind)).map(|token| self.name_of(token)).collect());
            uses.push(Use { path, names, alias, span: import.span() });
        }
    }

    fn item(&mut self, node: Node<'t, 'a>) -> Option<Item<'a>> {
        let kind = match node.kind() {
            Kind::FnItem => ItemKind::Fn(self.function(node, false)),
            Kind::TypeItem => ItemKind::Type(self.type_item(node)),
            Kind::ConstItem => ItemKind::Const(Const {
                name: self.last_name(node),
                ty: node.ty().map(|ty| self.ty(ty)),
                value: self.expr_of(node),
            }),
            Kind::TestItem => ItemKind::Test(self.test(node)),
            _ => return None,
        };
        let docs = self.docs(node.first());
        let attrs = self.attrs(node);
        Some(Item { docs, attrs, is_pub: node.token(Kind::Pub).is_some(), kind, span: node.span() })
    }

    fn attrs(&mut self, node: Node<'t, 'a>) -> Vec<Attr<'a>> {
        let nodes = node.children().filter(|child| child.kind() == Kind::Attribute);
        nodes.map(|attr| Attr { name: self.first_name(attr), args: self.args_of(attr), span: attr.span() }).collect()
    }

    fn test(&mut self, node: Node<'t, 'a>) -> Test<'a> {
        let title = node.children().find(|child| child.kind().is_expr());
        let title_span = title.map_or(Span { start: node.span().end, end: node.span().end }, Node::span);
        let title = title.map(|title| self.plain_text(title, "a title")).unwrap_or_default();
        let (_, params) = self.params(node, false);
        Test { title, title_span, params, receives: self.receives_of(node), body: self.body_of(node) }
    }

    pub(super) fn function(&mut self, node: Node<'t, 'a>, is_method: bool) -> Fn<'a> {
        let (self_param, params) = self.params(node, is_method);
        Fn {
            name: self.last_name(node),
            generics: self.generics(node),
            self_param,
            params,
            result: node.ty().map(|ty| self.ty(ty)),
            receives: self.receives_of(node),
            body: self.body_of(node),
        }
    }

    /// The block that is a node's own; an empty one at its end when there is none.
    pub(super) fn body_of(&mut self, node: Node<'t, 'a>) -> Block<'a> {
        let end = node.span().end;
        let nothing = Block { stmts: Vec::new(), span: Span { start: end, end } };
        node.child(Kind::Block).map_or(nothing, |block| self.block(block))
    }

    fn generics(&mut self, node: Node<'t, 'a>) -> Vec<Generic<'a>> {
        let generics = node.child(Kind::Generics).into_iter().flat_map(Node::children);
        let generics = generics.filter(|child| child.kind() == Kind::Generic);
        let generic = |generic: Node<'t, 'a>| {
            let mut names = generic.tokens().filter(|token| is_name(token.kind)).map(|token| self.name_of(token));
            Some(Generic { name: names.next()?, constraint: names.next() })
        };
        generics.filter_map(generic).collect()
    }

    fn params(&mut self, node: Node<'t, 'a>, is_method: bool) -> (Option<Span>, Vec<Param<'a>>) {
        let mut self_param = None;
        let mut params = Vec::new();
        for (at, child) in node.child(Kind::Params).into_iter().flat_map(Node::children).enumerate() {
            match child.kind() {
                Kind::Param => params.push(self.param(child)),
                Kind::SelfParam if is_method && at == 0 => self_param = Some(child.span()),
                Kind::SelfParam => {
                    let hint = if is_method {
                        "`self` is the first parameter"
                    } else {
                        "a method stands in the braces of its type; a function names its parameters with their types"
                    };
                    let report = self.error(Code::Misplaced, child.span(), "`self` cannot be a parameter here");
                    report.label("no method's first parameter").hint(hint).tell(self.sink);
                }
                _ => {}
            }
        }
        (self_param, params)
    }

    fn param(&mut self, node: Node<'t, 'a>) -> Param<'a> {
        Param { name: self.last_name(node), ty: self.ty_of(node), default: node.expr().map(|value| self.expr(value)) }
    }

    fn type_item(&mut self, node: Node<'t, 'a>) -> TypeItem<'a> {
        let is_opaque = node.tokens().any(|token| token.kind == Kind::LowerName && self.text(token) == "opaque");
        let kind = match (node.child(Kind::TypeBody), node.ty()) {
            (Some(body), _) => TypeKind::Body(body.children().filter_map(|member| self.member(member)).collect()),
            (None, Some(ty)) => TypeKind::Alias(self.ty(ty)),
            (None, None) => TypeKind::Alias(self.ty_of(node)),
        };
        TypeItem { is_opaque, name: self.last_name(node), generics: self.generics(node), kind }
    }

    fn member(&mut self, node: Node<'t, 'a>) -> Option<Member<'a>> {
        let kind = match node.kind() {
            Kind::Field => MemberKind::Field { is_var: node.token(Kind::Var).is_some(), field: self.param(node) },
            Kind::Variant => {
                let fields = node.child(Kind::VariantFields).into_iter().flat_map(Node::children);
                let fields = self.each(fields.filter(|field| field.kind() == Kind::Param), Self::param);
                MemberKind::Variant { name: self.last_name(node), fields }
            }
            Kind::Method => {
                MemberKind::Method { is_pub: node.token(Kind::Pub).is_some(), function: self.function(node, true) }
            }
            _ => return None,
        };
        let docs = self.docs(node.first());
        let attrs = self.attrs(node);
        Some(Member { docs, attrs, kind, span: node.span() })
    }
}

/// The expression that stands for one that could not be read.
pub(super) fn no_expr<'a>(at: u32) -> Expr<'a> {
    Expr { kind: ExprKind::Error, span: Span { start: at, end: at } }
}
