//! Packed values: no bytes harm a machine, and what it takes goes on as what came.
#![no_main]

use fardel_asm::{NoImports, assemble};
use fardel_bytecode::verify::verify;
use fardel_vm::config::Config;
use fardel_vm::door::{HostTable, Output, Signal};
use fardel_vm::fiber::FiberId;
use fardel_vm::machine::Machine;
use fardel_vm::packed::{Packed, TypeNumber};
use libfuzzer_sys::fuzz_target;

const SOURCE: &str = "export main
type Point { x: Float, tag: Text, n: Int }
sum Shape { Circle(r: Float), Empty, Nested(inner: Option<Shape>) }
object Node { var next: Option<Node>, var all: List<Any> }
fn use(a: Map<Any, Point>, b: Set<Text>, c: Array<F32>, d: (Int, Shape), e: List<Node>, f: Map<Int, List<Text>>)
    ret
end
fn main(to: Address)
again:
    await_recv
    load to
    send Any
    jmp again
end
";

/// A machine with a fiber that sends on what it gets, and the addresses of that fiber and of one elsewhere.
fn machine() -> (Machine, FiberId, FiberId) {
    let assembled = assemble("a.fda", SOURCE, &mut NoImports);
    let module = verify(assembled.module.expect("it assembles")).expect("it verifies");
    let mut machine = Machine::new(Config { cluster: true, ..Config::default() });
    let hash = machine.load(&module, &HostTable::default()).expect("it loads");
    let far = machine.open_remote().expect("there is a place");
    let fiber = machine.spawn(hash, "main", &[fardel_vm::value::Value::Address(far)]).expect("it starts");
    (machine, fiber, far)
}

thread_local! {
    static MACHINE: std::cell::RefCell<(Machine, FiberId, FiberId)> = std::cell::RefCell::new(machine());
}

fuzz_target!(|bytes: &[u8]| {
    let Some((root, bytes)) = bytes.split_first() else { return };
    MACHINE.with_borrow_mut(|(machine, fiber, far)| {
        let types = [u32::from(*root)].into_iter().chain(0..80).map(TypeNumber).collect();
        let packed = Packed { bytes: bytes.into(), fibers: vec![*fiber, *far], types };
        let taken = machine.signal(*far, *fiber, &Signal::Message(packed));
        machine.run(1_000);
        while let Some(output) = machine.poll_output() {
            match output {
                // What was sent on can be taken in once more.
                Output::Signal { signal: Signal::Message(value), bytes, .. } => {
                    machine.handle(fardel_vm::door::Input::Taken { remote: *far, messages: 1, bytes });
                    let again = machine.signal(*far, *fiber, &Signal::Message(value));
                    assert!(taken.is_ok() && again.is_ok(), "{again:?}");
                    machine.run(1_000);
                    while let Some(output) = machine.poll_output() {
                        if let Output::Signal { bytes, .. } = output {
                            machine.handle(fardel_vm::door::Input::Taken { remote: *far, messages: 1, bytes });
                        }
                    }
                }
                Output::Exited { .. } => panic!("the fiber has ended"),
                _ => {}
            }
        }
    });
});
