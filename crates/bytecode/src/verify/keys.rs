//! Which types can be keys of maps and sets.
//!
//! **Invariant:** a type can be a key unless some value of it surely holds a part that cannot; a part that is Any is
//! looked at when the key is used.

use super::error::{ErrorCode, Errors};
use crate::index::TypeIndex;
use crate::types::{Type, TypeTable};

/// Checks the keys of all maps and sets.
///
/// Nominal types are recursive, so what cannot be a key spreads from parts to wholes, each link walked once.
pub(super) fn check(table: &TypeTable, errors: &mut Errors) {
    let barred = barred(table);
    for (at, ty) in table.all().iter().enumerate() {
        if let Type::Map(key, _) | Type::Set(key) = ty
            && barred.get(key.at()).copied().unwrap_or(true)
        {
            let (whole, key) = (table.display(TypeIndex(at as u32)), table.display(*key));
            errors.module(ErrorCode::BadKey, format!("the keys of {whole} are {key}, which cannot be keys"));
        }
    }
}

/// For each type whether it cannot be a key.
fn barred(table: &TypeTable) -> Vec<bool> {
    let mut barred: Vec<bool> = table.all().iter().map(|ty| !may_be_key(ty)).collect();
    let mut work: Vec<u32> = (0..).zip(&barred).filter(|(_, barred)| **barred).map(|(at, _)| at).collect();
    let (starts, wholes) = wholes(table);
    while let Some(part) = work.pop() {
        let range =
            starts.get(part as usize).zip(starts.get(part as usize + 1)).map(|(from, to)| *from as usize..*to as usize);
        for whole in range.and_then(|range| wholes.get(range)).unwrap_or(&[]) {
            if let Some(flag) = barred.get_mut(*whole as usize)
                && !*flag
            {
                *flag = true;
                work.push(*whole);
            }
        }
    }
    barred
}

/// For each type the types that directly consist of it: where its part of the list starts, and the list.
fn wholes(table: &TypeTable) -> (Vec<u32>, Vec<u32>) {
    let mut starts = vec![0_u32; table.all().len() + 1];
    table
        .all()
        .iter()
        .for_each(|ty| ty.components(|part| starts.get_mut(part.at() + 1).into_iter().for_each(|count| *count += 1)));
    let mut sum = 0;
    starts.iter_mut().for_each(|start| {
        sum += *start;
        *start = sum;
    });
    let mut wholes = vec![0; sum as usize];
    let mut next = starts.clone();
    for (at, ty) in table.all().iter().enumerate() {
        ty.components(|part| {
            if let Some(place) = next.get_mut(part.at()) {
                wholes.get_mut(*place as usize).into_iter().for_each(|slot| *slot = at as u32);
                *place += 1;
            }
        });
    }
    (starts, wholes)
}

/// Whether a type can be a key as far as its own kind goes.
fn may_be_key(ty: &Type) -> bool {
    match ty {
        Type::Null
        | Type::Bool
        | Type::Int
        | Type::Text
        | Type::Bytes
        | Type::Any
        | Type::Address
        | Type::Ref
        | Type::Option(_)
        | Type::Tuple(_)
        | Type::Record(..)
        | Type::Sum(..) => true,
        Type::Float
        | Type::TextBuilder
        | Type::BytesBuilder
        | Type::Handle
        | Type::Array(_)
        | Type::List(_)
        | Type::Map(..)
        | Type::Set(_)
        | Type::Function(..)
        | Type::Object(..) => false,
    }
}
