//! What a program declares: modules, types, functions, constants, tests.

use crate::thir::{ConstId, FnId};
use crate::ty::{DefId, Ty, Types};
use fardel_diagnostic::Sink;
use fardel_syntax::ast::{self, Span};
use std::collections::{BTreeMap, BTreeSet};

/// A module; a number in the program's table.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct ModuleId(pub u32);

/// All that is known of a program.
pub(crate) struct Program<'a> {
    pub(crate) types: Types,
    pub(crate) modules: Vec<Module<'a>>,
    pub(crate) defs: Vec<Def<'a>>,
    pub(crate) fns: Vec<FnDef<'a>>,
    pub(crate) consts: Vec<ConstDef<'a>>,
    pub(crate) tests: Vec<TestDef<'a>>,
    /// Names that every module knows.
    pub(crate) prelude: Scope,
    pub(crate) core: Core,
    /// Arguments of written types that are still to be looked at.
    pub(crate) applied: Vec<Applied<'a>>,
    /// Types that do not have what is wanted of them, and where that was told.
    pub(crate) refused: BTreeSet<(ModuleId, Ty, Constraint)>,
}

/// A type argument that stands where its type wants something of it.
pub(crate) struct Applied<'a> {
    pub(crate) module: ModuleId,
    /// The type parameters that are known there.
    pub(crate) generics: Vec<Generic<'a>>,
    pub(crate) ty: Ty,
    pub(crate) constraint: Constraint,
    pub(crate) span: Span,
    /// The type that wants it.
    pub(crate) name: &'a str,
}

/// A module.
pub(crate) struct Module<'a> {
    /// Its path: `kv.store`.
    pub(crate) path: String,
    /// Its file's name, for people.
    pub(crate) file: String,
    pub(crate) source: &'a str,
    /// Whether it is of the standard library.
    pub(crate) is_std: bool,
    /// Whether it is of the program's own package.
    pub(crate) is_own: bool,
    /// The modules that it imports, by the paths that stand in it.
    pub(crate) imports: &'a BTreeMap<String, usize>,
    /// What it declares.
    pub(crate) own: Scope,
    /// What it imports by name.
    pub(crate) imported: Scope,
    /// Modules by the names that they have here.
    pub(crate) modules: BTreeMap<&'a str, ModuleId>,
    /// Names that it imports and that are not there, which was told.
    pub(crate) lost: BTreeSet<&'a str>,
    pub(crate) sink: Sink,
}

/// Names and what they mean.
#[derive(Default, Clone)]
pub(crate) struct Scope {
    pub(crate) types: BTreeMap<String, DefId>,
    pub(crate) values: BTreeMap<String, Value>,
    /// Variants by their name alone: the types that have one.
    pub(crate) variants: BTreeMap<String, Vec<(DefId, usize)>>,
}

/// What the name of a value means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Value {
    Fn(FnId),
    Const(ConstId),
}

/// A declared type.
pub(crate) struct Def<'a> {
    pub(crate) module: ModuleId,
    pub(crate) name: &'a str,
    pub(crate) span: Span,
    pub(crate) is_pub: bool,
    pub(crate) is_opaque: bool,
    pub(crate) generics: Vec<Generic<'a>>,
    pub(crate) kind: DefKind<'a>,
    pub(crate) methods: BTreeMap<&'a str, FnId>,
    pub(crate) attrs: &'a [ast::Attr<'a>],
    /// How it is declared.
    pub(crate) written: &'a ast::TypeKind<'a>,
}

/// A type parameter.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Generic<'a> {
    pub(crate) name: &'a str,
    pub(crate) constraint: Option<Constraint>,
}

/// What a type parameter must have.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Constraint {
    Eq,
    Ord,
    Key,
}

impl Constraint {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Constraint::Eq => "Eq",
            Constraint::Ord => "Ord",
            Constraint::Key => "Key",
        }
    }
}

/// What a declared type is.
pub(crate) enum DefKind<'a> {
    /// Not known yet, or wrong.
    Unknown,
    /// Built into the machine.
    Builtin,
    Alias(Ty),
    /// Immutable fields.
    Record(Vec<Field<'a>>),
    /// Fields of which some change.
    Object(Vec<Field<'a>>),
    Sum(Vec<Variant<'a>>),
}

/// A field.
#[derive(Clone)]
pub(crate) struct Field<'a> {
    pub(crate) name: &'a str,
    pub(crate) ty: Ty,
    pub(crate) is_var: bool,
    pub(crate) default: Option<&'a ast::Expr<'a>>,
    pub(crate) attrs: &'a [ast::Attr<'a>],
}

/// A variant.
#[derive(Clone)]
pub(crate) struct Variant<'a> {
    pub(crate) name: &'a str,
    pub(crate) fields: Vec<Field<'a>>,
    pub(crate) attrs: &'a [ast::Attr<'a>],
}

/// A function.
pub(crate) struct FnDef<'a> {
    pub(crate) module: ModuleId,
    pub(crate) name: &'a str,
    pub(crate) span: Span,
    pub(crate) owner: Option<DefId>,
    pub(crate) is_pub: bool,
    pub(crate) has_self: bool,
    /// Those of the type that owns it first.
    pub(crate) generics: Vec<Generic<'a>>,
    /// With `self` first, if it takes it.
    pub(crate) params: Vec<Param<'a>>,
    pub(crate) result: Ty,
    pub(crate) receives: Vec<Ty>,
    pub(crate) body: &'a ast::Block<'a>,
    /// Instructions that stand in its place, of functions of the standard library.
    pub(crate) asm: Option<&'a str>,
    /// How the compiler writes its body for each type, of functions of the standard library.
    pub(crate) derive: Option<&'a str>,
    /// Whether calls are replaced by its body.
    pub(crate) is_inline: bool,
}

/// A parameter.
#[derive(Clone)]
pub(crate) struct Param<'a> {
    pub(crate) name: &'a str,
    pub(crate) ty: Ty,
    pub(crate) default: Option<&'a ast::Expr<'a>>,
    pub(crate) span: Span,
}

/// A constant.
pub(crate) struct ConstDef<'a> {
    pub(crate) module: ModuleId,
    pub(crate) name: &'a str,
    pub(crate) span: Span,
    pub(crate) is_pub: bool,
    /// Its type, when written.
    pub(crate) written: Option<Ty>,
    /// Its type, once known.
    pub(crate) ty: Option<Ty>,
    pub(crate) value: &'a ast::Expr<'a>,
}

/// A test.
pub(crate) struct TestDef<'a> {
    pub(crate) module: ModuleId,
    pub(crate) title: &'a str,
    pub(crate) params: Vec<Param<'a>>,
    pub(crate) receives: Vec<Ty>,
    pub(crate) body: &'a ast::Block<'a>,
}

macro_rules! core {
    ($($field:ident $name:literal;)*) => {
        /// The declared types that the language itself speaks of.
        #[derive(Clone, Copy, Debug)]
        pub(crate) struct Core {$(pub(crate) $field: DefId,)*}

        impl Core {
            /// Finds them in the prelude; the name of one that is missing.
            pub(crate) fn find(prelude: &Scope) -> Result<Core, &'static str> {
                Ok(Core {$($field: *prelude.types.get($name).ok_or($name)?,)*})
            }

            /// Stands in until they are found.
            pub(crate) fn none() -> Core {
                Core {$($field: DefId(u32::MAX),)*}
            }
        }
    };
}

core! {
    bool "Bool";
    int "Int";
    float "Float";
    text "Text";
    bytes "Bytes";
    duration "Duration";
    instant "Instant";
    reference "Ref";
    node "Node";
    option "Option";
    result "Result";
    list "List";
    map "Map";
    set "Set";
    array "Array";
    range "Range";
    iter "Iter";
    cell "Cell";
    address "Address";
    reply "Reply";
    pending "Pending";
    monitor "Monitor";
    byte "Byte";
    i32 "I32";
    f32 "F32";
    spawn_error "SpawnError";
    builder "Builder";
}

impl<'a> Program<'a> {
    pub(crate) fn module(&self, id: ModuleId) -> &Module<'a> {
        &self.modules[id.0 as usize]
    }

    pub(crate) fn module_mut(&mut self, id: ModuleId) -> &mut Module<'a> {
        &mut self.modules[id.0 as usize]
    }

    pub(crate) fn def(&self, id: DefId) -> &Def<'a> {
        &self.defs[id.0 as usize]
    }

    pub(crate) fn fun(&self, id: FnId) -> &FnDef<'a> {
        &self.fns[id.0 as usize]
    }

    pub(crate) fn constant(&self, id: ConstId) -> &ConstDef<'a> {
        &self.consts[id.0 as usize]
    }

    /// A built-in type without arguments.
    pub(crate) fn plain(&mut self, def: DefId) -> Ty {
        self.types.named(def, Vec::new())
    }
}
