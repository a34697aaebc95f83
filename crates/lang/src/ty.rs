//! Types as the checker and the code generator see them, each kept once.
//!
//! **Invariant:** two equal types have one [`Ty`].

use rustc_hash::FxHashMap;

/// A type; a number in [`Types`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct Ty(u32);

/// A declared type; a number in the program's table.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct DefId(pub u32);

/// What a type is.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Kind {
    /// Something wrong that was told: it goes with everything.
    Error,
    /// Of an expression that does not end: it goes with everything.
    Never,
    /// Tuples; without components `()`.
    Tuple(Vec<Ty>),
    /// Functions: parameters, result, and what they receive.
    Fn(Vec<Ty>, Ty, Vec<Ty>),
    /// A declared type with its arguments.
    Named(DefId, Vec<Ty>),
    /// A type parameter of the declaration being read, by its position.
    Param(u32),
    /// A type that inference is to find.
    Var(u32),
}

/// All types of a program.
pub(crate) struct Types {
    kinds: Vec<Kind>,
    known: FxHashMap<Kind, Ty>,
    /// For each type whether it holds parameters or variables.
    open: Vec<bool>,
    /// For each type how many parts it has, itself included.
    parts: Vec<usize>,
    /// Whether a type was too large since that was asked last.
    overflowed: bool,
}

/// Parts of a type. Larger ones are made by doubling, and nothing could look at their parts one by one.
pub(crate) const PARTS_MAX: usize = 4_096;

/// See [`Kind::Error`].
pub(crate) const ERROR: Ty = Ty(0);
/// See [`Kind::Never`].
pub(crate) const NEVER: Ty = Ty(1);
/// `()`.
pub(crate) const UNIT: Ty = Ty(2);

impl Default for Types {
    fn default() -> Self {
        let mut types =
            Types { kinds: Vec::new(), known: FxHashMap::default(), open: Vec::new(), parts: Vec::new(), overflowed: false };
        types.intern(Kind::Error);
        types.intern(Kind::Never);
        types.intern(Kind::Tuple(Vec::new()));
        types
    }
}

impl Types {
    /// The one number of a type.
    pub(crate) fn intern(&mut self, kind: Kind) -> Ty {
        if let Some(known) = self.known.get(&kind) {
            return *known;
        }
        let open = match &kind {
            Kind::Error | Kind::Never => false,
            Kind::Param(_) | Kind::Var(_) => true,
            Kind::Tuple(items) => items.iter().any(|item| self.is_open(*item)),
            Kind::Named(_, args) => args.iter().any(|arg| self.is_open(*arg)),
            Kind::Fn(params, result, receives) => {
                params.iter().chain(receives).any(|ty| self.is_open(*ty)) || self.is_open(*result)
            }
        };
        let parts = 1 + match &kind {
            Kind::Error | Kind::Never | Kind::Param(_) | Kind::Var(_) => 0,
            Kind::Tuple(items) | Kind::Named(_, items) => items.iter().map(|item| self.parts_of(*item)).sum(),
            Kind::Fn(params, result, receives) => {
                params.iter().chain(receives).chain([result]).map(|item| self.parts_of(*item)).sum()
            }
        };
        if parts > PARTS_MAX {
            self.overflowed = true;
            return ERROR;
        }
        let ty = Ty(self.kinds.len() as u32);
        self.kinds.push(kind.clone());
        self.open.push(open);
        self.parts.push(parts);
        self.known.insert(kind, ty);
        ty
    }

    /// What a type is.
    pub(crate) fn kind(&self, ty: Ty) -> &Kind {
        self.kinds.get(ty.0 as usize).unwrap_or(&Kind::Error)
    }

    fn parts_of(&self, ty: Ty) -> usize {
        self.parts.get(ty.0 as usize).copied().unwrap_or(1)
    }

    /// Whether a type was too large since this was asked last; it became [`ERROR`].
    pub(crate) fn has_overflowed(&mut self) -> bool {
        std::mem::take(&mut self.overflowed)
    }

    /// Whether parameters or variables are in it.
    pub(crate) fn is_open(&self, ty: Ty) -> bool {
        self.open.get(ty.0 as usize).copied().unwrap_or(false)
    }

    /// A declared type with arguments.
    pub(crate) fn named(&mut self, def: DefId, args: Vec<Ty>) -> Ty {
        self.intern(Kind::Named(def, args))
    }

    /// A tuple.
    pub(crate) fn tuple(&mut self, items: Vec<Ty>) -> Ty {
        self.intern(Kind::Tuple(items))
    }

    /// The type with each parameter and variable replaced by what `of` says, where it says something.
    pub(crate) fn replace(&mut self, ty: Ty, of: &dyn Fn(&Kind) -> Option<Ty>) -> Ty {
        if !self.is_open(ty) {
            return ty;
        }
        match self.kind(ty).clone() {
            kind @ (Kind::Param(_) | Kind::Var(_)) => match of(&kind) {
                // What a variable stands for may hold further ones.
                Some(other) if other != ty => self.replace_var(other, &kind, of),
                Some(_) | None => ty,
            },
            Kind::Error | Kind::Never => ty,
            Kind::Tuple(items) => {
                let items = self.replace_all(&items, of);
                self.intern(Kind::Tuple(items))
            }
            Kind::Named(def, args) => {
                let args = self.replace_all(&args, of);
                self.intern(Kind::Named(def, args))
            }
            Kind::Fn(params, result, receives) => {
                let params = self.replace_all(&params, of);
                let result = self.replace(result, of);
                let receives = self.replace_all(&receives, of);
                self.intern(Kind::Fn(params, result, receives))
            }
        }
    }

    fn replace_var(&mut self, other: Ty, from: &Kind, of: &dyn Fn(&Kind) -> Option<Ty>) -> Ty {
        match from {
            Kind::Var(_) => self.replace(other, of),
            Kind::Error | Kind::Never | Kind::Tuple(_) | Kind::Fn(..) | Kind::Named(..) | Kind::Param(_) => other,
        }
    }

    fn replace_all(&mut self, all: &[Ty], of: &dyn Fn(&Kind) -> Option<Ty>) -> Vec<Ty> {
        all.iter().map(|ty| self.replace(*ty, of)).collect()
    }

    /// The type with its parameters replaced by `args`.
    pub(crate) fn instantiate(&mut self, ty: Ty, args: &[Ty]) -> Ty {
        self.replace(ty, &|kind| match kind {
            Kind::Param(at) => args.get(*at as usize).copied(),
            Kind::Error | Kind::Never | Kind::Tuple(_) | Kind::Fn(..) | Kind::Named(..) | Kind::Var(_) => None,
        })
    }
}
