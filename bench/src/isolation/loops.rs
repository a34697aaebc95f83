//! Loops: fibers that never let go by themselves, and every bulk instruction on a large operand over and over.
//!
//! A probe is the one other fiber. It is measured twice: with the machine driven slice by slice, which is what the machine
//! itself can hold others up for, and in the batches of the driver, which is what a message from outside meets.

use super::figures::millis;
use super::programs::{BULK, LOOPS, Source};
use super::world::{Seen, World};
use super::{Check, Finding, Group};
use fardel::limits::BATCH_SLICES_MAX;
use fardel::vm::config::Config;
use fardel::vm::value::Value;

/// Bytes of the operands: the largest of which a fiber of 256 MiB can hold two, half-made results and a mailbox.
const OPERAND_MEBIBYTES: [i64; 2] = [16, 64];
/// What a delay may be at the 99th percentile.
const DELAY_NANOS_MAX: u64 = 10_000_000;
/// Nanoseconds in which an operand has to be made.
const READY_NANOS: u64 = 60_000_000_000;
/// Nanoseconds of a round.
const MEASURE_NANOS: u64 = 300_000_000;

pub(crate) fn group() -> Group {
    let mut checks = Vec::new();
    for source in [LOOPS, BULK] {
        for function in source.exports() {
            for size in OPERAND_MEBIBYTES {
                checks.push(Check {
                    name: format!("loop/{function}/{size}"),
                    is_confined: false,
                    run: Box::new(move || run(source, function, size << 20)),
                });
            }
        }
    }
    Group {
        row: "21",
        title: format!(
            "Row 21, loops, and bulk instructions on operands of {OPERAND_MEBIBYTES:?} MiB (the last part of a name). \
             Goals: a probe's p99 delay under {} ms, slice by slice and in the driver's batches of at most {BATCH_SLICES_MAX} \
             slices, where the first holds. A slice: the longest one without a collection, and the longest with one. Times in ms.",
            DELAY_NANOS_MAX / 1_000_000
        ),
        columns: &["p50", "p99", "max", "slice", "collecting", "batch p50", "batch p99", "batch max"],
        checks,
    }
}

fn run(source: Source, function: &str, bytes: i64) -> Finding {
    let mut world = World::new(&source.module(), Config::default());
    world.start_others(0, 0);
    let outside = world.outside();
    let offender = world.start(function, &[Value::Int(bytes), outside]);
    let ready = world.run_until(READY_NANOS, 1, |world| !world.reported.is_empty() || !world.ended.is_empty());
    let mut missed = Vec::new();
    if ready.is_none() {
        missed.push("the operand was never made".to_owned());
    }
    let single = world.observe_rounds(MEASURE_NANOS, 1);
    let mut cells: Vec<String> = [500, 990, 1000].map(|part| millis(single.delays.per_mille(part))).to_vec();
    cells.push(millis(single.turn_max_uncollected));
    cells.push(if single.turn_max > single.turn_max_uncollected { millis(single.turn_max) } else { "-".to_owned() });
    if is_late(&single) {
        // A batch of such slices takes a minute, and says no more.
        missed.push("p99".to_owned());
        cells.extend(["-", "-", "-"].map(str::to_owned));
    } else {
        let batch = world.observe_rounds(MEASURE_NANOS, BATCH_SLICES_MAX);
        cells.extend([500, 990, 1000].map(|part| millis(batch.delays.per_mille(part))));
        missed.extend(is_late(&batch).then(|| "batch p99".to_owned()));
    }
    if let Some(why) = world.end_of(offender) {
        missed.push(format!("it ended: {why}"));
    }
    Finding { cells, missed }
}

fn is_late(seen: &Seen) -> bool {
    seen.delays.per_mille(990) >= DELAY_NANOS_MAX
}

#[cfg(test)]
mod tests {
    use super::*;
    use fardel::bytecode::index::FunctionIndex;
    use fardel::bytecode::isa::{BULK as BULK_EFFECT, INSTRUCTIONS, Inst};
    use fardel::bytecode::leb::Reader;
    use fardel::bytecode::module::Module;
    use std::collections::BTreeSet;

    /// Bytes of the operands here.
    const SMALL_BYTES: i64 = 1 << 14;

    /// The instructions of a function and of those that it names, and so on.
    fn mnemonics(module: &Module, function: &str) -> BTreeSet<&'static str> {
        let first = module.functions.iter().position(|known| known.name == function).expect("an export is a function");
        let (mut found, mut left, mut seen) = (BTreeSet::new(), vec![first], BTreeSet::new());
        while let Some(at) = left.pop() {
            if !seen.insert(at) {
                continue;
            }
            let mut reader = Reader::new(&module.functions[at].code);
            while !reader.is_empty() {
                let inst = Inst::decode(&mut reader).expect("the code is sound");
                found.insert(inst.opcode().info().mnemonic);
                for operand in inst.operands() {
                    if let Ok(FunctionIndex(callee)) = operand.try_into() {
                        left.push(callee as usize - module.imports.len());
                    }
                }
            }
        }
        found
    }

    #[test]
    fn each_bulk_instruction_has_a_program() {
        let module = BULK.module();
        let exports = BULK.exports();
        let mnemonic = |export: &str| export.split("__").next().unwrap_or_default().to_owned();
        for info in INSTRUCTIONS.iter().filter(|info| info.effects.has(BULK_EFFECT)) {
            let is_covered = exports.iter().any(|export| mnemonic(export) == info.mnemonic);
            assert!(is_covered, "`{}` is bulk and has no function in bulk.fda", info.mnemonic);
        }
        for export in exports {
            let used = mnemonics(module.module(), export);
            assert!(used.contains(&*mnemonic(export)), "`{export}` does not use its instruction");
        }
    }

    #[test]
    fn each_program_loops_without_end() {
        for source in [LOOPS, BULK] {
            let module = source.module();
            for function in source.exports() {
                let mut world = World::new(&module, Config::default());
                world.start_others(0, 0);
                let outside = world.outside();
                let offender = world.start(function, &[Value::Int(SMALL_BYTES), outside]);
                let ready = world.run_until(READY_NANOS, 1, |world| !world.reported.is_empty() || !world.ended.is_empty());
                assert!(ready.is_some(), "{function} does not begin");
                for _ in 0..20 {
                    world.turn(1);
                }
                assert!(world.end_of(offender).is_none(), "{function}: {:?}", world.end_of(offender));
            }
        }
    }
}
