//! Lists, arrays, texts, builders: what needs no room.
#![allow(clippy::missing_safety_doc, clippy::undocumented_unsafe_blocks, unsafe_op_in_unsafe_fn)]
// The premise of every operation stands in `super`.

use super::*;

// Containers. Words of a list: storage, length. Of a map: keys, values, index, entries used, entries alive.

macro_rules! lengths {
    ($($name:ident $word:literal;)*) => {$(
        #[inline(always)]
        pub(in crate::interp) unsafe fn $name<D: Dispatch>(r: Regs) -> D::Out {
            let o = op(&r);
            set(&r, o.a, *field_at(&r, get(&r, o.b), $word));
            on::<D>(r)
        }
    )*};
}
lengths! {
    list_len 1;
    array_len 0;
    map_len 4;
}

/// The bytes of a text or byte string: their place and count.
#[inline(always)]
unsafe fn bytes_of(r: &Regs, value: u64) -> (*const u8, usize) {
    if value & TAG_MASK != TAG_REFERENCE {
        return (*r.core).constants.raw(word::number_of(value));
    }
    let header = object_header(r, value);
    if header.is(Kind::Text) || header.is(Kind::Bytes) {
        return (field_at(r, value, 1).cast::<u8>().cast_const(), *field_at(r, value, 0) as usize);
    }
    let (start, length) = (*field_at(r, value, 1) as usize, *field_at(r, value, 2) as usize);
    (((*r.core).shared.raw(*field_at(r, value, 0) as u32)).add(start), length)
}

#[inline(always)]
pub(in crate::interp) unsafe fn text_len<D: Dispatch>(r: Regs) -> D::Out {
    let o = op(&r);
    set(&r, o.a, bytes_of(&r, get(&r, o.b)).1 as u64);
    on::<D>(r)
}

/// `a` := the byte of the text or byte string `b` at the low half of `c`.
#[inline(always)]
pub(in crate::interp) unsafe fn byte_at<D: Dispatch>(r: Regs) -> D::Out {
    let o = op(&r);
    let (bytes, length) = bytes_of(&r, get(&r, o.b));
    let index = get(&r, o.lo()) as usize;
    if index >= length {
        return trap::<D>(r, ErrorKind::OutOfRange);
    }
    set(&r, o.a, u64::from(bytes.add(index).read()));
    on::<D>(r)
}

/// `a` := the element of the list `b` at the low half of `c`.
#[inline(always)]
pub(in crate::interp) unsafe fn list_get<D: Dispatch>(r: Regs) -> D::Out {
    let o = op(&r);
    let (list, index) = (get(&r, o.b), get(&r, o.lo()));
    if index >= *field_at(&r, list, 1) {
        return trap::<D>(r, ErrorKind::OutOfRange);
    }
    set(&r, o.a, *field_at(&r, *field_at(&r, list, 0), index as usize));
    on::<D>(r)
}

/// The element of the list `a` at `b` := the low half of `c`.
#[inline(always)]
pub(in crate::interp) unsafe fn list_set<D: Dispatch>(r: Regs) -> D::Out {
    let o = op(&r);
    let (list, index) = (get(&r, o.a), get(&r, o.b));
    if index >= *field_at(&r, list, 1) {
        return trap::<D>(r, ErrorKind::OutOfRange);
    }
    *field_at(&r, *field_at(&r, list, 0), index as usize) = get(&r, o.lo());
    on::<D>(r)
}

/// Adds `b` to the list `a` if its storage has room; then the next instruction, which makes room, is stepped over.
#[inline(always)]
pub(in crate::interp) unsafe fn list_push<D: Dispatch>(mut r: Regs) -> D::Out {
    let o = op(&r);
    let list = get(&r, o.a);
    let (storage, length) = (*field_at(&r, list, 0), *field_at(&r, list, 1));
    if storage != NULL && length < object_header(&r, storage).words() as u64 {
        *field_at(&r, storage, length as usize) = get(&r, o.b);
        *field_at(&r, list, 1) = length + 1;
        r.pc = r.pc.add(3);
        return D::next(r);
    }
    on::<D>(r)
}

/// `a` := the last element of the list `b`, which is removed.
#[inline(always)]
pub(in crate::interp) unsafe fn list_pop<D: Dispatch>(r: Regs) -> D::Out {
    let o = op(&r);
    let list = get(&r, o.b);
    let length = *field_at(&r, list, 1);
    if length == 0 {
        return trap::<D>(r, ErrorKind::OutOfRange);
    }
    let slot = field_at(&r, *field_at(&r, list, 0), length as usize - 1);
    set(&r, o.a, slot.read());
    // What is behind the length is null, so that it keeps nothing alive.
    slot.write(NULL);
    *field_at(&r, list, 1) = length - 1;
    on::<D>(r)
}

macro_rules! array_get {
    ($($name:ident $element:ty, |$x:ident| $value:expr;)*) => {$(
        #[inline(always)]
        pub(in crate::interp) unsafe fn $name<D: Dispatch>(r: Regs) -> D::Out {
            let o = op(&r);
            let (array, index) = (get(&r, o.b), get(&r, o.lo()));
            if index >= *field_at(&r, array, 0) {
                return trap::<D>(r, ErrorKind::OutOfRange);
            }
            let $x = field_at(&r, array, 1).cast::<$element>().add(index as usize).read();
            set(&r, o.a, $value);
            on::<D>(r)
        }
    )*};
}
array_get! {
    array_get_8 u64, |x| x;
    array_get_byte u8, |x| u64::from(x);
    array_get_i32 i32, |x| i64::from(x) as u64;
    array_get_f32 f32, |x| f64::from(x).to_bits();
}

macro_rules! array_set {
    ($($name:ident $element:ty, |$x:ident| $value:expr;)*) => {$(
        #[inline(always)]
        pub(in crate::interp) unsafe fn $name<D: Dispatch>(r: Regs) -> D::Out {
            let o = op(&r);
            let (array, index, $x) = (get(&r, o.a), get(&r, o.b), get(&r, o.lo()));
            if index >= *field_at(&r, array, 0) {
                return trap::<D>(r, ErrorKind::OutOfRange);
            }
            let value: Option<$element> = $value;
            if let Some(value) = value {
                field_at(&r, array, 1).cast::<$element>().add(index as usize).write(value);
                return on::<D>(r);
            }
            trap::<D>(r, ErrorKind::OutOfRange)
        }
    )*};
}
array_set! {
    array_set_8 u64, |x| Some(x);
    array_set_byte u8, |x| u8::try_from(x).ok();
    array_set_i32 i32, |x| i32::try_from(x as i64).ok();
    array_set_f32 f32, |x| Some(f64::from_bits(x) as f32);
}

macro_rules! array_set_k {
    ($($name:ident $element:ty;)*) => {$(
        #[inline(always)]
        pub(in crate::interp) unsafe fn $name<D: Dispatch>(r: Regs) -> D::Out {
            let o = op(&r);
            let (array, index) = (get(&r, o.a), get(&r, o.b));
            if index >= *field_at(&r, array, 0) {
                return trap::<D>(r, ErrorKind::OutOfRange);
            }
            field_at(&r, array, 1).cast::<$element>().add(index as usize).write(o.c as i32 as $element);
            on::<D>(r)
        }
    )*};
}
// The element at `b` of the array `a` := `c`, which is one.
array_set_k! {
    array_set_int_k i64;
    array_set_byte_k u8;
}

/// Adds the byte `b` to the builder `a` if its storage has room; then the next instruction is stepped over.
#[inline(always)]
pub(in crate::interp) unsafe fn builder_byte<D: Dispatch>(mut r: Regs) -> D::Out {
    let o = op(&r);
    let (builder, byte) = (get(&r, o.a), get(&r, o.b));
    if byte > 255 {
        return trap::<D>(r, ErrorKind::OutOfRange);
    }
    let (storage, length) = (*field_at(&r, builder, 0), *field_at(&r, builder, 1));
    if storage != NULL && length < object_header(&r, storage).words() as u64 * 8 {
        field_at(&r, storage, 0).cast::<u8>().add(length as usize).write(byte as u8);
        *field_at(&r, builder, 1) = length + 1;
        r.pc = r.pc.add(3);
        return D::next(r);
    }
    on::<D>(r)
}
