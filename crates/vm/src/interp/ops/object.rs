//! Values of type Any, options, and objects with fields.
#![allow(clippy::missing_safety_doc, clippy::undocumented_unsafe_blocks, unsafe_op_in_unsafe_fn)]
// The premise of every operation stands in `super`.

use super::*;

// Any and options. Boxes are followed by an extension.

#[inline(always)]
unsafe fn boxed<D: Dispatch>(mut r: Regs, slot: u16, kind: Kind, ty: u32, value: u64) -> D::Out {
    if !has_room(&r, 16) {
        return need::<D>(r, 16);
    }
    let object = r.base.add(r.top).cast::<u64>();
    object.write(Header::new(kind, ty, 1, 0).0);
    object.add(1).write(value);
    set(&r, slot, r.top as u64);
    r.top += 16;
    over::<D>(r)
}

#[inline(always)]
pub(in crate::interp) unsafe fn box_int<D: Dispatch>(r: Regs) -> D::Out {
    let o = op(&r);
    let value = int(&r, o.b);
    if let Some(small) = word::small_int(value) {
        set(&r, o.a, small);
        return over::<D>(r);
    }
    boxed::<D>(r, o.a, Kind::BoxInt, fardel_bytecode::types::INT.0, value as u64)
}

#[inline(always)]
pub(in crate::interp) unsafe fn box_float<D: Dispatch>(r: Regs) -> D::Out {
    let o = op(&r);
    let value = get(&r, o.b);
    boxed::<D>(r, o.a, Kind::BoxFloat, fardel_bytecode::types::FLOAT.0, value)
}

/// The integer in a word, if it is one.
#[inline(always)]
unsafe fn int_in(r: &Regs, value: u64) -> Option<i64> {
    if value & TAG_MASK == word::TAG_INT {
        return Some(word::int_of(value));
    }
    if word::is_reference(value) && object_header(r, value).is(Kind::BoxInt) {
        return Some(*field_at(r, value, 0) as i64);
    }
    None
}

#[inline(always)]
unsafe fn float_in(r: &Regs, value: u64) -> Option<u64> {
    if word::is_reference(value) && object_header(r, value).is(Kind::BoxFloat) {
        return Some(*field_at(r, value, 0));
    }
    None
}

macro_rules! unboxing {
    ($($name:ident $kind:ident |$r:ident, $value:ident| $found:expr;)*) => {$(
        #[inline(always)]
        pub(in crate::interp) unsafe fn $name<D: Dispatch>($r: Regs) -> D::Out {
            let o = op(&$r);
            let $value = get(&$r, o.b);
            let found: Option<u64> = $found;
            if let Some(found) = found {
                set(&$r, o.a, found);
                return on::<D>($r);
            }
            trap::<D>($r, ErrorKind::$kind)
        }
    )*};
}
unboxing! {
    cast_int BadCast |r, value| int_in(&r, value).map(|int| int as u64);
    cast_float BadCast |r, value| float_in(&r, value);
    cast_bool BadCast |r, value| if value & TAG_MASK == word::TAG_BOOL { Some(value >> 3) } else { None };
    unwrap_int NullValue |r, value| int_in(&r, value).map(|int| int as u64);
    unwrap_float NullValue |r, value| float_in(&r, value);
    unwrap_bool NullValue |r, value| if value == NULL { None } else { Some(value >> 3) };
    unwrap_word NullValue |r, value| if value == NULL { None } else { Some(value) };
}

/// `a` := `b` if it refers to an object of the type `c`; then the next instruction, which looks closer, is stepped over.
#[inline(always)]
pub(in crate::interp) unsafe fn cast_object<D: Dispatch>(mut r: Regs) -> D::Out {
    let o = op(&r);
    let value = get(&r, o.b);
    if word::is_reference(value) && object_header(&r, value).ty() == o.c {
        set(&r, o.a, value);
        r.pc = r.pc.add(3);
        return D::next(r);
    }
    on::<D>(r)
}

/// As [`cast_object`], for the sum type `c`; how many variants it has is in the upper half of the second next extension.
#[inline(always)]
pub(in crate::interp) unsafe fn cast_sum<D: Dispatch>(mut r: Regs) -> D::Out {
    let o = op(&r);
    let value = get(&r, o.b);
    if word::is_reference(value) || value & TAG_MASK == word::TAG_VARIANT {
        let variant = variant_type(&r, value).wrapping_sub(o.c + 1);
        if u64::from(variant) < (*r.pc.add(2)).code.extra >> 32 {
            set(&r, o.a, value);
            r.pc = r.pc.add(3);
            return D::next(r);
        }
    }
    on::<D>(r)
}

// Loads with the cast behind them. What is loaded is not of the type, or there is nothing to load: then the two plain
// instructions that follow find out and say so. `b` and `c` are those of the load, `a` where the cast leaves it; the type
// stands in the extension of the cast.

/// The word at `c` bytes in the object `b`.
#[inline(always)]
unsafe fn loaded_field(r: &Regs) -> Option<u64> {
    let o = op(r);
    Some(r.base.add(get(r, o.b) as usize + o.c as usize).cast::<u64>().read())
}

/// The element of the list `b` at the low half of `c`.
#[inline(always)]
unsafe fn loaded_element(r: &Regs) -> Option<u64> {
    let o = op(r);
    let (list, index) = (get(r, o.b), get(r, o.lo()));
    if index >= *field_at(r, list, 1) {
        return None;
    }
    Some(*field_at(r, *field_at(r, list, 0), index as usize))
}

/// Steps over the load and the cast, and so many instructions in all.
#[inline(always)]
unsafe fn loaded<D: Dispatch>(mut r: Regs, word: u64, length: usize) -> D::Out {
    set(&r, op(&r).a, word);
    r.pc = r.pc.add(length);
    D::next(r)
}

macro_rules! loads_with_casts {
    ($($load:ident: $int:ident $object:ident $sum:ident;)*) => {$(
        #[inline(always)]
        pub(in crate::interp) unsafe fn $int<D: Dispatch>(r: Regs) -> D::Out {
            if let Some(word) = $load(&r)
                && let Some(int) = int_in(&r, word)
            {
                return loaded::<D>(r, int as u64, 3);
            }
            on::<D>(r)
        }

        #[inline(always)]
        pub(in crate::interp) unsafe fn $object<D: Dispatch>(r: Regs) -> D::Out {
            if let Some(word) = $load(&r)
                && word::is_reference(word)
                && object_header(&r, word).ty() == (*r.pc.add(3)).code.extra as u32
            {
                return loaded::<D>(r, word, 4);
            }
            on::<D>(r)
        }

        #[inline(always)]
        pub(in crate::interp) unsafe fn $sum<D: Dispatch>(r: Regs) -> D::Out {
            if let Some(word) = $load(&r)
                && (word::is_reference(word) || word & TAG_MASK == word::TAG_VARIANT)
            {
                let extra = (*r.pc.add(3)).code.extra;
                let variant = variant_type(&r, word).wrapping_sub(extra as u32 + 1);
                if u64::from(variant) < extra >> 32 {
                    return loaded::<D>(r, word, 4);
                }
            }
            on::<D>(r)
        }
    )*};
}
loads_with_casts! {
    loaded_field: field_cast_int field_cast_object field_cast_sum;
    loaded_element: list_get_cast_int list_get_cast_object list_get_cast_sum;
}

// Objects.

/// `c`'s low half := a new object of `b` words taken from the slots from `a` on; the extension holds its header.
#[inline(always)]
pub(in crate::interp) unsafe fn new_words<D: Dispatch>(mut r: Regs) -> D::Out {
    let o = op(&r);
    let count = o.b as usize;
    let bytes = 8 + count * 8;
    if !has_room(&r, bytes) {
        return need::<D>(r, bytes);
    }
    let object = r.base.add(r.top).cast::<u64>();
    object.write((*r.pc.add(1)).code.extra);
    let fields = r.fp.add(o.a as usize).cast::<u64>();
    for at in 0..count {
        object.add(1 + at).write(fields.add(at).read());
    }
    set(&r, o.lo(), r.top as u64);
    r.top += bytes;
    over::<D>(r)
}

/// `a` := a new object of the two words in `b` and the low half of `c`.
#[inline(always)]
pub(in crate::interp) unsafe fn new_2<D: Dispatch>(mut r: Regs) -> D::Out {
    let o = op(&r);
    if !has_room(&r, 24) {
        return need::<D>(r, 24);
    }
    let object = r.base.add(r.top).cast::<u64>();
    object.write((*r.pc.add(1)).code.extra);
    object.add(1).write(get(&r, o.b));
    object.add(2).write(get(&r, o.lo()));
    set(&r, o.a, r.top as u64);
    r.top += 24;
    over::<D>(r)
}

/// `a` := the word at `c` bytes in the object `b`.
#[inline(always)]
pub(in crate::interp) unsafe fn field<D: Dispatch>(r: Regs) -> D::Out {
    let o = op(&r);
    let object = get(&r, o.b) as usize;
    set(&r, o.a, r.base.add(object + o.c as usize).cast::<u64>().read());
    on::<D>(r)
}

/// The word at `c` bytes in the object `a` := `b`. The one store of a reference into an object, with those of
/// containers: where a write barrier would stand.
#[inline(always)]
pub(in crate::interp) unsafe fn set_field<D: Dispatch>(r: Regs) -> D::Out {
    let o = op(&r);
    let object = get(&r, o.a) as usize;
    r.base.add(object + o.c as usize).cast::<u64>().write(get(&r, o.b));
    on::<D>(r)
}

/// The type of a variant's value, which numbers its variant.
#[inline(always)]
unsafe fn variant_type(r: &Regs, value: u64) -> u32 {
    if value & TAG_MASK == TAG_REFERENCE { object_header(r, value).ty() } else { word::number_of(value) }
}

/// `a` := which variant `b` is; `c` is the type of the first one.
#[inline(always)]
pub(in crate::interp) unsafe fn tag<D: Dispatch>(r: Regs) -> D::Out {
    let o = op(&r);
    let ty = variant_type(&r, get(&r, o.b));
    set(&r, o.a, u64::from(ty.wrapping_sub(o.c)));
    on::<D>(r)
}

/// `a` := a field of the variant `b`; `c`: its word (8 bits) and the variant's type.
#[inline(always)]
pub(in crate::interp) unsafe fn payload<D: Dispatch>(r: Regs) -> D::Out {
    let o = op(&r);
    let value = get(&r, o.b);
    if variant_type(&r, value) != o.c >> 8 {
        return trap::<D>(r, ErrorKind::BadVariant);
    }
    set(&r, o.a, *field_at(&r, value, (o.c & 255) as usize));
    on::<D>(r)
}
