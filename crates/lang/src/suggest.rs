//! Which known name was probably meant by an unknown one.

pub(crate) use fardel_diagnostic::suggestion;
