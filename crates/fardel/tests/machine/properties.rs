//! Properties of generated programs: text and bytes tell the same, and every way to run one shows the same.

use crate::support::{Seen, World, run_counted, ways};
use fardel::bytecode::format::{decode, encode};
use fardel::bytecode::generate::generate;
use fardel::bytecode::module::Module;
use fardel::bytecode::verify::{VerifiedModule, verify};
use fardel::vm::config::Config;
use fardel_asm::{NoImports, assemble, disassemble};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

/// Bytes that decide a module.
const BYTES_MAX: usize = 600;
/// Slices after which a program is given up; the generator's programs end.
const SLICES_MAX: u64 = 2_000_000;

/// So many cases, always the same; `PROPTEST_CASES=n` tries n new ones.
pub(crate) fn config(cases: u32) -> ProptestConfig {
    let default = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    if std::env::var_os("PROPTEST_CASES").is_some() {
        return default;
    }
    ProptestConfig { cases, rng_seed: RngSeed::Fixed(1), ..default }
}

fn verified(module: Module) -> VerifiedModule {
    verify(module).unwrap_or_else(|errors| panic!("the generator makes valid modules: {errors:?}"))
}

#[track_caller]
fn assembled(text: &str) -> Module {
    let assembled = assemble("a.fda", text, &mut NoImports);
    let rendered: String = assembled.diagnostics.iter().map(|it| it.render("a.fda", text, false)).collect();
    assembled.module.unwrap_or_else(|| panic!("{rendered}\n{text}"))
}

fn settings() -> Config {
    Config { fiber_memory_bytes_max: 4 << 20, fiber_stack_bytes_max: 1 << 20, fibers_max: 1_000, ..Config::default() }
}

proptest! {
    #![proptest_config(config(200))]

    #[test]
    fn bytes_and_text_tell_the_same_module(bytes in prop::collection::vec(any::<u8>(), 0..BYTES_MAX)) {
        let module = generate(&bytes);
        let binary = encode(&module);
        let decoded = decode(&binary).expect("what was encoded is decoded");
        prop_assert_eq!(&encode(&decoded), &binary);
        // A text has only what is used, in the order of its use; from there on nothing changes any more.
        let text = disassemble(&decoded).expect("what is valid has a text");
        let first = encode(&assembled(&text));
        let text = disassemble(&decode(&first).expect("it is decoded")).expect("what is valid has a text");
        prop_assert_eq!(encode(&assembled(&text)), first, "{}", text);
    }

    #[test]
    fn a_program_that_went_through_text_does_the_same(bytes in prop::collection::vec(any::<u8>(), 0..BYTES_MAX)) {
        let module = verified(generate(&bytes));
        let text = disassemble(module.module()).expect("what is valid has a text");
        let again = verified(assembled(&text));
        let (wanted, seen) = (run_counted(&module, settings(), SLICES_MAX), run_counted(&again, settings(), SLICES_MAX));
        prop_assert_eq!(seen, wanted, "{}", text);
    }
}

proptest! {
    #![proptest_config(config(60))]

    #[test]
    fn every_way_to_run_a_program_shows_the_same(bytes in prop::collection::vec(any::<u8>(), 0..BYTES_MAX)) {
        let module = verified(generate(&bytes));
        let mut wanted: Option<Seen> = None;
        for way in ways(&settings()) {
            let seen = run_counted(&module, way.clone(), SLICES_MAX);
            let wanted = wanted.get_or_insert_with(|| seen.clone());
            prop_assert_eq!(&seen, &*wanted, "{:?}\n{}", way, disassemble(module.module()).unwrap_or_default());
        }
    }

    #[test]
    fn no_failure_of_an_allocation_stops_the_machine(bytes in prop::collection::vec(any::<u8>(), 0..BYTES_MAX), number in 1..400u64) {
        let module = verified(generate(&bytes));
        let mut world = World::new(&module, Config { fail_allocation: Some(number), ..settings() });
        if world.try_start("main").is_some() {
            world.run();
        }
        let fails_again = world.try_start("main").is_none() && world.machine.stats().allocations > number;
        prop_assert!(!fails_again);
        world.run();
    }
}
