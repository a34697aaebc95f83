//! What a source says, as plain data: the compiler's view of the syntax tree, without blanks, comments and brackets.
//!
//! It is made from the lossless tree ([`crate::tree`]) and borrows names and texts from the source. A part that could not be
//! read stands as `Error` and was told; nothing else is said about it.
//!
//! **Invariant:** every node's span lies in the source, and that of a part within that of the whole.

use std::borrow::Cow;

/// A place in a source: bytes from `start` up to, not including, `end`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Span {
    /// The first byte.
    pub start: u32,
    /// The byte behind the last.
    pub end: u32,
}

impl Span {
    /// The least span that holds both.
    pub fn to(self, other: Span) -> Span {
        Span { start: self.start.min(other.start), end: self.end.max(other.end) }
    }

    /// The span for slicing.
    pub fn range(self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// A name as written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Name<'a> {
    /// The name; empty when it is missing, which was told.
    pub text: &'a str,
    /// Where it stands.
    pub span: Span,
}

/// A source file.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct File<'a> {
    /// The lines of `//!`, without the marks.
    pub docs: Vec<&'a str>,
    /// What it imports.
    pub uses: Vec<Use<'a>>,
    /// What it declares, in order.
    pub items: Vec<Item<'a>>,
}

/// One import of a `use`.
#[derive(Clone, PartialEq, Debug)]
pub struct Use<'a> {
    /// The module's path: `kv.store`.
    pub path: Vec<Name<'a>>,
    /// The names in braces, if there are braces.
    pub names: Option<Vec<Name<'a>>>,
    /// The name behind `as`.
    pub alias: Option<Name<'a>>,
    /// Where it stands.
    pub span: Span,
}

/// An item with what stands before it.
#[derive(Clone, PartialEq, Debug)]
pub struct Item<'a> {
    /// The lines of `///`, without the marks.
    pub docs: Vec<&'a str>,
    /// Its attributes.
    pub attrs: Vec<Attr<'a>>,
    /// Whether it says `pub`.
    pub is_pub: bool,
    /// What it is.
    pub kind: ItemKind<'a>,
    /// Where it stands, from its first attribute on.
    pub span: Span,
}

/// What an item declares.
#[derive(Clone, PartialEq, Debug)]
pub enum ItemKind<'a> {
    /// A function.
    Fn(Fn<'a>),
    /// A type.
    Type(TypeItem<'a>),
    /// A constant.
    Const(Const<'a>),
    /// A test.
    Test(Test<'a>),
}

/// An attribute: `@json(tag: "type")`.
#[derive(Clone, PartialEq, Debug)]
pub struct Attr<'a> {
    /// Its name.
    pub name: Name<'a>,
    /// Its arguments.
    pub args: Vec<Arg<'a>>,
    /// Where it stands.
    pub span: Span,
}

/// A constant.
#[derive(Clone, PartialEq, Debug)]
pub struct Const<'a> {
    /// Its name.
    pub name: Name<'a>,
    /// Its type, when written.
    pub ty: Option<Type<'a>>,
    /// Its value.
    pub value: Expr<'a>,
}

/// A test.
#[derive(Clone, PartialEq, Debug)]
pub struct Test<'a> {
    /// Its title.
    pub title: Cow<'a, str>,
    /// Where the title stands.
    pub title_span: Span,
    /// The inputs of a property.
    pub params: Vec<Param<'a>>,
    /// What it receives.
    pub receives: Vec<Type<'a>>,
    /// Its body.
    pub body: Block<'a>,
}

/// A type parameter: `T: Ord`.
#[derive(Clone, PartialEq, Debug)]
pub struct Generic<'a> {
    /// Its name.
    pub name: Name<'a>,
    /// Its constraint.
    pub constraint: Option<Name<'a>>,
}

/// A function.
#[derive(Clone, PartialEq, Debug)]
pub struct Fn<'a> {
    /// Its name.
    pub name: Name<'a>,
    /// Its type parameters.
    pub generics: Vec<Generic<'a>>,
    /// Where `self` stands, for a method.
    pub self_param: Option<Span>,
    /// Its parameters, `self` aside.
    pub params: Vec<Param<'a>>,
    /// Its result; nothing for `()`.
    pub result: Option<Type<'a>>,
    /// What it receives; empty without `receives`.
    pub receives: Vec<Type<'a>>,
    /// Its body.
    pub body: Block<'a>,
}

/// A parameter, or a field of a variant.
#[derive(Clone, PartialEq, Debug)]
pub struct Param<'a> {
    /// Its name.
    pub name: Name<'a>,
    /// Its type.
    pub ty: Type<'a>,
    /// Its default.
    pub default: Option<Expr<'a>>,
}

/// A declared type.
#[derive(Clone, PartialEq, Debug)]
pub struct TypeItem<'a> {
    /// Whether it says `opaque`.
    pub is_opaque: bool,
    /// Its name.
    pub name: Name<'a>,
    /// Its type parameters.
    pub generics: Vec<Generic<'a>>,
    /// What it is.
    pub kind: TypeKind<'a>,
}

/// What a declared type is.
#[derive(Clone, PartialEq, Debug)]
pub enum TypeKind<'a> {
    /// `type Id = Int`.
    Alias(Type<'a>),
    /// A record, object or sum, and its methods.
    Body(Vec<Member<'a>>),
}

/// A member of a type's body.
#[derive(Clone, PartialEq, Debug)]
pub struct Member<'a> {
    /// The lines of `///`, without the marks.
    pub docs: Vec<&'a str>,
    /// Its attributes.
    pub attrs: Vec<Attr<'a>>,
    /// What it is.
    pub kind: MemberKind<'a>,
    /// Where it stands.
    pub span: Span,
}

/// What a member is.
#[derive(Clone, PartialEq, Debug)]
pub enum MemberKind<'a> {
    /// A field.
    Field {
        /// Whether it says `var`.
        is_var: bool,
        /// Name, type and default.
        field: Param<'a>,
    },
    /// A variant.
    Variant {
        /// Its name.
        name: Name<'a>,
        /// Its fields.
        fields: Vec<Param<'a>>,
    },
    /// A method.
    Method {
        /// Whether it says `pub`.
        is_pub: bool,
        /// The function.
        function: Fn<'a>,
    },
}

/// A type as written.
#[derive(Clone, PartialEq, Debug)]
pub struct Type<'a> {
    /// What it is.
    pub kind: TypeExprKind<'a>,
    /// Where it stands.
    pub span: Span,
}

/// What a written type is.
#[derive(Clone, PartialEq, Debug)]
pub enum TypeExprKind<'a> {
    /// `json.Json`, `List<Int>`.
    Named {
        /// The module's name before it, path segments in order.
        module: Vec<Name<'a>>,
        /// The name.
        name: Name<'a>,
        /// The type arguments.
        args: Vec<Type<'a>>,
    },
    /// `()` and tuples; one type in parentheses is that type itself.
    Tuple(Vec<Type<'a>>),
    /// `fn(A) -> B receives M`.
    Fn {
        /// The parameters.
        params: Vec<Type<'a>>,
        /// The result; nothing for `()`.
        result: Option<Box<Type<'a>>>,
        /// What it receives.
        receives: Vec<Type<'a>>,
    },
    /// Could not be read.
    Error,
}

/// A block.
#[derive(Clone, PartialEq, Debug)]
pub struct Block<'a> {
    /// Its statements; the last one's value is the block's when it is an expression.
    pub stmts: Vec<Stmt<'a>>,
    /// Where it stands, with its braces.
    pub span: Span,
}

/// A statement.
#[derive(Clone, PartialEq, Debug)]
pub struct Stmt<'a> {
    /// What it is.
    pub kind: StmtKind<'a>,
    /// Where it stands.
    pub span: Span,
}

/// What a statement is.
#[derive(Clone, PartialEq, Debug)]
pub enum StmtKind<'a> {
    /// `let pat: Type = value else { .. }`.
    Let {
        /// What is bound.
        pat: Pat<'a>,
        /// Its type, when written.
        ty: Option<Type<'a>>,
        /// The value.
        value: Expr<'a>,
        /// What happens when the pattern does not match.
        otherwise: Option<Block<'a>>,
    },
    /// `var name: Type = value`.
    Var {
        /// The name.
        name: Name<'a>,
        /// Its type, when written.
        ty: Option<Type<'a>>,
        /// The value.
        value: Expr<'a>,
    },
    /// `for pat in over { .. }`.
    For {
        /// What is bound each time.
        pat: Pat<'a>,
        /// What is looped over.
        over: Expr<'a>,
        /// The body.
        body: Block<'a>,
    },
    /// `while cond { .. }`.
    While {
        /// The condition.
        cond: Cond<'a>,
        /// The body.
        body: Block<'a>,
    },
    /// `return value`.
    Return(Option<Expr<'a>>),
    /// `break`.
    Break,
    /// `continue`.
    Continue,
    /// `serve state: Type = init { arms }`.
    Serve {
        /// The state's name.
        name: Name<'a>,
        /// Its type, when written.
        ty: Option<Type<'a>>,
        /// Its first value.
        init: Expr<'a>,
        /// The arms.
        arms: Arms<'a>,
    },
    /// `target = value`, `target += value`.
    Assign {
        /// What changes: a name, a field or an element.
        target: Expr<'a>,
        /// The operator of `+=` and its like; nothing for `=`.
        op: Option<BinOp>,
        /// The value.
        value: Expr<'a>,
    },
    /// An expression.
    Expr(Expr<'a>),
    /// Could not be read.
    Error,
}

/// A condition.
#[derive(Clone, PartialEq, Debug)]
pub enum Cond<'a> {
    /// `let pat = value`.
    Let {
        /// The pattern.
        pat: Pat<'a>,
        /// The value.
        value: Box<Expr<'a>>,
    },
    /// A truth value.
    Expr(Box<Expr<'a>>),
}

/// The arms of `match`, `receive`, `select` and `serve`.
#[derive(Clone, PartialEq, Debug)]
pub struct Arms<'a> {
    /// The arms, in order.
    pub arms: Vec<Arm<'a>>,
    /// `after wait -> body`.
    pub after: Option<Box<After<'a>>>,
    /// The braces and what is in them.
    pub span: Span,
}

/// An arm.
#[derive(Clone, PartialEq, Debug)]
pub struct Arm<'a> {
    /// What it matches.
    pub pat: Pat<'a>,
    /// A further condition.
    pub guard: Option<Expr<'a>>,
    /// What is done; a statement, whose value is the arm's when it is an expression.
    pub body: Stmt<'a>,
    /// Where it stands.
    pub span: Span,
}

/// The arm for when nothing came in time.
#[derive(Clone, PartialEq, Debug)]
pub struct After<'a> {
    /// How long to wait.
    pub wait: Expr<'a>,
    /// What is done.
    pub body: Stmt<'a>,
    /// Where it stands.
    pub span: Span,
}

/// An argument, or an element of `spawn(..)` options and attributes.
#[derive(Clone, PartialEq, Debug)]
pub struct Arg<'a> {
    /// Its name, when written.
    pub name: Option<Name<'a>>,
    /// What it is.
    pub kind: ArgKind<'a>,
    /// Where it stands.
    pub span: Span,
}

/// What an argument is.
#[derive(Clone, PartialEq, Debug)]
pub enum ArgKind<'a> {
    /// A value.
    Value(Expr<'a>),
    /// `_`: the call is a function of what goes here.
    Hole,
    /// `..value`: the other fields are those of this value.
    Spread(Expr<'a>),
}

/// An expression.
#[derive(Clone, PartialEq, Debug)]
pub struct Expr<'a> {
    /// What it is.
    pub kind: ExprKind<'a>,
    /// Where it stands.
    pub span: Span,
}

/// What an expression is.
#[derive(Clone, PartialEq, Debug)]
pub enum ExprKind<'a> {
    /// An integer, or a character by its code point. A literal above the greatest Int but for `9223372036854775808` was
    /// told; that one is right behind a minus sign alone.
    Int(u64),
    /// A float.
    Float(f64),
    /// A duration, in nanoseconds.
    Duration(i64),
    /// `true` and `false`.
    Bool(bool),
    /// A text with what stands in `${}`, in order. `""` has no parts.
    Text(Vec<TextPart<'a>>),
    /// `b"..."`.
    Bytes(Vec<u8>),
    /// A name of a value, function or module.
    Name(Name<'a>),
    /// A name of a type or variant.
    UpperName(Name<'a>),
    /// `self`.
    SelfValue,
    /// `me`.
    Me,
    /// `()` and tuples; one expression in parentheses is [`ExprKind::Paren`].
    Tuple(Vec<Expr<'a>>),
    /// An expression in parentheses.
    Paren(Box<Expr<'a>>),
    /// `[a, b]`.
    List(Vec<Expr<'a>>),
    /// `[:]`, `[k: v]`.
    Map(Vec<(Expr<'a>, Expr<'a>)>),
    /// A block.
    Block(Block<'a>),
    /// `value.name`: a field, method, function of a module, or `module.Type`, `Type.Variant`.
    Member {
        /// What stands before the dot.
        of: Box<Expr<'a>>,
        /// The name behind it.
        name: Name<'a>,
    },
    /// `value.0`.
    Position {
        /// What stands before the dot.
        of: Box<Expr<'a>>,
        /// The number behind it.
        index: u32,
        /// Where the number stands.
        index_span: Span,
    },
    /// `callee(args)`: a call, a construction, or, with holes, a function.
    Call {
        /// What is called.
        callee: Box<Expr<'a>>,
        /// The arguments.
        args: Vec<Arg<'a>>,
        /// The parentheses and what is in them.
        args_span: Span,
    },
    /// `value[index]`.
    Index {
        /// What is looked into.
        of: Box<Expr<'a>>,
        /// Where.
        index: Box<Expr<'a>>,
    },
    /// `value?`.
    Try(Box<Expr<'a>>),
    /// `-a`, `!a`, `~a`.
    Unary {
        /// The operator.
        op: UnaryOp,
        /// The operand.
        operand: Box<Expr<'a>>,
    },
    /// `a + b`.
    Binary {
        /// The operator.
        op: BinOp,
        /// Where the operator stands.
        op_span: Span,
        /// The left operand.
        left: Box<Expr<'a>>,
        /// The right operand.
        right: Box<Expr<'a>>,
    },
    /// `if`.
    If {
        /// The condition.
        cond: Cond<'a>,
        /// What is done when it holds.
        then: Block<'a>,
        /// The `else`: a block or another `if`.
        otherwise: Option<Box<Expr<'a>>>,
    },
    /// `match`.
    Match {
        /// What is looked at.
        value: Box<Expr<'a>>,
        /// The arms; there is no `after`.
        arms: Arms<'a>,
    },
    /// `receive`.
    Receive(Arms<'a>),
    /// `select`.
    Select(Arms<'a>),
    /// `fn(x) { .. }`.
    Closure(Box<Closure<'a>>),
    /// `spawn`.
    Spawn(Box<Spawn<'a>>),
    /// Could not be read.
    Error,
}

/// A part of a text.
#[derive(Clone, PartialEq, Debug)]
pub enum TextPart<'a> {
    /// Characters, escapes resolved; never empty.
    Text(Cow<'a, str>),
    /// `${value}`.
    Value(Expr<'a>),
}

/// A closure.
#[derive(Clone, PartialEq, Debug)]
pub struct Closure<'a> {
    /// Its parameters.
    pub params: Vec<ClosureParam<'a>>,
    /// Its result, when written.
    pub result: Option<Type<'a>>,
    /// What it receives.
    pub receives: Vec<Type<'a>>,
    /// Its body.
    pub body: Block<'a>,
}

/// A parameter of a closure.
#[derive(Clone, PartialEq, Debug)]
pub struct ClosureParam<'a> {
    /// Its name; nothing for `_`.
    pub name: Option<Name<'a>>,
    /// Its type, when written.
    pub ty: Option<Type<'a>>,
    /// Where it stands.
    pub span: Span,
}

/// `spawn(options) f(args)` or `spawn { .. }`.
#[derive(Clone, PartialEq, Debug)]
pub struct Spawn<'a> {
    /// The options.
    pub options: Vec<Arg<'a>>,
    /// What the fiber does.
    pub what: SpawnWhat<'a>,
}

/// What a new fiber does.
#[derive(Clone, PartialEq, Debug)]
pub enum SpawnWhat<'a> {
    /// A function's call: names with dots between them, and the arguments.
    Call {
        /// `module.f` or `f`.
        path: Vec<Name<'a>>,
        /// The arguments.
        args: Vec<Arg<'a>>,
    },
    /// A block.
    Block(Block<'a>),
}

/// A pattern.
#[derive(Clone, PartialEq, Debug)]
pub struct Pat<'a> {
    /// What it is.
    pub kind: PatKind<'a>,
    /// Where it stands.
    pub span: Span,
}

/// What a pattern is.
#[derive(Clone, PartialEq, Debug)]
pub enum PatKind<'a> {
    /// `_`.
    Any,
    /// A name, which is bound.
    Name(Name<'a>),
    /// An integer, its sign included.
    Int(i64),
    /// A float, its sign included.
    Float(f64),
    /// A duration, in nanoseconds.
    Duration(i64),
    /// `true` and `false`.
    Bool(bool),
    /// A text, without `${}`.
    Text(Cow<'a, str>),
    /// `b"..."`.
    Bytes(Vec<u8>),
    /// `'0'..='9'`, `0..10`.
    Range {
        /// The first.
        from: i64,
        /// The last, or the one behind it.
        to: i64,
        /// Whether `to` belongs to it.
        is_inclusive: bool,
    },
    /// `"GET " + rest`.
    Prefix {
        /// How the text begins.
        prefix: Cow<'a, str>,
        /// The name of what follows.
        rest: Name<'a>,
    },
    /// `()` and tuples.
    Tuple(Vec<PatArg<'a>>),
    /// `[a, b, ..rest]`.
    List(Vec<PatArg<'a>>),
    /// `Circle(r)`, `Shape.Circle(radius: r)`, `shapes.Shape.Circle`, `Point(x, ..)`.
    Constructor {
        /// The module's name before it.
        module: Vec<Name<'a>>,
        /// The type before the variant, or the record's or variant's own name.
        name: Name<'a>,
        /// The variant behind a type's name.
        variant: Option<Name<'a>>,
        /// What is in the parentheses, if there are any.
        args: Option<Vec<PatArg<'a>>>,
    },
    /// `A | B`.
    Or(Vec<Pat<'a>>),
    /// `pattern as name`.
    As {
        /// The pattern.
        pat: Box<Pat<'a>>,
        /// The name of the whole.
        name: Name<'a>,
    },
    /// Could not be read.
    Error,
}

/// A part of a pattern.
#[derive(Clone, PartialEq, Debug)]
pub enum PatArg<'a> {
    /// A pattern, with the field's name when written.
    Pat {
        /// The field.
        name: Option<Name<'a>>,
        /// What it must be.
        pat: Pat<'a>,
    },
    /// `..` or `..rest`.
    Rest {
        /// The name of what is left.
        name: Option<Name<'a>>,
        /// Where it stands.
        span: Span,
    },
}

/// An operator with one operand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum UnaryOp {
    /// `-`.
    Neg,
    /// `!`.
    Not,
    /// `~`.
    BitNot,
}

/// An operator between two operands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BinOp {
    /// `*`.
    Mul,
    /// `/`.
    Div,
    /// `%`.
    Rem,
    /// `*%`.
    MulWrap,
    /// `<<`.
    Shl,
    /// `>>`.
    Shr,
    /// `>>>`.
    ShrUnsigned,
    /// `&`.
    BitAnd,
    /// `+`.
    Add,
    /// `-`.
    Sub,
    /// `+%`.
    AddWrap,
    /// `-%`.
    SubWrap,
    /// `|`.
    BitOr,
    /// `^`.
    BitXor,
    /// `..`.
    Range,
    /// `..=`.
    RangeInclusive,
    /// `==`.
    Eq,
    /// `!=`.
    Ne,
    /// `<`.
    Lt,
    /// `<=`.
    Le,
    /// `>`.
    Gt,
    /// `>=`.
    Ge,
    /// `&&`.
    And,
    /// `||`.
    Or,
}
