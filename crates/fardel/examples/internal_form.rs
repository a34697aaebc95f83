//! Prints a function of an assembly file in the interpreter's internal form: `internal_form FILE FUNCTION`.
fn main() {
    let args: Vec<String> = std::env::args().collect();
    let source = std::fs::read_to_string(&args[1]).expect("a readable file");
    let module = fardel_asm::assemble(&args[1], &source, &mut fardel_asm::NoImports).module.expect("a module");
    let verified = fardel_bytecode::verify::verify(module).expect("a valid module");
    let mut machine = fardel_vm::machine::Machine::new(fardel_vm::config::Config::default());
    let hash = machine.load(&verified, &fardel_vm::door::HostTable::default()).expect("a module without imports");
    print!("{}", machine.internal_form(hash, &args[2]).expect("a function of the module"));
}
