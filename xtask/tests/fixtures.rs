//! Every instruction that the machine carries out is shown by a fixture.
//!
//! **Invariant:** a fixture is named after its instruction; further ones begin with that name.

use fardel_bytecode::isa::{INSTRUCTIONS, RESERVED};

const FOLDER: &str = "crates/fardel/tests/instructions";

#[test]
fn every_instruction_that_is_carried_out_has_a_fixture() {
    let folder = xtask::root().join(FOLDER);
    let carried_out = INSTRUCTIONS.iter().filter(|info| !info.effects.has(RESERVED)).map(|info| info.mnemonic);
    let bare: Vec<&str> = carried_out.filter(|name| !folder.join(format!("{name}.fda")).is_file()).collect();
    assert!(bare.is_empty(), "instructions without a fixture in {FOLDER}: {bare:?}");
}
