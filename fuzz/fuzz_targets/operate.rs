//! What operators ask of a node: no bytes of a question make it panic, and none is answered more than once.
#![no_main]

use fardel_asm::{NoImports, assemble};
use fardel_bytecode::format;
use fardel_bytecode::module::ModuleHash;
use fardel_bytecode::verify::{VerifiedModule, verify};
use fardel_cluster::{Grants, Home, Member, Router};
use fardel_vm::config::Config;
use fardel_vm::door::{HostTable, Output};
use fardel_vm::machine::{LoadError, Machine};
use fardel_wire::frame::Message;
use fardel_wire::hello::Local;
use fardel_wire::id::{Incarnation, NodeId, TagKey};
use fardel_wire::peers::Peers;
use libfuzzer_sys::fuzz_target;
use std::borrow::Cow;

const PROGRAM: &str = "type Ask { reply: Ref, to: Address, items: List<Any> }
export main
fn main() receives Ask, Int
    local message: Any
    push \"kv\"
    self
    register Int
    drop
again:
    await_recv
    tee message
    is Int
    jmp_if again
    load message
    load message
    cast Ask
    field Ask.reply
    reply
    jmp again
end
";

struct Here(Machine);

impl Home for Here {
    fn machine(&mut self) -> &mut Machine {
        &mut self.0
    }

    fn has_module(&self, module: ModuleHash) -> bool {
        self.0.module(module).is_some()
    }

    fn module_bytes(&self, module: ModuleHash) -> Option<Vec<u8>> {
        self.0.module(module).map(format::encode)
    }

    fn load(&mut self, module: &VerifiedModule) -> Result<ModuleHash, LoadError> {
        self.0.load(module, &HostTable::default())
    }
}

fuzz_target!(|bytes: &[u8]| {
    let (own, peer, incarnation) = (NodeId([1; 16]), NodeId([2; 16]), Incarnation(1));
    let module = assemble("a.fda", PROGRAM, &mut NoImports).module.expect("the program assembles");
    let mut home = Here(Machine::new(Config { cluster: true, ..Config::default() }));
    let hash = home.load(&verify(module).expect("it verifies")).expect("it loads");
    home.0.spawn(hash, "main", &[]).expect("it starts");
    home.0.run(100);
    let member = Member::new(incarnation, "one", "");
    let grants = Grants { administer: true, ..Grants::MEMBER };
    let mut router = Router::new(own, member, TagKey::new([7; 32]), 1, grants);
    let mut peers = Peers::new(Local::new(own, incarnation, "one"));
    // A session that the answers go to.
    let fresh = router.fresh_session();
    peers.send(0, peer, fresh, &Message::Fetch { request: 1, module: hash }).expect("there is room");
    let before = router.stats();
    let ask = Message::Ask { request: 1, body: Cow::Borrowed(bytes) };
    router.message(0, peer, ask, &mut home, &mut peers);
    for now in [0, 1 << 60, u64::MAX] {
        home.0.run(1_000);
        while let Some(output) = home.0.poll_output() {
            if let Output::Signal { .. } | Output::Gone { .. } | Output::Watch { .. } = &output {
                router.output(now, output, &mut home, &mut peers);
            }
        }
        router.flush(now, &mut home, &mut peers);
    }
    // A call has waited long enough by then.
    assert_eq!(router.next_timeout(), None);
    assert!(router.stats().malformed <= before.malformed + 1);
    let session = peers.session(peer).expect("it is there");
    assert!(session.held_bytes() < 1 << 20, "it was answered more than once");
});
