//! What must hold of texts and modules.

use crate::choices::Choices;
use crate::mutate;
use fardel_asm::{NoImports, assemble, disassemble};
use fardel_bytecode::Module;
use fardel_bytecode::format::{decode, encode, hash};
use fardel_bytecode::verify::{VerifiedModule, verify};
use fardel_lang::{Found, Goal, Resolver, compile, load};

/// Checks the assembler on a text.
pub fn text(source: &str) {
    let assembled = assemble("fuzz.fda", source, &mut NoImports);
    for diagnostic in &assembled.diagnostics {
        assert!(!diagnostic.render("fuzz.fda", source, false).is_empty());
    }
    let Some(module) = assembled.module else {
        assert!(!assembled.diagnostics.is_empty(), "there is neither a module nor a reason");
        return;
    };
    let verified = verify(module).unwrap_or_else(|errors| panic!("the assembler made what is refused: {}", errors[0]));
    let module = verified.module();
    assert_eq!(decode(&encode(module)).as_ref(), Ok(module));
    assert_eq!(reassembled(module).unwrap_or_else(|why| panic!("{why}")), without_lines(module));
}

/// Checks the front end of the language on a text.
pub fn program(source: &str) {
    let parsed = fardel_syntax::parse(source);
    assert_eq!(parsed.tree.syntax().text().to_string(), source);
    for diagnostic in &parsed.diagnostics {
        assert!(!diagnostic.render("fuzz.fdl", source, false).is_empty());
    }
    fardel_syntax::parse_entry(source);
    let Ok(formatted) = fardel_syntax::format(source) else {
        assert!(!parsed.diagnostics.is_empty(), "a program is not formatted, without a reason");
        return;
    };
    assert_eq!(said(&formatted), said(source), "formatting changed the program");
    assert_eq!(fardel_syntax::format(&formatted).as_ref(), Ok(&formatted), "formatting twice changes it again");
}

/// What a program says, without its places.
fn said(source: &str) -> String {
    let file = format!("{:?}", fardel_syntax::parse(source).file);
    let mut parts = file.split("Span {");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |said, part| said + part.split_once('}').map_or("", |(_, rest)| rest))
}

/// Finds no modules but those of the standard library.
struct Alone;

impl Resolver for Alone {
    fn module(&mut self, _: &str) -> Result<Option<Found>, String> {
        Ok(None)
    }
}

/// Checks the language on a text.
pub fn language(source: &str) {
    let sources = load("fuzz", "fuzz.fdl", source.to_owned(), &mut Alone);
    for goal in [Goal::Run, Goal::Test] {
        let compiled = compile(&sources, goal);
        for (at, told) in &compiled.checked.diagnostics {
            let source = &sources.all()[*at];
            assert!(told.primary.span.end <= source.text.len());
            assert!(!told.render(&source.file, &source.text, false).is_empty());
            assert!(!told.message.contains("its own mistake"), "{}", told.message);
        }
        match compiled.module {
            Some(module) => {
                verify(module).unwrap_or_else(|errors| panic!("the compiler made what is refused: {}", errors[0]));
            }
            None => assert!(compiled.checked.has_errors(), "there is neither a module nor a reason"),
        }
    }
}

/// Checks the verifier on a module that was decoded.
pub fn module(module: &Module) {
    let text = disassemble(module);
    if let Ok(verified) = verify(module.clone()) {
        look_at(&verified);
        assert!(text.is_ok(), "a verified module has no text: {text:?}");
    }
}

/// Checks that a generated module is verified, and that its text assembles to a module with the same text.
pub fn generated(module: Module) -> VerifiedModule {
    assert_eq!(decode(&encode(&module)).as_ref(), Ok(&module));
    let verified = verify(module).unwrap_or_else(|errors| panic!("what was generated is refused: {}", errors[0]));
    let bytes = reassembled(verified.module()).unwrap_or_else(|why| panic!("{why}"));
    let again = decode(&bytes).unwrap_or_else(|error| panic!("what was assembled is no module: {error}"));
    assert_eq!(reassembled(&again).as_ref(), Ok(&bytes), "the text of a text's module is another module");
    look_at(&verified);
    verified
}

/// Checks the verifier on modules that were never bytes: changed at random, so that most can have no bytes.
pub fn built(module: Module) {
    let name = hash(&module);
    let mut choices = Choices::new(u64::from_le_bytes(*name.0.first_chunk().unwrap_or(&[0; 8])));
    let mut module = module;
    for _ in 0..choices.below(6) + 1 {
        mutate::module(&mut module, &mut choices);
    }
    if choices.once_in(2) {
        let code: Vec<u8> = (0..choices.below(40)).map(|_| choices.bits() as u8).collect();
        let at = choices.below(module.functions.len());
        module.functions.get_mut(at).into_iter().for_each(|function| function.code.clone_from(&code));
    }
    if let Ok(verified) = verify(module) {
        look_at(&verified);
        let bytes = encode(verified.module());
        assert_eq!(decode(&bytes).as_ref(), Ok(verified.module()), "a verified module is not what its bytes say");
    }
}

fn look_at(verified: &VerifiedModule) {
    for (at, function) in verified.module().functions.iter().enumerate() {
        let facts = verified.facts(at);
        assert!(!facts.points.is_empty());
        assert_eq!(facts.loop_headers.len(), function.targets.len());
        assert!(facts.points.iter().all(|point| facts.stack(point).len() <= facts.stack_max));
    }
    let keys = fardel_bytecode::shape::type_keys(&verified.module().types);
    assert_eq!(keys.len(), verified.module().types.all().len());
}

/// The bytes of a module without what says where it came from.
pub fn without_lines(module: &Module) -> Vec<u8> {
    encode(&Module { debug: None, ..module.clone() })
}

/// The bytes that come of a module's text.
///
/// # Errors
/// Why the module has no text, or its text does not assemble.
pub fn reassembled(module: &Module) -> Result<Vec<u8>, String> {
    let text = disassemble(module).map_err(|error| format!("the module has no text: {error}"))?;
    let assembled = assemble("fuzz.fda", &text, &mut NoImports);
    let reasons = || assembled.diagnostics.iter().map(|known| known.render("fuzz.fda", &text, false)).collect::<String>();
    assembled.module.as_ref().map(without_lines).ok_or_else(|| format!("its text does not assemble: {}", reasons()))
}
