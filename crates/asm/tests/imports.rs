//! Functions of other modules: what is taken of them, and what is told when they are not what was wanted.

use std::collections::BTreeMap;

use fardel_asm::{Assembled, ImportedModule, NoImports, Resolver, assemble, disassemble};
use fardel_bytecode::{Module, format};

/// Modules by the paths under which sources import them.
struct Library(BTreeMap<&'static str, &'static str>);

impl Resolver for Library {
    fn import(&mut self, path: &str) -> Result<ImportedModule, String> {
        let source = self.0.get(path).copied().ok_or("no such file")?;
        let module = assemble(path, source, self).module.ok_or("it does not assemble")?;
        Ok(ImportedModule { hash: format::hash(&module), module })
    }
}

const SHAPES: &str = "
type Point { x: Float, y: Float }
fn unused()
    ret
end
fn scale(point: Point, by: Float) -> Point
    load point
    ret
end
fn all(points: List<Point>, visit: fn(Point)) -> Option<List<Point>>
    push null
    ret
end
fn hidden()
    ret
end
export scale
export all
export unused
";

fn run(source: &str) -> Assembled {
    assemble("program", source, &mut Library(BTreeMap::from([("shapes.fda", SHAPES)])))
}

#[track_caller]
fn check(source: &str) -> Module {
    let assembled = run(source);
    let told: Vec<String> = assembled.diagnostics.iter().map(|told| told.render("program", source, false)).collect();
    let mut module = assembled.module.unwrap_or_else(|| panic!("{}", told.join("\n")));
    // What is disassembled needs no resolver: the functions stand in it.
    let text = disassemble(&module).unwrap();
    let mut again = assemble("again", &text, &mut NoImports).module.expect("it assembles again");
    (module.debug, again.debug) = (None, None);
    assert_eq!(format::encode(&module), format::encode(&again), "{text}");
    module
}

#[track_caller]
fn check_told(source: &str, wanted: &[&str]) {
    let assembled = run(source);
    let told: Vec<&str> = assembled.diagnostics.iter().map(|told| told.message.as_str()).collect();
    assert_eq!(told, wanted);
    assert!(assembled.module.is_none());
}

#[test]
fn functions_are_imported_as_they_are_used() {
    let module = check(
        "import \"shapes.fda\" as shapes
        type Point { x: Float, y: Float }
        export shapes.unused as reexported
        fn main(points: List<Point>, visit: fn(Point))
            load points
            load visit
            call shapes.all
            drop
            push 1.0
            push 2.0
            new Point
            push 2.0
            call shapes.scale
            drop
            ret
        end",
    );
    let names: Vec<&str> = module.imports.iter().map(|import| import.name.as_str()).collect();
    assert_eq!(names, ["unused", "all", "scale"]);
    let exports: Vec<&str> = module.exports.iter().map(|export| export.name.as_str()).collect();
    assert_eq!(exports, ["main", "reexported"]);
}

#[test]
fn a_pinned_module_is_the_one_that_was_meant() {
    let hash = format::hash(&assemble("shapes.fda", SHAPES, &mut NoImports).module.unwrap());
    check(&format!("import \"shapes.fda\" hash {hash} as shapes\nfn main()\ncall shapes.unused\nret\nend"));
    let other = "0".repeat(64);
    check_told(
        &format!("import \"shapes.fda\" hash {other} as shapes\nfn main()\ncall shapes.unused\nret\nend"),
        &[&format!("\"shapes.fda\" has the hash {hash}, {other} is wanted")],
    );
}

#[test]
fn what_cannot_be_imported_is_told_once() {
    check_told(
        "import \"shapes.fda\" as shapes\nfn main()\ncall shapes.hidden\ncall shapes.hidden\nret\nend",
        &["\"shapes.fda\" exports no function `hidden`"],
    );
    check_told(
        "import \"shapes.fda\" as shapes\nfn main()\npush null\ncall shapes.all\nret\nend",
        &["`all` of \"shapes.fda\" cannot be used: it uses the type `Point`, which this module has to declare too"],
    );
    check_told(
        "import \"other.fda\" as other\nfn main()\ncall other.run\nret\nend",
        &["cannot import \"other.fda\": no such file"],
    );
}
