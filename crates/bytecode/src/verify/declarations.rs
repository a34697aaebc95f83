//! What a module declares besides its types and code: imports, host functions, signatures, exports.
//!
//! **Invariant:** after [`check`] every signature is within the limits and names types that exist.

use super::error::{ErrorCode, Errors};
use super::interner::{Interner, Mixer};
use super::tables::unique;
use crate::index::{FunctionIndex, TypeIndex};
use crate::limits::{CODE_BYTES_MAX, DATA_MAX, FUNCTIONS_MAX, HOSTS_MAX, LOCALS_MAX, NAME_BYTES_MAX, PARAMS_MAX};
use crate::module::{Function, Module, features};

/// A function as its callers see it.
#[derive(Clone, Copy)]
pub(super) struct Signature<'m> {
    pub(super) name: &'m str,
    pub(super) captures: &'m [TypeIndex],
    pub(super) params: &'m [TypeIndex],
    pub(super) result: Option<TypeIndex>,
}

/// The function at an index, imported or own.
#[inline]
pub(super) fn signature(module: &Module, function: FunctionIndex) -> Option<Signature<'_>> {
    if let Some(own) = function.at().checked_sub(module.imports.len()) {
        let own = module.functions.get(own)?;
        return Some(Signature { name: &own.name, captures: &own.captures, params: &own.params, result: own.result });
    }
    let import = module.imports.get(function.at())?;
    Some(Signature { name: &import.name, captures: &[], params: &import.params, result: import.result })
}

/// Checks all of it.
pub(super) fn check(module: &Module, mixer: Mixer, errors: &mut Errors) {
    let mut check = Check { module, mixer, errors };
    check.limits();
    check.imports();
    check.hosts();
    check.functions();
    check.exports();
}

struct Check<'m, 'e> {
    module: &'m Module,
    mixer: Mixer,
    errors: &'e mut Errors,
}

impl Check<'_, '_> {
    fn limits(&mut self) {
        let unknown = self.module.features & !features::KNOWN;
        if unknown != 0 {
            self.errors.module(ErrorCode::WrongFeatures, format!("feature bits {unknown:#x} are not known"));
        }
        let functions = self.module.imports.len() + self.module.functions.len();
        for (what, count, max) in [
            ("functions", functions, FUNCTIONS_MAX),
            ("host functions", self.module.hosts.len(), HOSTS_MAX),
            ("exports", self.module.exports.len(), FUNCTIONS_MAX),
            ("entries of data", self.module.data.len(), DATA_MAX),
        ] {
            if count > max {
                self.errors.module(ErrorCode::OverLimit, format!("{count} {what}, at most {max}"));
            }
        }
    }

    fn imports(&mut self) {
        let imports = &self.module.imports;
        let mut seen = Interner::with_capacity(imports.len());
        for (at, import) in imports.iter().enumerate() {
            self.name("import", &import.name);
            self.signature("import", &import.name, &import.params, import.result);
            let hash = self.mixer.bytes(&import.module.0).bytes(import.name.as_bytes()).finish();
            let same = |other: u32| {
                imports.get(other as usize).is_some_and(|other| (other.module, &other.name) == (import.module, &import.name))
            };
            if seen.insert(hash, at as u32, same).is_some() {
                let detail = format!("`{}` of module {} is imported twice", import.name.escape_debug(), import.module);
                self.errors.module(ErrorCode::DuplicateName, detail);
            }
        }
    }

    fn hosts(&mut self) {
        let hosts = &self.module.hosts;
        unique(self.mixer, hosts.iter().map(|host| host.name.as_str()), "host functions", self.errors);
        for host in hosts {
            self.signature("host function", &host.name, &host.params, host.result);
        }
    }

    fn functions(&mut self) {
        let functions = &self.module.functions;
        unique(self.mixer, functions.iter().map(|function| function.name.as_str()), "functions", self.errors);
        let mut seen_in = vec![0; self.module.types.all().len()];
        for (function, round) in functions.iter().zip(1_u32..) {
            self.signature("function", &function.name, &function.params, function.result);
            self.types(&function.name, function.captures.iter().chain(&function.locals));
            for (what, count, max) in
                [("locals", function.local_count(), LOCALS_MAX), ("bytes of code", function.code.len(), CODE_BYTES_MAX)]
            {
                if count > max {
                    self.errors.function(&function.name, ErrorCode::OverLimit, format!("{count} {what}, at most {max}"));
                }
            }
            self.mailbox(function, round, &mut seen_in);
            if self.errors.full() {
                return;
            }
        }
    }

    fn mailbox(&mut self, function: &Function, round: u32, seen_in: &mut [u32]) {
        for ty in function.mailbox.iter().flatten() {
            match seen_in.get_mut(ty.at()) {
                None => self.types(&function.name, std::iter::once(ty)),
                Some(seen) if *seen == round => {
                    let detail = format!("the message type {} stands twice", self.module.types.display(*ty));
                    self.errors.function(&function.name, ErrorCode::DuplicateMessage, detail);
                }
                Some(seen) => *seen = round,
            }
        }
    }

    fn exports(&mut self) {
        let mut last: Option<&str> = None;
        for export in &self.module.exports {
            self.name("export", &export.name);
            let name = export.name.escape_debug();
            match last {
                Some(last) if last == export.name => {
                    self.errors.module(ErrorCode::DuplicateName, format!("two exports are named `{name}`"));
                }
                Some(last) if *last > *export.name => {
                    let detail = format!("export `{name}` stands behind `{}`", last.escape_debug());
                    self.errors.module(ErrorCode::ExportOrder, detail);
                }
                Some(_) | None => {}
            }
            last = Some(&export.name);
            match signature(self.module, export.function) {
                None => self.errors.module(
                    ErrorCode::UnknownFunction,
                    format!("export `{name}` is function {}, which does not exist", export.function),
                ),
                Some(function) if !function.captures.is_empty() => self.errors.module(
                    ErrorCode::Captures,
                    format!("export `{name}` is a function with {} captured values", function.captures.len()),
                ),
                Some(_) => {}
            }
        }
    }

    fn name(&mut self, what: &str, name: &str) {
        if name.is_empty() || name.len() > NAME_BYTES_MAX {
            let detail = format!("the name of an {what} has {} bytes, wanted 1 to {NAME_BYTES_MAX}", name.len());
            self.errors.module(ErrorCode::BadName, detail);
        }
    }

    fn signature(&mut self, what: &str, name: &str, params: &[TypeIndex], result: Option<TypeIndex>) {
        if params.len() > PARAMS_MAX {
            let detail = format!("the {what} has {} parameters, at most {PARAMS_MAX}", params.len());
            self.errors.function(name, ErrorCode::OverLimit, detail);
        }
        self.types(name, params.iter().chain(&result));
    }

    fn types<'t>(&mut self, name: &str, types: impl Iterator<Item = &'t TypeIndex>) {
        for ty in types.filter(|ty| self.module.types.get(**ty).is_none()).take(1) {
            self.errors.function(name, ErrorCode::UnknownType, format!("type {ty} is not declared"));
        }
    }
}
