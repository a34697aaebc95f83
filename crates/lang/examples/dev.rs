use fardel_lang::*;
struct R(std::path::PathBuf);
impl Resolver for R {
    fn module(&mut self, path: &str) -> Result<Option<Found>, String> {
        let f = self.0.join(format!("{}.fdl", path.replace('.', "/")));
        match std::fs::read_to_string(&f) {
            Ok(text) => Ok(Some(Found { file: f.display().to_string(), text })),
            Err(_) => Ok(None),
        }
    }
}
fn main() {
    let a: Vec<String> = std::env::args().collect();
    let file = &a[1];
    let text = std::fs::read_to_string(file).unwrap();
    let path = std::path::Path::new(file);
    let t = std::time::Instant::now();
    let sources = load(path.file_stem().unwrap().to_str().unwrap(), file, text, &mut R(path.parent().unwrap().to_owned()));
    if a.len() > 2 {
        let c = compile(&sources, Goal::Run);
        for (at, d) in &c.checked.diagnostics {
            let s = &sources.all()[*at];
            println!("{}\n", d.render(&s.file, &s.text, false));
        }
        println!("{}", c.assembly);
        return;
    }
    let c = check(&sources);
    for (at, d) in &c.diagnostics {
        let s = &sources.all()[*at];
        println!("{}\n", d.render(&s.file, &s.text, false));
    }
    eprintln!("{} diagnostics in {:?}", c.diagnostics.len(), t.elapsed());
}
