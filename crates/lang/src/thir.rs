//! Typed bodies: what the checker makes of a function and the code generator reads.
//!
//! Names are resolved, arguments stand in the order of parameters, defaults are filled in, and every expression has its type.
//! Types may hold the function's type parameters, and variables whose meaning stands in [`Body::solutions`]. Locals of a
//! function and of the closures in it are numbered together.

use crate::ty::{DefId, Ty};
use fardel_syntax::ast::Span;

/// A function; a number in the program's table.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct FnId(pub u32);

/// A constant; a number in the program's table.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct ConstId(pub u32);

/// A local of a body.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct LocalId(pub u32);

/// A local.
#[derive(Clone, Debug)]
pub(crate) struct Local {
    pub(crate) name: String,
    pub(crate) ty: Ty,
    /// Whether it can be assigned.
    pub(crate) is_var: bool,
    pub(crate) span: Span,
    /// How many closures it is inside of.
    pub(crate) depth: u32,
}

/// A checked function, constant or test.
#[derive(Clone, Debug)]
pub(crate) struct Body {
    pub(crate) locals: Vec<Local>,
    pub(crate) params: Vec<LocalId>,
    pub(crate) value: Expr,
    pub(crate) result: Ty,
    pub(crate) receives: Vec<Ty>,
    /// What inference found for each variable.
    pub(crate) solutions: Vec<Option<Ty>>,
}

/// An expression.
#[derive(Clone, Debug)]
pub(crate) struct Expr {
    pub(crate) kind: ExprKind,
    pub(crate) ty: Ty,
    pub(crate) span: Span,
}

/// A closure.
#[derive(Clone, Debug)]
pub(crate) struct Closure {
    pub(crate) params: Vec<LocalId>,
    /// Locals from outside that it uses.
    pub(crate) captures: Vec<LocalId>,
    pub(crate) body: Expr,
    pub(crate) result: Ty,
    pub(crate) receives: Vec<Ty>,
}

/// An operation on values of built-in types. What it does with which type is the code generator's matter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Op {
    Add,
    Sub,
    Mul,
    Div,
    Rem,
    AddWrap,
    SubWrap,
    MulWrap,
    BitAnd,
    BitOr,
    BitXor,
    Shl,
    Shr,
    ShrUnsigned,
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    Neg,
    Not,
    BitNot,
}

/// What an expression is.
#[derive(Clone, Debug)]
pub(crate) enum ExprKind {
    /// Something wrong that was told.
    Error,
    Unit,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    Bytes(Vec<u8>),
    Local(LocalId),
    Const(ConstId),
    /// A function as a value, with its type arguments.
    FnValue(FnId, Vec<Ty>),
    Call(FnId, Vec<Ty>, Vec<Expr>),
    CallValue(Box<Expr>, Vec<Expr>),
    Closure(Box<Closure>),
    Op(Op, Vec<Expr>),
    And(Box<Expr>, Box<Expr>),
    Or(Box<Expr>, Box<Expr>),
    /// Texts and values that are shown, one behind the other.
    Interpolated(Vec<Expr>),
    Tuple(Vec<Expr>),
    List(Vec<Expr>),
    Map(Vec<(Expr, Expr)>),
    /// A record or object with all its fields, in the order of the type.
    Record(Vec<Expr>),
    /// A copy of a record or object with some fields changed.
    With(Box<Expr>, Vec<(usize, Expr)>),
    /// A variant by its number, with all its fields.
    Variant(usize, Vec<Expr>),
    /// A field of a record, object or tuple.
    Field(Box<Expr>, usize),
    Index(Box<Expr>, Box<Expr>),
    Block(Vec<Expr>, Option<Box<Expr>>),
    /// Binds a pattern that always matches.
    Let(Box<Pat>, Box<Expr>),
    /// Binds a pattern, or runs what does not come back.
    LetElse(Box<Pat>, Box<Expr>, Box<Expr>),
    If(Box<Cond>, Box<Expr>, Option<Box<Expr>>),
    Match(Box<Expr>, Vec<Arm>),
    /// `?`.
    Try(Box<Expr>, Try),
    Receive(Box<Receive>),
    Serve(Box<Serve>),
    Spawn(Box<Spawn>),
    Me,
    Return(Option<Box<Expr>>),
    Break,
    Continue,
    While(Box<Cond>, Box<Expr>),
    For(Box<For>),
    /// A local, field or element changes; with an operation it is `+=` or its like.
    Assign(Box<Place>, Option<Op>, Box<Expr>),
}

/// What can be assigned.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    Local(LocalId),
    Field(Expr, usize),
    Index(Expr, Expr),
}

/// A condition.
#[derive(Clone, Debug)]
pub(crate) enum Cond {
    Expr(Expr),
    Let(Pat, Expr),
}

/// How `?` ends the function.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Try {
    /// With `None`.
    Option,
    /// With the error as it is.
    Same,
    /// With the error in this variant of the function's error type.
    Wrapped(usize, Ty),
}

/// `for`.
#[derive(Clone, Debug)]
pub(crate) struct For {
    pub(crate) pat: Pat,
    pub(crate) over: Expr,
    pub(crate) body: Expr,
    pub(crate) how: Loop,
}

/// What a loop goes over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Loop {
    /// `a..b`, `a..=b` as written: both operands are at hand.
    Range {
        is_inclusive: bool,
    },
    List,
    Map,
    Set,
    Array,
    /// An `Iter`: a record whose field is a function that gives an option.
    Iter,
    /// A value of the type `Range`.
    RangeValue,
}

/// An arm.
#[derive(Clone, Debug)]
pub(crate) struct Arm {
    pub(crate) pat: Pat,
    pub(crate) guard: Option<Expr>,
    pub(crate) body: Expr,
}

/// `receive` and `select`.
#[derive(Clone, Debug)]
pub(crate) struct Receive {
    /// Whether messages that no arm takes keep their places.
    pub(crate) is_selective: bool,
    /// What the function receives.
    pub(crate) set: Vec<Ty>,
    /// The arms with the type of their messages, by its position in `set`; nothing for all.
    pub(crate) arms: Vec<(Option<usize>, Arm)>,
    pub(crate) after: Option<(Expr, Expr)>,
}

/// `serve`.
#[derive(Clone, Debug)]
pub(crate) struct Serve {
    pub(crate) state: LocalId,
    pub(crate) init: Expr,
    pub(crate) receive: Receive,
}

/// `spawn`.
#[derive(Clone, Debug)]
pub(crate) struct Spawn {
    pub(crate) options: Vec<(SpawnOption, Expr)>,
    pub(crate) what: SpawnWhat,
    /// The type of messages of the new fiber's address.
    pub(crate) message: Ty,
}

/// An option of `spawn`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum SpawnOption {
    On,
    Durable,
    Link,
    Mailbox,
    Full,
    Memory,
}

/// What a new fiber does.
#[derive(Clone, Debug)]
pub(crate) enum SpawnWhat {
    Call(FnId, Vec<Ty>, Vec<Expr>),
    /// A closure without parameters; what it captures are the arguments.
    Closure(Box<Closure>),
}

/// A pattern.
#[derive(Clone, Debug)]
pub(crate) struct Pat {
    pub(crate) kind: PatKind,
    pub(crate) ty: Ty,
    pub(crate) span: Span,
}

/// What a pattern is.
#[derive(Clone, Debug)]
pub(crate) enum PatKind {
    Any,
    Bind(LocalId),
    As(LocalId, Box<Pat>),
    Int(i64),
    Float(f64),
    Bool(bool),
    Text(String),
    Bytes(Vec<u8>),
    /// From, to; both belong to it.
    Range(i64, i64),
    /// How a text begins, and the rest.
    Prefix(String, Option<LocalId>),
    /// A tuple or record, with a pattern for each component.
    Fields(Vec<Pat>),
    /// A variant, with a pattern for each field.
    Variant(usize, Vec<Pat>),
    /// The first elements; with a rest the list may be longer, and the rest may have a name.
    List(Vec<Pat>, Option<Option<LocalId>>),
    Or(Vec<Pat>),
}

/// The function that has an answer come as a message, as the standard library declares it.
pub(crate) const DELIVER: &str = "deliver {make}";

/// A function that is a constructor with one hole: what is evaluated when it is made, itself, and the fields, of which the
/// others are evaluated then as well. Nothing when it is another one.
pub(crate) fn constructor(made: &Expr) -> Option<(&[Expr], &Closure, &[Expr])> {
    let (lets, made) = match &made.kind {
        ExprKind::Block(lets, Some(made)) => (&lets[..], &**made),
        _ => (&[][..], made),
    };
    let ExprKind::Closure(closure) = &made.kind else { return None };
    let (ExprKind::Record(fields) | ExprKind::Variant(_, fields)) = &closure.body.kind else { return None };
    let holes = fields.iter().filter(|field| is_hole(field, closure)).count();
    (holes == 1).then_some((lets, closure, fields))
}

/// Whether a field of a constructor is its hole.
pub(crate) fn is_hole(field: &Expr, closure: &Closure) -> bool {
    matches!(field.kind, ExprKind::Local(local) if closure.params == [local])
}

/// A declared type's id and arguments, when a type is one.
pub(crate) fn named(types: &crate::ty::Types, ty: Ty) -> Option<(DefId, &[Ty])> {
    if let crate::ty::Kind::Named(def, args) = types.kind(ty) { Some((*def, args)) } else { None }
}
