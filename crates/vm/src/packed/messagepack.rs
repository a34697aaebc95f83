//! The parts of MessagePack, as written; each appends to `out`.

/// An integer in its shortest form; one that is not negative in an unsigned form.
pub fn int(value: i64, out: &mut Vec<u8>) {
    match value {
        -32..=127 => out.push(value as u8),
        128..=0xff => out.extend([0xcc, value as u8]),
        0x100..=0xffff => {
            out.push(0xcd);
            out.extend((value as u16).to_be_bytes());
        }
        0x1_0000..=0xffff_ffff => {
            out.push(0xce);
            out.extend((value as u32).to_be_bytes());
        }
        0x1_0000_0000.. => {
            out.push(0xcf);
            out.extend(value.to_be_bytes());
        }
        -0x80..=-33 => out.extend([0xd0, value as u8]),
        -0x8000..=-0x81 => {
            out.push(0xd1);
            out.extend((value as i16).to_be_bytes());
        }
        -0x8000_0000..=-0x8001 => {
            out.push(0xd2);
            out.extend((value as i32).to_be_bytes());
        }
        ..=-0x8000_0001 => {
            out.push(0xd3);
            out.extend(value.to_be_bytes());
        }
    }
}

/// A float of 64 bits.
pub fn float(bits: u64, out: &mut Vec<u8>) {
    out.push(0xcb);
    out.extend(bits.to_be_bytes());
}

/// A truth value.
pub fn bool(value: bool, out: &mut Vec<u8>) {
    out.push(0xc2 + u8::from(value));
}

/// What begins a text of so many bytes.
pub fn text_header(length: u32, out: &mut Vec<u8>) {
    match length {
        0..=31 => out.push(0xa0 | length as u8),
        32.. => sized(length, [0xd9, 0xda, 0xdb], out),
    }
}

/// What begins a byte string of so many bytes.
pub fn bytes_header(length: u32, out: &mut Vec<u8>) {
    sized(length, [0xc4, 0xc5, 0xc6], out);
}

/// What begins an array of so many items.
pub fn array_header(length: u32, out: &mut Vec<u8>) {
    match length {
        0..=15 => out.push(0x90 | length as u8),
        16.. => sized_16(length, [0xdc, 0xdd], out),
    }
}

/// What begins a map of so many entries.
pub fn map_header(length: u32, out: &mut Vec<u8>) {
    match length {
        0..=15 => out.push(0x80 | length as u8),
        16.. => sized_16(length, [0xde, 0xdf], out),
    }
}

/// What begins an extension of so many bytes.
pub fn extension_header(kind: i8, length: u32, out: &mut Vec<u8>) {
    match length {
        1 => out.push(0xd4),
        2 => out.push(0xd5),
        4 => out.push(0xd6),
        8 => out.push(0xd7),
        16 => out.push(0xd8),
        0 | 3 | 5..=7 | 9..=15 | 17.. => sized(length, [0xc7, 0xc8, 0xc9], out),
    }
    out.push(kind as u8);
}

/// A marker with a length of 1, 2 or 4 bytes.
fn sized(length: u32, markers: [u8; 3], out: &mut Vec<u8>) {
    let [short, middle, long] = markers;
    match u8::try_from(length) {
        Ok(length) => out.extend([short, length]),
        Err(_) => sized_16(length, [middle, long], out),
    }
}

/// A marker with a length of 2 or 4 bytes.
fn sized_16(length: u32, markers: [u8; 2], out: &mut Vec<u8>) {
    let [short, long] = markers;
    match u16::try_from(length) {
        Ok(length) => {
            out.push(short);
            out.extend(length.to_be_bytes());
        }
        Err(_) => {
            out.push(long);
            out.extend(length.to_be_bytes());
        }
    }
}
