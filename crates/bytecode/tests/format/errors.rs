//! Every rule of the format, by bytes that break it and the whole message for them.

use fardel_bytecode::format::{MAGIC, decode};

const HEADER: &[u8] = b"\0fdm\x01\0\0\0\0\0";

/// A module with these sections, each a number and its body.
fn module(sections: &[(u8, &[u8])]) -> Vec<u8> {
    let mut bytes = HEADER.to_vec();
    for (number, body) in sections {
        bytes.push(*number);
        fardel_bytecode::leb::write_u32(&mut bytes, body.len() as u32);
        bytes.extend_from_slice(body);
    }
    bytes
}

#[track_caller]
fn check(sections: &[(u8, &[u8])], message: &str) {
    check_bytes(&module(sections), message);
}

#[track_caller]
fn check_bytes(bytes: &[u8], message: &str) {
    match decode(bytes) {
        Ok(module) => panic!("expected the error: {message}\nbut it is a module: {module:?}"),
        Err(error) => assert_eq!(error.to_string(), message),
    }
}

#[test]
fn header() {
    check_bytes(b"", "header.magic at byte 0: this takes 4 bytes, but 0 are left");
    check_bytes(
        b"\x7fELF\x02\x01\x01\0\0\0",
        "header.magic at byte 0: 7f 45 4c 46 is not a module; one starts with 00 66 64 6d",
    );
    check_bytes(
        b"\0fdm\x02\0\0\0\0\0",
        "header.version at byte 4: format version 2 is unknown; this reader knows version 1",
    );
    check_bytes(
        b"\0fdm\x01\0\x20\0\0\0",
        "header.features at byte 6: feature bit 5 is unknown to this reader; a newer one is needed",
    );
    check_bytes(
        b"\0fdm\x01\0\x01\0\0\0",
        "header.features at byte 6: feature bit 0, draft, is set: this was made before version 1 was final; make it again from \
         its source",
    );
    check_bytes(&MAGIC, "header.version at byte 4: this takes 2 bytes, but 0 are left");
}

#[test]
fn sections() {
    check(&[(8, b"")], "section at byte 10: section number 8 is unknown; the last one known is 7, debug");
    check(&[(0, b"")], "section at byte 10: section number 0 is unknown; the last one known is 7, debug");
    check(&[(6, b"\x01\x00\x00")], "exports[0].function at byte 14: function 0 does not exist; there is none");
    check(
        &[(4, b"\x01\x00\x00"), (3, b"\x01\x00\x00\x00")],
        "section at byte 15: section hosts stands behind section data, but each stands once, in the order of the numbers",
    );
    check(
        &[(4, b"\x01\x00\x00"), (4, b"\x01\x00\x00")],
        "section at byte 15: section data stands behind section data, but each stands once, in the order of the numbers",
    );
    check(&[(4, b"\x00")], "data at byte 12: this section is empty, and an empty section is left out");
    check(&[(1, b"\x00")], "types at byte 12: this section is empty, and an empty section is left out");
    check(&[(4, b"\x01\x00\x00\x00")], "data at byte 15: bytes left over behind the last item: 1");
    check(&[(4, b"")], "data at byte 12: the bytes end inside this item");
    check_bytes(&[HEADER, b"\x04\x05\x01"].concat(), "data at byte 12: this takes 5 bytes, but 1 are left");
    check_bytes(
        &[HEADER, b"\x04\x83\x00\x01\x00\x00"].concat(),
        "data at byte 11: this number is not in its shortest encoding",
    );
}

#[test]
fn types() {
    check(&[(1, b"\x01\x00\x00")], "types[0] at byte 13: unknown form 0, wanted a form of type, 1 to 9");
    check(&[(1, b"\x01\x0a\x00")], "types[0] at byte 13: unknown form 10, wanted a form of type, 1 to 9");
    check(&[(1, b"\x01\x01\x02")], "types[0] at byte 13: this type is built in as type 18");
    check(
        &[(1, b"\x02\x04\x02\x04\x02")],
        "types[1] at byte 15: the same as number 0 of the list, which has everything once",
    );
    check(&[(1, b"\x01\x01\x21")], "types[0] at byte 14: type 33 does not exist; the last one is 32");
    check(
        &[(1, b"\x01\x02\x20")],
        "types[0] at byte 13: type 32 refers to this structural type, which must stand before it",
    );
    check(
        &[(1, b"\x02\x02\x21\x04\x02")],
        "types[1] at byte 15: type 32 refers to this structural type, which must stand before it",
    );
    check(&[(1, b"\x01\x06\x00\x22")], "types[0].result at byte 15: type 33 does not exist; the last one is 32");
    check(
        &[(1, b"\x02\x07\x01A\x00\x08\x01A\x00")],
        "types[1].name at byte 18: the same as number 0 of the list, which has everything once",
    );
    check(
        &[(1, b"\x01\x07\x01A\x02\x01x\x02\x00\x01x\x02\x00")],
        "types[0].fields[1].name at byte 21: the same as number 0 of the list, which has everything once",
    );
    check(
        &[(1, b"\x01\x09\x01A\x02\x01X\x00\x01X\x00")],
        "types[0].variants[1].name at byte 20: the same as number 0 of the list, which has everything once",
    );
    check(
        &[(1, b"\x01\x07\x01A\x01\x01x\x02\x01")],
        "types[0].fields[0].flags at byte 20: field flags 0x01, but only 0x0e are allowed here",
    );
    check(
        &[(1, b"\x01\x08\x01A\x01\x01x\x02\x10")],
        "types[0].fields[0].flags at byte 20: field flags 0x10, but only 0x0f are allowed here",
    );
    check(
        &[(1, b"\x01\x07\x01A\x01\x01x\x02\x02\x07")],
        "types[0].fields[0].default at byte 21: unknown form 7, wanted a form of constant, 0 to 6",
    );
    check(
        &[(1, b"\x01\x07\x01A\x01\x01x\x02\x04\x00")],
        "types[0].fields[0].was at byte 21: an empty list of former names, which is left out",
    );
    check(&[(1, b"\x01\x07\x02\xff\xfe\x00")], "types[0].name at byte 15: this text is not UTF-8 from its byte 0 on");
    check(&[(1, b"\x01\x07\x81\x08")], "types[0].name at byte 14: a name of 1025 bytes, but at most 1024 are allowed");
    check(&[(1, b"\x01\x09\x01A\x81\x20")], "types[0].variants at byte 16: 4097 variants, but at most 4096 are allowed");
    check(&[(1, b"\x01\x05\xfb\x01")], "types[0].fields at byte 14: 251 fields, but at most 250 are allowed");
    check(&[(1, b"\xff\xff\xff\xff\x0f\x01")], "types at byte 12: 4294967295 types, but at most 65536 are allowed");
    check(&[(1, b"\xff\xff\x03\x01")], "types at byte 12: a list of 65535 needs at least 131070 bytes, but 1 are left");
}

#[test]
fn nesting() {
    let nested = |count: u8| {
        let mut body = vec![count];
        (0..count).for_each(|at| body.extend_from_slice(&[2, if at == 0 { 1 } else { 31 + at }]));
        body
    };
    assert!(decode(&module(&[(1, &nested(64))])).is_ok());
    check(&[(1, &nested(65))], "types[64] at byte 142: this structural type is nested 65 deep, but at most 64 are allowed");
}

#[test]
fn imports_and_hosts() {
    check(&[(2, b"\x01\xab")], "imports at byte 12: a list of 1 needs at least 35 bytes, but 1 are left");
    check(&[(3, b"\x01\x01f\x41")], "hosts[0].params at byte 15: 65 parameters, but at most 64 are allowed");
    check(&[(3, b"\x01\x01f\x01\x20\x00")], "hosts[0].params[0] at byte 16: type 32 does not exist; the last one is 31");
    check(&[(3, b"\x01\x01f\x00\x22")], "hosts[0].result at byte 16: type 33 does not exist; the last one is 31");
}

#[test]
fn data() {
    check(&[(4, b"\x01\x02\x00")], "data[0] at byte 13: unknown form 2, wanted 0, text, or 1, bytes");
    check(&[(4, b"\x01\x00\x03a\xffb")], "data[0] at byte 15: this text is not UTF-8 from its byte 1 on");
    check(
        &[(4, b"\x03\x00\x01a\x01\x01a\x00\x01a")],
        "data[2] at byte 19: the same as number 0 of the list, which has everything once",
    );
    check(&[(4, b"\x01\x00\x05ab")], "data[0] at byte 15: this takes 5 bytes, but 2 are left");
    check(
        &[(4, b"\x80\x80\x40\x00\x00")],
        "data at byte 12: a list of 1048576 needs at least 2097152 bytes, but 2 are left",
    );
    check(&[(4, b"\x81\x80\x40\x00\x00")], "data at byte 12: 1048577 entries, but at most 1048576 are allowed");
}

#[test]
fn functions() {
    let function = |parts: &[u8]| [b"\x01\x01f", parts].concat();
    check(
        &[(5, &[2, 1, b'f', 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, b'f', 0, 0, 0, 0, 0, 0, 0, 0, 0])],
        "functions[1].name at byte 24: the same as number 0 of the list, which has everything once",
    );
    check(
        &[(5, &function(b"\x01\x20\x00\x00\x00\x00\x00\x00\x00\x00"))],
        "functions[0].captures[0] at byte 16: type 32 does not exist; the last one is 31",
    );
    check(
        &[(5, &function(b"\x00\x41\x00\x00\x00\x00\x00\x00\x00\x00"))],
        "functions[0].params at byte 16: 65 parameters, but at most 64 are allowed",
    );
    check(
        &[(5, &function(&[&[1, 2, 0, 0x80, 2][..], &[2; 256], &[0; 6]].concat()))],
        "functions[0] at byte 16: 257 locals with captured values and parameters, but at most 256 are allowed",
    );
    check(
        &[(5, &function(b"\x00\x00\x00\x00\x03\x02\x20\x00\x00\x00\x00"))],
        "functions[0].mailbox[1] at byte 21: type 32 does not exist; the last one is 31",
    );
    check(
        &[(5, &function(b"\x00\x00\x00\x00\x00\x01\x00\x01\x20\x00\x00\x00\x00"))],
        "functions[0].targets[0].stack[0] at byte 23: type 32 does not exist; the last one is 31",
    );
    check(
        &[(5, &function(b"\x00\x00\x00\x00\x00\x01\x00\x00\x01\x01\x00\x00\x00"))],
        "functions[0].targets[0].live at byte 23: local 0 does not exist; there is none",
    );
    check(
        &[(5, &function(b"\x00\x00\x01\x02\x00\x00\x01\x00\x00\x02\x01\x00\x00\x00\x00"))],
        "functions[0].targets[0].live at byte 24: this set of locals ends in a zero byte, which is left out",
    );
    check(
        &[(5, &function(b"\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00"))],
        "functions[0].handlers[0].target at byte 24: target 0 does not exist; there is none",
    );
    check(
        &[(5, &function(b"\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x01\x00\x00\x00"))],
        "functions[0].serve_points[0].state at byte 27: local 0 does not exist; there is none",
    );
    check(
        &[(5, &function(b"\x00\x00\x00\x00\x00\x00\x00\x00\x81\x80\x80\x08\x00"))],
        "functions[0].code at byte 23: 16777217 bytes of code, but at most 16777216 are allowed",
    );
    check(
        &[(5, &function(b"\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00"))],
        "functions[0].code at byte 24: this takes 2 bytes, but 1 are left",
    );
    check(
        &[(5, b"\xff\xff\xff\xff\x0f\x00")],
        "functions at byte 12: 4294967295 functions besides those imported, but at most 1048576 are allowed",
    );
    check(
        &[(5, b"\xff\xff\x3f\x00")],
        "functions at byte 12: a list of 1048575 needs at least 10485750 bytes, but 1 are left",
    );
}

#[test]
fn exports() {
    let f: (u8, &[u8]) = (5, b"\x01\x01f\x00\x00\x00\x00\x00\x00\x00\x00\x00");
    check(&[(6, b"\x01\x01f\x00")], "exports[0].function at byte 15: function 0 does not exist; there is none");
    check(
        &[f, (6, b"\x02\x01g\x00\x01f\x00")],
        "exports[1].name at byte 30: this name does not sort behind the one before it",
    );
    check(
        &[f, (6, b"\x02\x01g\x00\x01g\x00")],
        "exports[1].name at byte 30: this name does not sort behind the one before it",
    );
}

#[test]
fn debug() {
    let f: (u8, &[u8]) = (5, b"\x01\x01f\x00\x00\x01\x02\x00\x00\x00\x00\x00\x00");
    check(&[f, (7, b"\x01a\x00")], "debug.functions at byte 29: a list of 0, wanted 1: one for each function");
    check(
        &[f, (7, b"\x01a\x01\x00\x00")],
        "debug.functions[0].locals at byte 30: a list of 0, wanted 1: one for each local",
    );
    check(
        &[f, (7, b"\x01a\x01\x01\x01n\x02\x00\x02\x00\x02")],
        "debug.functions[0].lines[1].offset at byte 36: this code offset does not rise",
    );
    check(
        &[f, (7, b"\x01a\x01\x01\x01n\x02\x05\x02\xff\xff\xff\xff\x0f\x02")],
        "debug.functions[0].lines[1].offset at byte 36: this code offset does not rise",
    );
    check(
        &[f, (7, b"\x01a\x01\x01\x01n\x01\x00\x00")],
        "debug.functions[0].lines[0].line at byte 35: line 0; lines count from 1",
    );
    check(
        &[f, (7, b"\x01a\x01\x01\x01n\x01\x00\x80\x80\x80\x80\x20")],
        "debug.functions[0].lines[0].line at byte 35: line 4294967296; lines count from 1",
    );
    check(
        &[f, (7, b"\x01a\x01\x01\x01n\x02\x00\x04\x01\x05")],
        "debug.functions[0].lines[1].line at byte 37: line -1; lines count from 1",
    );
}
