//! From syntax trees to tables: what each module declares, with the types that are written.
//!
//! Names of types come first, then what they are, then functions and constants; so items may stand in any order.

use crate::code::Code;
use crate::program::{
    Applied, ConstDef, Constraint, Core, Def, DefKind, Field, FnDef, Generic, ModuleId, Param, Program, TestDef, Value,
    Variant,
};
use crate::suggest::suggestion;
use crate::thir::{ConstId, FnId};
use crate::ty::{DefId, ERROR, Kind, Ty, UNIT};
use fardel_diagnostic::Report;
use fardel_syntax::ast::{self, ItemKind, MemberKind, Span, TypeExprKind, TypeKind};

/// Aliases that lead to each other: each takes some of the stack.
const ALIASES_MAX: usize = 4_096;

/// What type parameters are known where a type is written.
pub(crate) type Generics<'a> = [Generic<'a>];

impl<'a> Program<'a> {
    /// Reads what all modules declare. `asts` are theirs.
    pub(crate) fn declare(&mut self, asts: &'a [ast::File<'a>]) {
        let modules = (0..self.modules.len() as u32).map(ModuleId);
        for (module, ast) in modules.clone().zip(asts) {
            self.type_names(module, ast);
        }
        self.prelude_types();
        for (module, ast) in modules.clone().zip(asts) {
            self.module_names(module, ast);
            self.import_types(module, ast);
        }
        self.aliases();
        for def in 0..self.defs.len() as u32 {
            self.define(DefId(def));
        }
        for (module, ast) in modules.clone().zip(asts) {
            self.values(module, ast);
        }
        for (module, ast) in modules.zip(asts) {
            self.import_values(module, ast);
        }
    }

    /// Tells something about a module.
    pub(crate) fn tell(&mut self, module: ModuleId, report: Report) {
        report.tell(&mut self.module_mut(module).sink);
    }

    fn duplicate(&mut self, module: ModuleId, what: &str, name: ast::Name<'_>, first: Span) {
        let message = format!("{what} `{}` is declared twice", name.text);
        let report = Report::error(Code::Duplicate, name.span, message).label("declared again");
        self.tell(module, report.also(first, "first declared here"));
    }

    fn type_names(&mut self, module: ModuleId, ast: &'a ast::File<'a>) {
        for item in &ast.items {
            let ItemKind::Type(declared) = &item.kind else { continue };
            let name = declared.name;
            if name.text.is_empty() {
                continue;
            }
            if let Some(first) = self.module(module).own.types.get(name.text) {
                let first = self.def(*first).span;
                self.duplicate(module, "the type", name, first);
                continue;
            }
            let id = DefId(self.defs.len() as u32);
            let generics = self.generics(module, &declared.generics, &[]);
            self.defs.push(Def {
                module,
                name: name.text,
                span: name.span,
                is_pub: item.is_pub,
                is_opaque: declared.is_opaque,
                generics,
                kind: DefKind::Unknown,
                methods: Default::default(),
                attrs: &item.attrs,
                written: &declared.kind,
            });
            let own = &mut self.module_mut(module).own;
            own.types.insert(name.text.to_owned(), id);
            let TypeKind::Body(members) = &declared.kind else { continue };
            let variants = members.iter().filter_map(|member| match &member.kind {
                MemberKind::Variant { name, .. } => Some(name.text),
                MemberKind::Field { .. } | MemberKind::Method { .. } => None,
            });
            for (at, variant) in variants.enumerate() {
                own.variants.entry(variant.to_owned()).or_default().push((id, at));
            }
        }
    }

    fn generics(&mut self, module: ModuleId, written: &[ast::Generic<'a>], before: &Generics<'a>) -> Vec<Generic<'a>> {
        let mut all = before.to_vec();
        for generic in written {
            if all.iter().any(|known| known.name == generic.name.text) {
                let message = format!("the type parameter `{}` is declared twice", generic.name.text);
                let report = Report::error(Code::Duplicate, generic.name.span, message).label("declared again");
                self.tell(module, report.hint("give it another name"));
                continue;
            }
            let constraint = generic.constraint.and_then(|constraint| match constraint.text {
                "Eq" => Some(Constraint::Eq),
                "Ord" => Some(Constraint::Ord),
                "Key" => Some(Constraint::Key),
                other => {
                    let message = format!("unknown constraint `{other}`");
                    let report = Report::error(Code::UnknownType, constraint.span, message).label("not a constraint");
                    self.tell(module, report.hint("there are `Eq`, `Ord` and `Key`; for more, pass a function"));
                    None
                }
            });
            all.push(Generic { name: generic.name.text, constraint });
        }
        all
    }

    /// What every module knows: what the modules of the standard library mark.
    fn prelude_types(&mut self) {
        for id in 0..self.defs.len() as u32 {
            let def = &self.defs[id as usize];
            if self.module(def.module).is_std && has_attr(def.attrs, "prelude") {
                let name = def.name.to_owned();
                let module = def.module;
                self.prelude.types.insert(name, DefId(id));
                let variants: Vec<_> =
                    self.module(module).own.variants.iter().map(|(name, all)| (name.clone(), all.clone())).collect();
                for (name, all) in variants {
                    for (of, at) in all.into_iter().filter(|(of, _)| of.0 == id) {
                        self.prelude.variants.entry(name.clone()).or_default().push((of, at));
                    }
                }
            }
        }
        match Core::find(&self.prelude) {
            Ok(core) => self.core = core,
            Err(missing) => unreachable!("the standard library declares `{missing}`"),
        }
    }

    fn import_types(&mut self, module: ModuleId, ast: &'a ast::File<'a>) {
        for import in &ast.uses {
            let Some(from) = self.imported_module(module, import) else { continue };
            for name in import.names.iter().flatten() {
                let other = self.module(from);
                let Some(def) = other.own.types.get(name.text).copied() else {
                    // Types are told of before they are needed; a value may have the name.
                    if !other.own.values.contains_key(name.text) {
                        self.module_mut(module).lost.insert(name.text);
                    }
                    continue;
                };
                let here = self.module(module);
                if let Some(known) = here.own.types.get(name.text).or_else(|| here.imported.types.get(name.text)).copied() {
                    self.imported_twice(module, name, known == def);
                    continue;
                }
                let variants: Vec<(String, usize)> = other
                    .own
                    .variants
                    .iter()
                    .flat_map(|(variant, all)| all.iter().map(move |(of, at)| (variant.clone(), *of, *at)))
                    .filter(|(_, of, _)| *of == def)
                    .map(|(variant, _, at)| (variant, at))
                    .collect();
                self.check_pub(module, name, self.def(def).is_pub, from);
                let imported = &mut self.module_mut(module).imported;
                imported.types.insert(name.text.to_owned(), def);
                for (variant, at) in variants {
                    imported.variants.entry(variant).or_default().push((def, at));
                }
            }
        }
    }

    fn import_values(&mut self, module: ModuleId, ast: &'a ast::File<'a>) {
        for import in &ast.uses {
            let Some(from) = self.imported_module(module, import) else { continue };
            for name in import.names.iter().flatten() {
                let other = self.module(from);
                if other.own.types.contains_key(name.text) {
                    continue;
                }
                let Some(value) = other.own.values.get(name.text).copied() else {
                    let names = other.own.types.keys().chain(other.own.values.keys()).map(String::as_str);
                    let hint = suggestion(name.text, names);
                    let message = format!("the module `{}` has no `{}`", other.path, name.text);
                    let report = Report::error(Code::UnknownName, name.span, message).label("not found").maybe_hint(hint);
                    self.tell(module, report);
                    self.module_mut(module).lost.insert(name.text);
                    continue;
                };
                let is_pub = match value {
                    Value::Fn(id) => self.fun(id).is_pub,
                    Value::Const(id) => self.constant(id).is_pub,
                };
                self.check_pub(module, name, is_pub, from);
                let here = self.module(module);
                if let Some(known) = here.own.values.get(name.text).or_else(|| here.imported.values.get(name.text)).copied()
                {
                    self.imported_twice(module, name, known == value);
                    continue;
                }
                self.module_mut(module).imported.values.insert(name.text.to_owned(), value);
            }
        }
    }

    /// Tells of an imported name that another thing has here.
    fn imported_twice(&mut self, module: ModuleId, name: &ast::Name<'_>, is_same: bool) {
        let (message, hint) = match is_same {
            true => (format!("`{}` is imported twice", name.text), "leave it out".to_owned()),
            false => {
                let hint = "import the module instead, and write `module.name`".to_owned();
                (format!("the name `{}` means something else here already", name.text), hint)
            }
        };
        self.tell(module, Report::error(Code::Duplicate, name.span, message).label("imported again").hint(hint));
    }

    /// Tells of modules that have one name.
    fn module_names(&mut self, module: ModuleId, ast: &'a ast::File<'a>) {
        let mut known: Vec<(&str, Span)> = Vec::new();
        for import in ast.uses.iter().filter(|import| import.names.is_none()) {
            let Some(name) = import.alias.as_ref().or(import.path.last()) else { continue };
            match known.iter().find(|(other, _)| *other == name.text).copied() {
                None => known.push((name.text, import.span)),
                Some((_, first)) => {
                    let message = format!("two modules have the name `{}` here", name.text);
                    let report =
                        Report::error(Code::Duplicate, import.span, message).label("again").also(first, "first here");
                    self.tell(module, report.hint("give one another name: `use a.b as c`"));
                }
            }
        }
    }

    fn check_pub(&mut self, module: ModuleId, name: &ast::Name<'_>, is_pub: bool, from: ModuleId) {
        if !is_pub {
            let message = format!("`{}` is private to the module `{}`", name.text, self.module(from).path);
            let report = Report::error(Code::Private, name.span, message).label("private");
            let from = self.module(from);
            let hint = (!from.is_std).then(|| format!("write `pub` before its declaration in `{}`", from.file));
            self.tell(module, report.maybe_hint(hint));
        }
    }

    /// The module that an import names; the loader has told when there is none.
    fn imported_module(&self, module: ModuleId, import: &ast::Use<'a>) -> Option<ModuleId> {
        let path: Vec<&str> = import.path.iter().map(|name| name.text).collect();
        self.module(module).imports.get(&path.join(".")).map(|at| ModuleId(*at as u32))
    }

    /// Resolves aliases, each after those that it names.
    fn aliases(&mut self) {
        let count = self.defs.len() as u32;
        let written: Vec<Option<&'a ast::Type<'a>>> = (0..count)
            .map(|at| match self.def(DefId(at)).written {
                TypeKind::Alias(ty) => Some(ty),
                TypeKind::Body(_) => None,
            })
            .collect();
        let mut state = vec![AliasState::New; count as usize];
        for at in 0..count {
            self.alias(DefId(at), &written, &mut state, 0);
        }
    }

    fn alias(&mut self, id: DefId, written: &[Option<&'a ast::Type<'a>>], state: &mut [AliasState], depth: usize) {
        let Some(ty) = written[id.0 as usize] else { return };
        match state[id.0 as usize] {
            AliasState::Done => return,
            AliasState::Open => {
                let (module, span, name) = (self.def(id).module, self.def(id).span, self.def(id).name);
                let message = format!("the type `{name}` is an alias of itself");
                let report = Report::error(Code::Cycle, span, message).label("leads back to itself");
                self.tell(module, report.hint("a record or sum may contain itself: `type Name { .. }`"));
                self.defs[id.0 as usize].kind = DefKind::Alias(ERROR);
                state[id.0 as usize] = AliasState::Done;
                return;
            }
            AliasState::New if depth > ALIASES_MAX => {
                let (module, span) = (self.def(id).module, self.def(id).span);
                let message = format!("more than {ALIASES_MAX} aliases lead to each other");
                self.tell(module, Report::error(Code::TooLarge, span, message).label("one of them"));
                self.defs[id.0 as usize].kind = DefKind::Alias(ERROR);
                state[id.0 as usize] = AliasState::Done;
                return;
            }
            AliasState::New => state[id.0 as usize] = AliasState::Open,
        }
        let module = self.def(id).module;
        let mut names = Vec::new();
        names_in(ty, &mut names);
        for (path, name) in names {
            if let Some(other) = self.find_type(module, &path, name) {
                self.alias(other, written, state, depth + 1);
            }
        }
        if state[id.0 as usize] == AliasState::Done {
            return;
        }
        let generics = self.def(id).generics.clone();
        let ty = self.written_type(module, ty, &generics);
        self.defs[id.0 as usize].kind = DefKind::Alias(ty);
        state[id.0 as usize] = AliasState::Done;
    }

    /// A type by the names that it is written with.
    pub(crate) fn find_type(&self, module: ModuleId, path: &[&str], name: &str) -> Option<DefId> {
        match path {
            [] => {
                let here = self.module(module);
                let found = here.own.types.get(name).or_else(|| here.imported.types.get(name));
                found.or_else(|| self.prelude.types.get(name)).copied()
            }
            path => {
                let other = self.find_module(module, path)?;
                self.module(other).own.types.get(name).copied()
            }
        }
    }

    /// A module by the name that it has in another.
    pub(crate) fn find_module(&self, module: ModuleId, path: &[&str]) -> Option<ModuleId> {
        match path {
            [one] => self.module(module).modules.get(one).copied(),
            _ => None,
        }
    }

    /// The type that is written.
    pub(crate) fn written_type(&mut self, module: ModuleId, ty: &ast::Type<'a>, generics: &Generics<'a>) -> Ty {
        let out = self.written(module, ty, generics);
        if self.types.has_overflowed() {
            self.tell_large_type(module, ty.span);
        }
        out
    }

    /// Tells that a type is too large.
    pub(crate) fn tell_large_type(&mut self, module: ModuleId, span: Span) {
        let message = format!("a type has {} parts at most", crate::ty::PARTS_MAX);
        let report = Report::error(Code::TooLarge, span, message).label("of a larger type");
        self.tell(module, report.hint("hold parts in a list, or give them a type of their own: `type Name { .. }`"));
    }

    fn written(&mut self, module: ModuleId, ty: &ast::Type<'a>, generics: &Generics<'a>) -> Ty {
        match &ty.kind {
            TypeExprKind::Error => ERROR,
            TypeExprKind::Tuple(items) => {
                let items = items.iter().map(|item| self.written_type(module, item, generics)).collect();
                self.types.tuple(items)
            }
            TypeExprKind::Fn { params, result, receives } => {
                let params = params.iter().map(|param| self.written_type(module, param, generics)).collect();
                let result = result.as_ref().map_or(UNIT, |result| self.written_type(module, result, generics));
                let receives = receives.iter().map(|one| self.written_type(module, one, generics)).collect();
                self.types.intern(Kind::Fn(params, result, receives))
            }
            TypeExprKind::Named { module: path, name, args } => {
                let args: Vec<Ty> = args.iter().map(|arg| self.written_type(module, arg, generics)).collect();
                if path.is_empty()
                    && let Some(at) = generics.iter().position(|generic| generic.name == name.text)
                {
                    return self.types.intern(Kind::Param(at as u32));
                }
                if path.is_empty() && name.text == "Never" {
                    return crate::ty::NEVER;
                }
                let path: Vec<&str> = path.iter().map(|part| part.text).collect();
                if name.text == "Fiber" && path.is_empty() && args.is_empty() {
                    let address = self.core.address;
                    return self.types.named(address, vec![crate::ty::NEVER]);
                }
                let Some(def) = self.find_type(module, &path, name.text) else {
                    self.unknown_type(module, &path, name, generics);
                    return ERROR;
                };
                self.check_visible(module, def, name.span);
                self.apply(module, def, args, ty.span, generics)
            }
        }
    }

    fn unknown_type(&mut self, module: ModuleId, path: &[&str], name: &ast::Name<'a>, generics: &Generics<'a>) {
        let here = self.module(module);
        let is_lost = here.lost.contains(path.first().copied().unwrap_or(name.text));
        if name.text.is_empty() || is_lost {
            return;
        }
        let hint = match path {
            [] => {
                let generics = generics.iter().map(|generic| generic.name);
                let known = here.own.types.keys().chain(here.imported.types.keys()).chain(self.prelude.types.keys());
                let near = suggestion(name.text, known.map(String::as_str).chain(generics));
                let from = self.modules.iter().find(|other| other.own.types.contains_key(name.text));
                let import = from.map(|other| format!("`use {}.{{{}}}` brings one of this name", other.path, name.text));
                foreign_type(name.text).or(near).or(import)
            }
            _ => match self.find_module(module, path) {
                Some(other) => suggestion(name.text, self.module(other).own.types.keys().map(String::as_str)),
                None => Some(format!("`use {}` brings the module", path.join("."))),
            },
        };
        let message = match self.find_module(module, path).filter(|_| !path.is_empty()) {
            Some(other) => format!("the module `{}` has no type `{}`", self.module(other).path, name.text),
            None => format!("unknown type `{}`", name.text),
        };
        let report = Report::error(Code::UnknownType, name.span, message).label("not declared").maybe_hint(hint);
        self.tell(module, report);
    }

    /// Tells when a type of another module is private.
    pub(crate) fn check_visible(&mut self, module: ModuleId, def: DefId, span: Span) {
        let found = self.def(def);
        if found.module != module && !found.is_pub {
            let (name, from) = (found.name, self.module(found.module).path.clone());
            let message = format!("the type `{name}` is private to the module `{from}`");
            let report = Report::error(Code::Private, span, message).label("private");
            let is_std = self.module(self.def(def).module).is_std;
            self.tell(module, report.maybe_hint((!is_std).then(|| format!("write `pub type {name}` there"))));
        }
    }

    /// A declared type with its arguments.
    fn apply(&mut self, module: ModuleId, def: DefId, args: Vec<Ty>, span: Span, generics: &Generics<'a>) -> Ty {
        let (wanted, name) = (self.def(def).generics.len(), self.def(def).name);
        if args.len() != wanted {
            let message = format!("`{name}` takes {}, seen: {}", count(wanted, "type argument"), args.len());
            let generics: Vec<&str> = self.def(def).generics.iter().map(|generic| generic.name).collect();
            let hint = (wanted > 0).then(|| format!("write `{name}<{}>`", generics.join(", ")));
            self.tell(module, Report::error(Code::TypeArguments, span, message).label("here").maybe_hint(hint));
            return ERROR;
        }
        if def == self.core.array && !self.module(module).is_std && !self.is_element(args.first().copied()) {
            let message = "the elements of an `Array` are `Int`, `Float`, `Byte`, `I32` or `F32`";
            let report = Report::error(Code::TypeArguments, span, message).label("an array of something else");
            self.tell(module, report.hint("a `List` holds anything"));
            return ERROR;
        }
        for (at, arg) in args.iter().enumerate() {
            if let Some(constraint) = self.def(def).generics.get(at).and_then(|generic| generic.constraint) {
                let generics = generics.to_vec();
                self.applied.push(Applied { module, generics, ty: *arg, constraint, span, name });
            }
        }
        match self.def(def).kind {
            DefKind::Alias(ty) => self.types.instantiate(ty, &args),
            DefKind::Unknown | DefKind::Builtin | DefKind::Record(_) | DefKind::Object(_) | DefKind::Sum(_) => {
                self.types.named(def, args)
            }
        }
    }

    /// Whether a type can be that of an array's elements.
    fn is_element(&self, ty: Option<Ty>) -> bool {
        let core = self.core;
        match ty.map(|ty| self.types.kind(ty)) {
            Some(Kind::Named(def, _)) => [core.int, core.float, core.byte, core.i32, core.f32].contains(def),
            Some(Kind::Error) => true,
            _ => false,
        }
    }

    fn define(&mut self, id: DefId) {
        let TypeKind::Body(members) = self.def(id).written else { return };
        let module = self.def(id).module;
        let generics = self.def(id).generics.clone();
        let own = self.def(id);
        let is_builtin = self.module(module).is_std && has_attr(own.attrs, "builtin");
        let (mut fields, mut variants): (Vec<Field<'a>>, Vec<Variant<'a>>) = (Vec::new(), Vec::new());
        let mut first_field = None;
        for member in members {
            match &member.kind {
                MemberKind::Field { is_var, field } => {
                    if let Some(known) = fields.iter().find(|known| known.name == field.name.text) {
                        let message = format!("the field `{}` is declared twice", known.name);
                        self.tell(module, Report::error(Code::Duplicate, field.name.span, message).label("declared again"));
                        continue;
                    }
                    first_field.get_or_insert(member.span);
                    let ty = self.written_type(module, &field.ty, &generics);
                    let default = field.default.as_ref();
                    fields.push(Field { name: field.name.text, ty, is_var: *is_var, default, attrs: &member.attrs });
                }
                MemberKind::Variant { name, fields: own } => {
                    if let Some(known) = variants.iter().find(|known| known.name == name.text) {
                        let message = format!("the variant `{}` is declared twice", known.name);
                        self.tell(module, Report::error(Code::Duplicate, name.span, message).label("declared again"));
                    }
                    let mut of_variant: Vec<Field<'a>> = Vec::new();
                    for field in own {
                        if of_variant.iter().any(|known| known.name == field.name.text) {
                            let message = format!("the field `{}` is declared twice", field.name.text);
                            self.tell(
                                module,
                                Report::error(Code::Duplicate, field.name.span, message).label("declared again"),
                            );
                        }
                        let ty = self.written_type(module, &field.ty, &generics);
                        let default = field.default.as_ref();
                        of_variant.push(Field { name: field.name.text, ty, is_var: false, default, attrs: &[] });
                    }
                    variants.push(Variant { name: name.text, fields: of_variant, attrs: &member.attrs });
                }
                MemberKind::Method { is_pub, function } => {
                    if let Some(first) = self.def(id).methods.get(function.name.text) {
                        let first = self.fun(*first).span;
                        self.duplicate(module, "the method", function.name, first);
                        continue;
                    }
                    let attrs: &'a [ast::Attr<'a>] = &member.attrs;
                    let method = self.function(module, function, attrs, *is_pub, Some(id), &generics);
                    self.defs[id.0 as usize].methods.insert(function.name.text, method);
                }
            }
        }
        if let (Some(span), false) = (first_field, variants.is_empty()) {
            let message = format!("`{}` has fields and variants", self.def(id).name);
            let report = Report::error(Code::MixedType, span, message).label("a field of a type with variants");
            self.tell(
                module,
                report.hint("a type has either fields or variants; give each variant its fields: `Name(field: Type)`"),
            );
        }
        let kind = if is_builtin {
            DefKind::Builtin
        } else if !variants.is_empty() {
            DefKind::Sum(variants)
        } else if fields.iter().any(|field| field.is_var) {
            DefKind::Object(fields)
        } else {
            DefKind::Record(fields)
        };
        self.defs[id.0 as usize].kind = kind;
    }

    /// The types behind `receives`, no two of one name: the arms of a `receive` could not tell them apart.
    pub(crate) fn message_set(
        &mut self,
        module: ModuleId,
        written: &'a [ast::Type<'a>],
        generics: &Generics<'a>,
    ) -> Vec<Ty> {
        let set: Vec<Ty> = written.iter().map(|ty| self.written_type(module, ty, generics)).collect();
        for (at, ty) in set.iter().enumerate() {
            let name = self.name_of(*ty);
            let first = set[..at].iter().position(|known| *known == *ty || name.is_some() && self.name_of(*known) == name);
            let Some(first) = first.filter(|_| *ty != ERROR) else { continue };
            let message = match name {
                Some(name) if set[first] != *ty => format!("two types of the set are called `{name}`"),
                _ => "a type stands twice in the set".to_owned(),
            };
            let report = Report::error(Code::Receives, written[at].span, message)
                .label("again")
                .also(written[first].span, "first here");
            let hint = if set[first] == *ty {
                "leave it out"
            } else {
                "give one of them another name, or put it into a variant of a type of its own"
            };
            self.tell(module, report.hint(hint));
        }
        let mut kept: Vec<Ty> = Vec::new();
        set.into_iter().for_each(|ty| {
            if !kept.contains(&ty) {
                kept.push(ty)
            }
        });
        kept
    }

    fn name_of(&self, ty: Ty) -> Option<&'a str> {
        if let Kind::Named(def, _) = self.types.kind(ty) { Some(self.def(*def).name) } else { None }
    }

    fn function(
        &mut self,
        module: ModuleId,
        function: &'a ast::Fn<'a>,
        attrs: &'a [ast::Attr<'a>],
        is_pub: bool,
        owner: Option<DefId>,
        before: &Generics<'a>,
    ) -> FnId {
        let mut generics = self.generics(module, &function.generics, before);
        // A method of the standard library may want more of its type's first parameter than the type does.
        let wants = if self.module(module).is_std { attr_text(attrs, "needs") } else { None };
        if let (Some(wants), Some(first)) = (wants, generics.first_mut()) {
            first.constraint = if wants == "Ord" { Some(Constraint::Ord) } else { first.constraint };
        }
        let mut params = Vec::new();
        if let (Some(span), Some(owner)) = (function.self_param, owner) {
            let args = (0..before.len() as u32).map(|at| self.types.intern(Kind::Param(at))).collect();
            let ty = self.types.named(owner, args);
            params.push(Param { name: "self", ty, default: None, span });
        } else if let Some(span) = function.self_param {
            let report = Report::error(Code::MisplacedSelf, span, "a function outside of a type takes no `self`");
            self.tell(module, report.label("not inside a type").hint("methods stand in the body of their type"));
        }
        for param in &function.params {
            let ty = self.written_type(module, &param.ty, &generics);
            if let Some(known) = params.iter().find(|known: &&Param<'_>| known.name == param.name.text && known.name != "_")
            {
                let first = known.span;
                self.duplicate(module, "the parameter", param.name, first);
            }
            params.push(Param { name: param.name.text, ty, default: param.default.as_ref(), span: param.name.span });
        }
        let result = function.result.as_ref().map_or(UNIT, |ty| self.written_type(module, ty, &generics));
        let receives = self.message_set(module, &function.receives, &generics);
        let is_std = self.module(module).is_std;
        let id = FnId(self.fns.len() as u32);
        self.fns.push(FnDef {
            module,
            name: function.name.text,
            span: function.name.span,
            owner,
            is_pub,
            has_self: function.self_param.is_some() && owner.is_some(),
            generics,
            params,
            result,
            receives,
            body: &function.body,
            asm: if is_std { attr_text(attrs, "asm") } else { None },
            derive: if is_std { attr_text(attrs, "derive") } else { None },
            is_inline: is_std && has_attr(attrs, "inline"),
        });
        id
    }

    fn values(&mut self, module: ModuleId, ast: &'a ast::File<'a>) {
        for item in &ast.items {
            let (name, value) = match &item.kind {
                ItemKind::Type(_) => continue,
                ItemKind::Fn(function) => {
                    let id = self.function(module, function, &item.attrs, item.is_pub, None, &[]);
                    (function.name, Value::Fn(id))
                }
                ItemKind::Const(constant) => {
                    let written = constant.ty.as_ref().map(|ty| self.written_type(module, ty, &[]));
                    let id = ConstId(self.consts.len() as u32);
                    self.consts.push(ConstDef {
                        module,
                        name: constant.name.text,
                        span: constant.name.span,
                        is_pub: item.is_pub,
                        written,
                        ty: written,
                        value: &constant.value,
                    });
                    (constant.name, Value::Const(id))
                }
                ItemKind::Test(test) => {
                    let params = test.params.iter().map(|param| Param {
                        name: param.name.text,
                        ty: self.written_type(module, &param.ty, &[]),
                        default: None,
                        span: param.name.span,
                    });
                    let params = params.collect();
                    let receives = self.message_set(module, &test.receives, &[]);
                    let (title, body) = (&*test.title, &test.body);
                    self.tests.push(TestDef { module, title, params, receives, body });
                    continue;
                }
            };
            if name.text.is_empty() {
                continue;
            }
            if let Some(first) = self.module(module).own.values.get(name.text).copied() {
                let first = match first {
                    Value::Fn(id) => self.fun(id).span,
                    Value::Const(id) => self.constant(id).span,
                };
                self.duplicate(module, "the name", name, first);
                continue;
            }
            let is_prelude = self.module(module).is_std && has_attr(&item.attrs, "prelude");
            self.module_mut(module).own.values.insert(name.text.to_owned(), value);
            if is_prelude {
                self.prelude.values.insert(name.text.to_owned(), value);
            }
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum AliasState {
    New,
    Open,
    Done,
}

/// The names of types in a written type.
fn names_in<'a>(ty: &ast::Type<'a>, out: &mut Vec<(Vec<&'a str>, &'a str)>) {
    match &ty.kind {
        TypeExprKind::Error => {}
        TypeExprKind::Tuple(items) => items.iter().for_each(|item| names_in(item, out)),
        TypeExprKind::Fn { params, result, receives } => {
            params.iter().chain(receives).for_each(|one| names_in(one, out));
            result.iter().for_each(|one| names_in(one, out));
        }
        TypeExprKind::Named { module, name, args } => {
            out.push((module.iter().map(|part| part.text).collect(), name.text));
            args.iter().for_each(|arg| names_in(arg, out));
        }
    }
}

/// Whether an attribute is there.
pub(crate) fn has_attr(attrs: &[ast::Attr<'_>], name: &str) -> bool {
    attrs.iter().any(|attr| attr.name.text == name)
}

/// The one text that an attribute has as argument.
pub(crate) fn attr_text<'a>(attrs: &'a [ast::Attr<'a>], name: &str) -> Option<&'a str> {
    let attr = attrs.iter().find(|attr| attr.name.text == name)?;
    text_of(attr.args.first()?)
}

/// The text of an argument that is one.
pub(crate) fn text_of<'a>(arg: &'a ast::Arg<'a>) -> Option<&'a str> {
    let ast::ArgKind::Value(value) = &arg.kind else { return None };
    let ast::ExprKind::Text(parts) = &value.kind else { return None };
    match parts.as_slice() {
        [ast::TextPart::Text(text)] => Some(text),
        [] => Some(""),
        _ => None,
    }
}

/// `3 things`, `1 thing`.
pub(crate) fn count(number: usize, what: &str) -> String {
    match number {
        0 => format!("no {what}s"),
        1 => format!("1 {what}"),
        many => format!("{many} {what}s"),
    }
}

/// What types of other languages are called here.
fn foreign_type(name: &str) -> Option<String> {
    let here = match name {
        "String" | "Str" => "Text",
        "Integer" | "I64" | "Long" | "Number" => "Int",
        "Double" | "F64" => "Float",
        "Boolean" => "Bool",
        "Vec" | "Vector" | "Seq" => "List",
        "Dict" | "HashMap" | "Dictionary" => "Map",
        "HashSet" => "Set",
        "Unit" | "Void" => "()",
        "Maybe" | "Optional" => "Option",
        "Either" => "Result",
        "Pid" | "Actor" | "ActorRef" => "Address",
        "Box" | "Rc" | "Arc" | "Ptr" | "Pointer" => return Some("leave it out: values are held as they are".to_owned()),
        _ => return None,
    };
    Some(format!("it is called `{here}` here"))
}
