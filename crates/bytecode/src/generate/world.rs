//! What every generated module has: types of every kind, data, and a plan of its functions.
//!
//! **Invariant:** a function calls only functions behind it, and leaves, which call none; only `main` and helpers print.

use super::Source;
use super::body::Body;
use crate::index::{FunctionIndex, LocalIndex, TypeIndex};
use crate::module::{Data, Function, HostImport};
use crate::types::*;

pub(super) const POINT: TypeIndex = TypeIndex(32);
pub(super) const NODE: TypeIndex = TypeIndex(33);
pub(super) const OPTION_NODE: TypeIndex = TypeIndex(34);
pub(super) const SHAPE: TypeIndex = TypeIndex(35);
pub(super) const PAIR: TypeIndex = TypeIndex(36);
pub(super) const MAP_TEXT_FLOAT: TypeIndex = TypeIndex(37);
pub(super) const SET_INT: TypeIndex = TypeIndex(38);
pub(super) const FN_INT: TypeIndex = TypeIndex(39);
pub(super) const FN_ANY: TypeIndex = TypeIndex(40);
pub(super) const FN_NONE: TypeIndex = TypeIndex(41);
pub(super) const LIST_POINT: TypeIndex = TypeIndex(42);
pub(super) const MAP_INT_POINT: TypeIndex = TypeIndex(43);
pub(super) const OPTION_POINT: TypeIndex = TypeIndex(44);
pub(super) const OPTION_OPTION_INT: TypeIndex = TypeIndex(45);
pub(super) const LIST_OPTION_INT: TypeIndex = TypeIndex(46);
pub(super) const MAP_PAIR_ANY: TypeIndex = TypeIndex(47);
pub(super) const KEY: TypeIndex = TypeIndex(48);
pub(super) const SET_KEY: TypeIndex = TypeIndex(49);

/// Types whose values `show` writes alike in every run.
pub(super) const SHOWN: &[TypeIndex] = &[
    INT,
    FLOAT,
    BOOL,
    TEXT,
    BYTES,
    ANY,
    NULL,
    OPTION_INT,
    OPTION_TEXT,
    POINT,
    PAIR,
    SHAPE,
    KEY,
    NODE,
    OPTION_NODE,
    LIST_INT,
    LIST_ANY,
    LIST_POINT,
    LIST_OPTION_INT,
    MAP_ANY_ANY,
    MAP_TEXT_INT,
    MAP_TEXT_FLOAT,
    MAP_INT_POINT,
    MAP_PAIR_ANY,
    SET_INT,
    SET_KEY,
    ARRAY_INT,
    ARRAY_FLOAT,
    ARRAY_BYTE,
    ARRAY_I32,
    ARRAY_F32,
    OPTION_FLOAT,
    OPTION_BOOL,
    OPTION_ANY,
    OPTION_POINT,
    OPTION_OPTION_INT,
    ERROR,
];

/// Types that variables have: those and the ones that are only compared or used.
pub(super) const UNSHOWN: &[TypeIndex] =
    &[TEXT_BUILDER, BYTES_BUILDER, FN_INT, FN_ANY, FN_NONE, ADDRESS, REF, OPTION_ADDRESS, OPTION_REF];

/// What Any may hold here: nothing that holds Any itself, so that no value's text outgrows the program.
pub(super) const INSIDE_ANY: &[TypeIndex] =
    &[INT, NULL, BOOL, FLOAT, TEXT, BYTES, PAIR, POINT, SHAPE, KEY, OPTION_INT, LIST_INT, SET_KEY];

/// What a function is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Role {
    Main,
    /// Receives, computes and sends on.
    Stage,
    /// Calls nobody and prints nothing; may be a function value.
    Leaf,
    /// Called by main and helpers before it.
    Helper,
}

pub(super) struct Plan {
    pub(super) role: Role,
    pub(super) name: String,
    pub(super) captures: Vec<TypeIndex>,
    pub(super) params: Vec<TypeIndex>,
    pub(super) result: Option<TypeIndex>,
    /// Its type as a value, where that is declared.
    pub(super) value: Option<TypeIndex>,
}

pub(super) struct World {
    pub(super) types: TypeTable,
    pub(super) hosts: Vec<HostImport>,
    pub(super) data: Vec<Data>,
    pub(super) plans: Vec<Plan>,
}

pub(super) const STAGE: FunctionIndex = FunctionIndex(1);

impl World {
    pub(super) fn new(source: &mut Source<'_>) -> Self {
        let texts = ["", "a", "12", "-7", "3.5e2", "Zürich", "one two three", "\u{1f600}\n"];
        let bytes: [&[u8]; 4] = [b"", b"\x00\xff", b"abcabc", "é".as_bytes()];
        let data = texts
            .iter()
            .map(|text| Data::Text((*text).to_owned()))
            .chain(bytes.iter().map(|bytes| Data::Bytes(bytes.to_vec())));
        World {
            types: TypeTable::with_declared(types()),
            hosts: vec![HostImport { name: "io.print".to_owned(), params: vec![TEXT], result: None }],
            data: data.collect(),
            plans: plans(source),
        }
    }

    pub(super) fn functions(&self, source: &mut Source<'_>) -> Vec<Function> {
        (0..self.plans.len()).map(|at| Maker::new(self, source, at).function()).collect()
    }

    /// The functions that may be called from one, in a loop or not.
    pub(super) fn callable(&self, from: usize, in_loop: bool) -> Vec<FunctionIndex> {
        let role = self.plans.get(from).map_or(Role::Leaf, |plan| plan.role);
        let may = |at: usize, plan: &Plan| match (role, plan.role) {
            (Role::Leaf, _) | (_, Role::Main | Role::Stage) => false,
            (Role::Main | Role::Helper | Role::Stage, Role::Leaf) => plan.captures.is_empty(),
            (Role::Main | Role::Helper, Role::Helper) => at > from && !in_loop,
            (Role::Stage, Role::Helper) => false,
        };
        let found = self.plans.iter().enumerate().filter(|(at, plan)| may(*at, plan));
        found.map(|(at, _)| FunctionIndex(at as u32)).collect()
    }
}

fn types() -> Vec<Type> {
    let field = |name: &str, ty| Field::new(name, ty);
    let var = |name: &str, ty| Field { mutable: true, ..Field::new(name, ty) };
    let variant = |name: &str, fields: Vec<Field>| Variant { name: name.to_owned(), fields };
    let y = Field { default: Some(Constant::Int(7)), json: Some("why".to_owned()), ..field("y", INT) };
    vec![
        Type::Record("Point".to_owned(), vec![field("x", FLOAT), y]),
        Type::Object(
            "Node".to_owned(),
            vec![var("value", INT), var("next", OPTION_NODE), var("tag", ANY), field("name", TEXT)],
        ),
        Type::Option(NODE),
        Type::Sum(
            "Shape".to_owned(),
            vec![
                variant("Empty", vec![]),
                variant("Circle", vec![field("radius", FLOAT)]),
                variant("Named", vec![field("name", TEXT), field("at", POINT)]),
            ],
        ),
        Type::Tuple(vec![INT, TEXT]),
        Type::Map(TEXT, FLOAT),
        Type::Set(INT),
        Type::Function(vec![INT], Some(INT)),
        Type::Function(vec![TEXT, ANY], Some(ANY)),
        Type::Function(vec![], None),
        Type::List(POINT),
        Type::Map(INT, POINT),
        Type::Option(POINT),
        Type::Option(OPTION_INT),
        Type::List(OPTION_INT),
        Type::Map(PAIR, ANY),
        Type::Sum(
            "Key".to_owned(),
            vec![variant("Number", vec![field("value", INT)]), variant("Word", vec![field("text", TEXT)])],
        ),
        Type::Set(KEY),
    ]
}

fn plans(source: &mut Source<'_>) -> Vec<Plan> {
    let plan = |role, name: &str, captures: &[TypeIndex], params: &[TypeIndex], result, value| Plan {
        role,
        name: name.to_owned(),
        captures: captures.to_vec(),
        params: params.to_vec(),
        result,
        value,
    };
    let mut plans = vec![
        plan(Role::Main, "main", &[], &[], None, None),
        plan(Role::Stage, "stage", &[], &[ADDRESS, INT], None, None),
        plan(Role::Leaf, "number", &[], &[INT], Some(INT), Some(FN_INT)),
        plan(Role::Leaf, "number_with", &[TEXT, FLOAT], &[INT], Some(INT), Some(FN_INT)),
        plan(Role::Leaf, "value", &[], &[TEXT, ANY], Some(ANY), Some(FN_ANY)),
        plan(Role::Leaf, "value_with", &[NODE], &[TEXT, ANY], Some(ANY), Some(FN_ANY)),
        plan(Role::Leaf, "nothing", &[], &[], None, Some(FN_NONE)),
        plan(Role::Leaf, "nothing_with", &[INT], &[], None, Some(FN_NONE)),
    ];
    for at in 0..source.below(4) {
        let count = source.below(5);
        let params: Vec<TypeIndex> = std::iter::repeat_with(|| source.pick(SHOWN, INT)).take(count).collect();
        let result = if source.flip() { Some(source.pick(SHOWN, INT)) } else { None };
        plans.push(plan(Role::Helper, &format!("helper{at}"), &[], &params, result, None));
    }
    plans
}

/// Makes one function.
pub(super) struct Maker<'w, 's, 'b> {
    pub(super) world: &'w World,
    pub(super) source: &'s mut Source<'b>,
    /// Which function this is.
    pub(super) at: usize,
    pub(super) plan: &'w Plan,
    pub(super) body: Body,
    /// The types of all locals, and which of them hold values that code may read and change.
    pub(super) locals: Vec<TypeIndex>,
    pub(super) variables: Vec<LocalIndex>,
    passing: Vec<LocalIndex>,
    /// Choices left before only the simplest are made.
    pub(super) budget: usize,
    pub(super) loops: usize,
    /// Handlers around this place.
    pub(super) handled: usize,
    pub(super) helpers_called: usize,
}

/// Calls of helpers in one function: as they call helpers too, more would make the run long.
pub(super) const HELPERS_CALLED: usize = 3;

/// Choices for one function.
const BUDGET: usize = 300;

/// Locals that may be made; one more each is always there for a null of each type.
const LOCALS: usize = 150;

impl<'w, 's, 'b> Maker<'w, 's, 'b> {
    fn new(world: &'w World, source: &'s mut Source<'b>, at: usize) -> Self {
        let plan = &world.plans[at];
        let locals: Vec<TypeIndex> = plan.captures.iter().chain(&plan.params).copied().collect();
        Maker {
            world,
            source,
            at,
            plan,
            body: Body::default(),
            variables: (0..locals.len() as u32).map(LocalIndex).collect(),
            locals,
            passing: Vec::new(),
            budget: BUDGET,
            loops: 0,
            handled: 0,
            helpers_called: 0,
        }
    }

    fn function(mut self) -> Function {
        match self.plan.role {
            Role::Main => self.main(),
            Role::Stage => self.stage(),
            Role::Leaf => self.plain(3),
            Role::Helper => self.plain(6),
        }
        let entry = self.plan.captures.len() + self.plan.params.len();
        let mut function = Function {
            name: self.plan.name.clone(),
            captures: self.plan.captures.clone(),
            params: self.plan.params.clone(),
            locals: self.locals.split_off(entry),
            result: self.plan.result,
            ..Function::default()
        };
        self.body.finish(&mut function);
        function
    }

    /// A new local, if there may be another one.
    pub(super) fn local(&mut self, ty: TypeIndex) -> Option<LocalIndex> {
        let index = LocalIndex(self.locals.len() as u32);
        (self.locals.len() < LOCALS).then(|| {
            self.locals.push(ty);
            index
        })
    }

    /// A local of this type whose value nobody wants, for values that pass through.
    pub(super) fn passing(&mut self, ty: TypeIndex) -> LocalIndex {
        if let Some(local) = self.passing.iter().find(|local| self.locals[local.at()] == ty) {
            return *local;
        }
        let local = LocalIndex(self.locals.len() as u32);
        self.locals.push(ty);
        self.passing.push(local);
        local
    }

    pub(super) fn prints(&self) -> bool {
        matches!(self.plan.role, Role::Main | Role::Helper)
    }

    /// A variable of a type, if there is one.
    pub(super) fn variable(&mut self, ty: TypeIndex) -> Option<LocalIndex> {
        let fits: Vec<LocalIndex> = self.variables.iter().copied().filter(|local| self.locals[local.at()] == ty).collect();
        let at = self.source.below(fits.len());
        fits.get(at).copied()
    }
}
