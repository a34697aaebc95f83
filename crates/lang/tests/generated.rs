//! Programs that are made at random and have no error: the compiler makes a module of each, which the verifier accepts.
//!
//! A program is made from its types down, so that it is always right; what it computes is of no interest.

use fardel_lang::{Found, Goal, Resolver, Severity};

/// SplitMix64: Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators" (2014).
struct Random(u64);

impl Random {
    fn draw(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % n.max(1) as u64) as usize
    }
}

#[derive(Clone, PartialEq, Debug)]
enum Ty {
    Int,
    Float,
    Bool,
    Text,
    Unit,
    Option(Box<Ty>),
    Result(Box<Ty>),
    List(Box<Ty>),
    Map(Box<Ty>),
    Tuple(Vec<Ty>),
    Shape,
    Point,
    Cell(Box<Ty>),
    Fn(Box<Ty>, Box<Ty>),
}

impl Ty {
    fn text(&self) -> String {
        match self {
            Ty::Int => "Int".to_owned(),
            Ty::Float => "Float".to_owned(),
            Ty::Bool => "Bool".to_owned(),
            Ty::Text => "Text".to_owned(),
            Ty::Unit => "()".to_owned(),
            Ty::Option(inner) => format!("Option<{}>", inner.text()),
            Ty::Result(inner) => format!("Result<{}, Text>", inner.text()),
            Ty::List(inner) => format!("List<{}>", inner.text()),
            Ty::Map(inner) => format!("Map<Text, {}>", inner.text()),
            Ty::Tuple(items) => format!("({})", items.iter().map(Ty::text).collect::<Vec<_>>().join(", ")),
            Ty::Shape => "Shape".to_owned(),
            Ty::Point => "Point".to_owned(),
            Ty::Cell(inner) => format!("Cell<{}>", inner.text()),
            Ty::Fn(param, result) => format!("fn({}) -> {}", param.text(), result.text()),
        }
    }
}

struct Writer {
    random: Random,
    /// Names that are visible, with their types and whether they can be assigned.
    names: Vec<(String, Ty, bool)>,
    /// Functions that were written before: name, parameters, result.
    functions: Vec<(String, Vec<Ty>, Ty)>,
    next: usize,
    /// Whether a closure is around, in which a `var` from outside may not be used.
    outside: usize,
}

const HEAD: &str = "type Shape { Circle(r: Float), Rect(w: Int, h: Int), Empty, Many(all: List<Shape>) }\n\
                    type Point { x: Int, y: Float = 1.0, tag: Text = \"p\" }\n";

impl Writer {
    fn ty(&mut self, depth: usize) -> Ty {
        let simple = [Ty::Int, Ty::Float, Ty::Bool, Ty::Text, Ty::Shape, Ty::Point];
        if depth == 0 {
            return simple[self.random.draw(simple.len())].clone();
        }
        let inner = |writer: &mut Writer| Box::new(writer.ty(depth - 1));
        match self.random.draw(16) {
            0 => Ty::Option(inner(self)),
            1 => Ty::List(inner(self)),
            2 => Ty::Map(inner(self)),
            3 => {
                let count = 2 + self.random.draw(2);
                Ty::Tuple((0..count).map(|_| self.ty(depth - 1)).collect())
            }
            4 => Ty::Result(inner(self)),
            5 => Ty::Cell(inner(self)),
            6 => Ty::Fn(inner(self), inner(self)),
            7 => Ty::Option(Box::new(Ty::Option(inner(self)))),
            8 => Ty::Option(Box::new(Ty::Unit)),
            _ => simple[self.random.draw(simple.len())].clone(),
        }
    }

    fn name(&mut self) -> String {
        self.next += 1;
        format!("v{}", self.next)
    }

    /// A name that is visible and has a type.
    fn known(&mut self, ty: &Ty) -> Option<String> {
        let outside = self.outside;
        let fitting =
            self.names.iter().enumerate().filter(|(at, (_, own, is_var))| own == ty && !(*is_var && *at < outside));
        let fitting: Vec<String> = fitting.map(|(_, (name, _, _))| name.clone()).collect();
        if fitting.is_empty() { None } else { Some(fitting[self.random.draw(fitting.len())].clone()) }
    }

    fn literal(&mut self, ty: &Ty) -> String {
        match ty {
            Ty::Int => ["0", "1", "-7", "9_000", "'a'"][self.random.draw(5)].to_owned(),
            Ty::Float => ["0.0", "-1.5", "2.5e3"][self.random.draw(3)].to_owned(),
            Ty::Bool => ["true", "false"][self.random.draw(2)].to_owned(),
            Ty::Text => ["\"\"", "\"ab c\"", "\"\\n\""][self.random.draw(3)].to_owned(),
            Ty::Unit => "()".to_owned(),
            Ty::Option(_) => "None".to_owned(),
            Ty::Result(_) => "Err(\"no\")".to_owned(),
            Ty::List(_) => "[]".to_owned(),
            Ty::Map(_) => "[:]".to_owned(),
            Ty::Tuple(items) => {
                let items: Vec<String> = items.iter().map(|item| self.literal(item)).collect();
                format!("({})", items.join(", "))
            }
            Ty::Shape => "Shape.Empty".to_owned(),
            Ty::Point => "Point(3)".to_owned(),
            Ty::Cell(inner) => format!("Cell({})", self.literal(inner)),
            Ty::Fn(param, result) => {
                let (name, result) = (self.name(), self.literal(result));
                format!("fn({name}: {}) {{ {result} }}", param.text())
            }
        }
    }

    fn expr(&mut self, ty: &Ty, depth: usize) -> String {
        if depth == 0 {
            return self.known(ty).unwrap_or_else(|| self.literal(ty));
        }
        match self.random.draw(12) {
            0 | 1 => self.known(ty).unwrap_or_else(|| self.literal(ty)),
            2 => {
                let (cond, one, other) =
                    (self.expr(&Ty::Bool, depth - 1), self.block(ty, depth - 1), self.block(ty, depth - 1));
                format!("if {cond} {one} else {other}")
            }
            3 => self.matched(ty, depth),
            4 => self.call(ty, depth),
            5 => {
                let of = Ty::Option(Box::new(ty.clone()));
                let (of, other) = (self.operand(&of, depth), self.expr(ty, depth - 1));
                format!("{of}.unwrap_or({other})")
            }
            6 => {
                let item = self.ty(1);
                let list = self.operand(&Ty::List(Box::new(item.clone())), depth);
                let first = self.expr(ty, depth - 1);
                let name = self.name();
                let other = self.name();
                let body = self.inside(vec![(name.clone(), ty.clone()), (other.clone(), item)], ty, depth - 1);
                format!("{list}.fold({first}, fn({name}, {other}) {body})")
            }
            _ => self.own(ty, depth),
        }
    }

    /// An expression that a method can be called on: its type is known.
    fn operand(&mut self, ty: &Ty, depth: usize) -> String {
        if let Some(known) = self.known(ty) {
            return known;
        }
        let outside = std::mem::replace(&mut self.outside, self.names.len());
        let (name, value) = (self.name(), self.expr(ty, depth.saturating_sub(1)));
        self.outside = outside;
        format!("(fn() -> {} {{\n let {name}: {} = {value}\n {name}\n }})()", ty.text(), ty.text())
    }

    /// The block of a closure with parameters.
    fn inside(&mut self, params: Vec<(String, Ty)>, result: &Ty, depth: usize) -> String {
        let (visible, outside) = (self.names.len(), self.outside);
        self.outside = visible;
        self.names.extend(params.into_iter().map(|(name, ty)| (name, ty, false)));
        let body = self.block(result, depth);
        self.names.truncate(visible);
        self.outside = outside;
        body
    }

    fn own(&mut self, ty: &Ty, depth: usize) -> String {
        let sub = depth - 1;
        match ty {
            Ty::Int => {
                let (a, b) = (self.expr(ty, sub), self.expr(ty, sub));
                let op = ["+", "-", "*", "+%", "&", "|", "^", "%"][self.random.draw(8)];
                match self.random.draw(4) {
                    0 => format!("({}).len()", self.operand(&Ty::List(Box::new(Ty::Text)), depth)),
                    1 => format!("({a}).max({b})"),
                    _ => format!("(({a}) {op} ({b}))"),
                }
            }
            Ty::Float => {
                let (a, b) = (self.expr(ty, sub), self.expr(ty, sub));
                match self.random.draw(3) {
                    0 => format!("({}).to_float()", self.expr(&Ty::Int, sub)),
                    1 => format!("({a}).sqrt()"),
                    _ => format!("(({a}) * ({b}))"),
                }
            }
            Ty::Bool => {
                let of = self.ty(1);
                if matches!(of, Ty::Fn(..) | Ty::Cell(_))
                    || matches!(&of, Ty::Option(inner) if matches!(**inner, Ty::Fn(..)))
                {
                    return format!("(({}) && !({}))", self.expr(ty, sub), self.expr(ty, sub));
                }
                let (a, b) = (self.operand(&of, depth), self.operand(&of, depth));
                format!("({a} == {b})")
            }
            Ty::Text => {
                let shown = self.ty(1);
                let (a, b) = (
                    self.expr(ty, sub),
                    if matches!(shown, Ty::Fn(..)) { "1".to_owned() } else { self.operand(&shown, depth) },
                );
                if b.contains('\n') || b.contains('"') {
                    format!("({a} + {})", self.literal(ty))
                } else {
                    format!("({a} + \"<${{{b}}}>\")")
                }
            }
            Ty::Unit => "()".to_owned(),
            Ty::Option(inner) => format!("Some({})", self.expr(inner, sub)),
            Ty::Result(inner) => format!("Ok({})", self.expr(inner, sub)),
            Ty::List(inner) => {
                let items: Vec<String> = (0..self.random.draw(4)).map(|_| self.expr(inner, sub)).collect();
                format!("[{}]", items.join(", "))
            }
            Ty::Map(inner) => format!("[\"k\": {}, \"l\": {}]", self.expr(inner, sub), self.expr(inner, sub)),
            Ty::Tuple(items) => {
                let items: Vec<String> = items.iter().map(|item| self.expr(item, sub)).collect();
                format!("({})", items.join(", "))
            }
            Ty::Shape => match self.random.draw(3) {
                0 => format!("Circle({})", self.expr(&Ty::Float, sub)),
                1 => format!("Rect({}, h: {})", self.expr(&Ty::Int, sub), self.expr(&Ty::Int, sub)),
                _ => format!("Shape.Many({})", self.expr(&Ty::List(Box::new(Ty::Shape)), sub)),
            },
            Ty::Point => match self.random.draw(2) {
                0 => format!("Point({}, tag: {})", self.expr(&Ty::Int, sub), self.expr(&Ty::Text, sub)),
                _ => format!("Point(..{}, y: {})", self.operand(ty, depth), self.expr(&Ty::Float, sub)),
            },
            Ty::Cell(inner) => format!("Cell({})", self.expr(inner, sub)),
            Ty::Fn(param, result) => {
                let name = self.name();
                let body = self.inside(vec![(name.clone(), (**param).clone())], result, sub);
                format!("fn({name}: {}) -> {} {body}", param.text(), result.text())
            }
        }
    }

    fn call(&mut self, ty: &Ty, depth: usize) -> String {
        let fitting: Vec<usize> = (0..self.functions.len()).filter(|at| self.functions[*at].2 == *ty).collect();
        if fitting.is_empty() {
            return self.own(ty, depth);
        }
        let (name, params, _) = self.functions[fitting[self.random.draw(fitting.len())]].clone();
        let args: Vec<String> = params.iter().map(|param| self.expr(param, depth - 1)).collect();
        format!("{name}({})", args.join(", "))
    }

    fn matched(&mut self, ty: &Ty, depth: usize) -> String {
        let sub = depth - 1;
        let arm = |writer: &mut Writer, pattern: &str, binds: Vec<(String, Ty)>| {
            let visible = writer.names.len();
            writer.names.extend(binds.into_iter().map(|(name, ty)| (name, ty, false)));
            let body = writer.expr(ty, sub);
            writer.names.truncate(visible);
            format!("{pattern} -> {{ {body} }}\n")
        };
        let (a, b) = (self.name(), self.name());
        match self.random.draw(5) {
            0 => {
                let of = self.operand(&Ty::Shape, depth);
                let arms = [
                    arm(self, &format!("Circle({a})"), vec![(a.clone(), Ty::Float)]),
                    arm(self, &format!("Rect({a}, 2)"), vec![(a.clone(), Ty::Int)]),
                    arm(self, &format!("Rect(h: {a}, ..)"), vec![(a.clone(), Ty::Int)]),
                    arm(self, "Many([])", vec![]),
                    arm(
                        self,
                        &format!("Many([{a}, ..{b}])"),
                        vec![(a.clone(), Ty::Shape), (b.clone(), Ty::List(Box::new(Ty::Shape)))],
                    ),
                    arm(self, "Empty", vec![]),
                ];
                format!("match {of} {{\n{}}}", arms.concat())
            }
            1 => {
                let of = self.expr(&Ty::Int, sub);
                let guard = self.expr(&Ty::Bool, 0);
                let arms = [
                    arm(self, "0 | 1 | 2", vec![]),
                    arm(self, "3", vec![]),
                    arm(self, "10..=99", vec![]),
                    arm(self, &format!("{a} if {guard}"), vec![(a.clone(), Ty::Int)]),
                    arm(self, "_", vec![]),
                ];
                format!("match {of} {{\n{}}}", arms.concat())
            }
            2 => {
                let inner = self.ty(1);
                let of = self.operand(&Ty::Option(Box::new(Ty::Option(Box::new(inner.clone())))), depth);
                let arms = [
                    arm(self, &format!("Some(Some({a}))"), vec![(a.clone(), inner)]),
                    arm(self, "Some(None)", vec![]),
                    arm(self, "None", vec![]),
                ];
                format!("match {of} {{\n{}}}", arms.concat())
            }
            3 => {
                let (one, other) = (self.expr(&Ty::Bool, sub), self.expr(&Ty::Text, sub));
                let arms = [
                    arm(self, &format!("(true, \"ab\" + {a})"), vec![(a.clone(), Ty::Text)]),
                    arm(self, "(_, \"abc\")", vec![]),
                    arm(
                        self,
                        &format!("(false, {a} as {b})").replace(&format!("{a} as {b}"), &a),
                        vec![(a.clone(), Ty::Text)],
                    ),
                    arm(self, "_", vec![]),
                ];
                format!("match ({one}, {other}) {{\n{}}}", arms.concat())
            }
            _ => {
                let inner = self.ty(1);
                let of = self.operand(&Ty::Result(Box::new(inner.clone())), depth);
                let arms = [
                    arm(self, &format!("Ok({a})"), vec![(a.clone(), inner)]),
                    arm(self, &format!("Err({a})"), vec![(a.clone(), Ty::Text)]),
                ];
                format!("match {of} {{\n{}}}", arms.concat())
            }
        }
    }

    fn block(&mut self, ty: &Ty, depth: usize) -> String {
        let visible = self.names.len();
        let mut out = "{\n".to_owned();
        for _ in 0..self.random.draw(3) {
            let stmt = self.stmt(depth);
            out.push_str(&stmt);
            out.push('\n');
        }
        let value = self.expr(ty, depth);
        self.names.truncate(visible);
        let name = self.name();
        format!("{out}let {name}: {} = {value}\n{name}\n}}", ty.text())
    }

    fn stmt(&mut self, depth: usize) -> String {
        let ty = self.ty(1);
        let sub = depth.saturating_sub(1);
        match self.random.draw(7) {
            0 | 1 => {
                let (name, value) = (self.name(), self.expr(&ty, sub));
                self.names.push((name.clone(), ty.clone(), false));
                format!("let {name}: {} = {value}", ty.text())
            }
            2 => {
                let (name, value) = (self.name(), self.expr(&ty, sub));
                self.names.push((name.clone(), ty.clone(), true));
                format!("var {name}: {} = {value}", ty.text())
            }
            3 => {
                let vars: Vec<(String, Ty)> = self.names[self.outside.min(self.names.len())..]
                    .iter()
                    .filter(|(_, _, is_var)| *is_var)
                    .map(|(name, ty, _)| (name.clone(), ty.clone()))
                    .collect();
                match vars.get(self.random.draw(vars.len())) {
                    Some((name, ty)) => format!("{name} = {}", self.expr(ty, sub)),
                    None => "let _ = 1".to_owned(),
                }
            }
            4 => {
                let name = self.name();
                let visible = self.names.len();
                let over = match self.random.draw(3) {
                    0 => "0..3".to_owned(),
                    1 => "(0..9).step(2)".to_owned(),
                    _ => self.operand(&Ty::List(Box::new(Ty::Int)), depth),
                };
                self.names.push((name.clone(), Ty::Int, false));
                let (cond, body) = (self.expr(&Ty::Bool, 0), self.stmt(sub));
                self.names.truncate(visible);
                let leave = ["break", "continue"][self.random.draw(2)];
                format!("for {name} in {over} {{\nif {cond} {{ {leave} }}\n{body}\n}}")
            }
            5 => {
                let (a, b) = (self.name(), self.name());
                let pair = Ty::Tuple(vec![ty.clone(), Ty::Int]);
                let value = self.expr(&pair, sub);
                self.names.push((a.clone(), ty.clone(), false));
                self.names.push((b.clone(), Ty::Int, false));
                let whole = self.name();
                format!("let {whole}: {} = {value}\nlet ({a}, {b}) = {whole}", pair.text())
            }
            _ => {
                let (name, visible) = (self.name(), self.names.len());
                let of = self.operand(&Ty::Option(Box::new(ty.clone())), depth);
                self.names.push((name.clone(), ty, false));
                let body = self.stmt(sub);
                self.names.truncate(visible);
                format!("if let Some({name}) = {of} {{\n{body}\n}}")
            }
        }
    }

    fn program(mut self) -> String {
        let mut out = HEAD.to_owned();
        for at in 0..4 {
            let params: Vec<Ty> = (0..self.random.draw(3)).map(|_| self.ty(2)).collect();
            let result = self.ty(2);
            let names: Vec<String> = params.iter().map(|_| self.name()).collect();
            self.names = names.iter().cloned().zip(params.iter().cloned()).map(|(name, ty)| (name, ty, false)).collect();
            self.outside = 0;
            let body = self.block(&result, 3);
            let list: Vec<String> = names.iter().zip(&params).map(|(name, ty)| format!("{name}: {}", ty.text())).collect();
            out.push_str(&format!("\nfn f{at}({}) -> {} {body}\n", list.join(", "), result.text()));
            self.functions.push((format!("f{at}"), params, result));
        }
        self.names.clear();
        let calls: Vec<String> = (0..self.functions.len())
            .map(|at| {
                let (name, params, result) = self.functions[at].clone();
                let args: Vec<String> = params.iter().map(|param| self.literal(param)).collect();
                format!("let r{at}: {} = {name}({})", result.text(), args.join(", "))
            })
            .collect();
        format!("{out}\npub fn main() {{\n{}\n}}\n", calls.join("\n"))
    }
}

struct NoFiles;

impl Resolver for NoFiles {
    fn module(&mut self, _: &str) -> Result<Option<Found>, String> {
        Ok(None)
    }
}

#[test]
fn programs_without_errors_become_modules() {
    let count: u64 = std::env::var("SEEDS").ok().and_then(|count| count.parse().ok()).unwrap_or(300);
    let first: u64 = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    for seed in first..first + count {
        let writer = Writer { random: Random(seed), names: Vec::new(), functions: Vec::new(), next: 0, outside: 0 };
        let source = writer.program();
        let sources = fardel_lang::load("main", "main.fdl", source.clone(), &mut NoFiles);
        let compiled = fardel_lang::compile(&sources, Goal::Run);
        if compiled.module.is_none() {
            let errors = compiled.checked.diagnostics.iter().filter(|(_, one)| one.severity == Severity::Error);
            let errors: Vec<String> = errors.take(3).map(|(_, one)| one.render("main.fdl", &source, false)).collect();
            panic!("seed {seed}:\n{source}\n{}", errors.join("\n\n"));
        }
    }
}
