//! stub
use crate::check::Checked; use crate::program::{ModuleId, Program}; use crate::thir::FnId; use fardel_diagnostic::Report;
pub(crate) struct Roots { pub(crate) main: Option<FnId>, pub(crate) tests: Vec<usize>, pub(crate) exports: Vec<FnId> }
pub(crate) struct Lowered { pub(crate) assembly: String }
pub(crate) fn lower(_: &mut Program<'_>, _: &Checked, _: &Roots) -> Result<Lowered, (ModuleId, Report)> { Ok(Lowered { assembly: String::new() }) }
pub(crate) fn relocate(_: &mut fardel_bytecode::Module, _: &Lowered) {}
