//! Names: how they are written.

use crate::literal;

/// Whether a name can be written without quotes.
pub(crate) fn is_plain(name: &str) -> bool {
    let mut bytes = name.bytes();
    let starts = bytes.next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    starts && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Whether a type or variant can be written without quotes.
pub(crate) fn is_plain_type(name: &str) -> bool {
    is_plain(name) && name.starts_with(|first: char| first.is_ascii_uppercase())
}

/// Writes a name, between backquotes where it is not plain.
pub(crate) fn write(out: &mut String, name: &str, plain: bool) {
    if plain { out.push_str(name) } else { literal::write_text(out, name, '`') }
}
