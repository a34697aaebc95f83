//! Starting fibers.

use super::Job;
use super::code::{Slot, backquoted};
use super::frame::{Frame, Got, Want};
use crate::code::Code as Mistake;
use crate::program::Value;
use crate::thir::{Expr, FnId, Spawn, SpawnOption, SpawnWhat};
use crate::ty::Ty;

/// The functions of the module `actor` that say what options mean.
const PLACE: &str = "place_node";
const FULL: &str = "full_text";
const STARTED: &str = "started";
const SPAWNED: &str = "spawned";
const IS_HERE: &str = "is_here";
const NOT_AVAILABLE: &str = "not_available";

impl<'c, 'a> Frame<'_, 'c, 'a> {
    pub(super) fn spawn(&mut self, spawn: &'c Spawn, expr: &'c Expr, want: Want) {
        let message = self.concrete(spawn.message);
        if spawn.options.iter().any(|(option, _)| *option == SpawnOption::Durable) {
            self.helper(NOT_AVAILABLE, &[message], expr);
            return self.deliver(Got::Value, want);
        }
        let scope = self.code.open_scope();
        let name = match &spawn.what {
            SpawnWhat::Call(id, types, args) => {
                let types = self.concrete_all(types);
                self.operands(args);
                self.l.instance(*id, &types)
            }
            SpawnWhat::Closure(closure) => {
                let job = self.closure_job(closure, true);
                self.code.height += job.captures.len();
                self.closures += 1;
                let name = self.l.unique_name(&format!("{}.fiber_{}", self.base, self.closures));
                self.l.jobs.push((name.clone(), Job::Closure(job)));
                name
            }
        };
        let place = spawn.options.iter().find(|(option, _)| *option == SpawnOption::On);
        match place {
            Some((_, place)) => self.spawn_at(spawn, place, &name, message, expr),
            None if spawn.options.is_empty() => self.code.op(format!("spawn {}", backquoted(&name))),
            None => {
                let options = self.options(spawn, expr);
                self.code.load(options);
                self.code.op(format!("spawn_with {}", backquoted(&name)));
                self.helper(STARTED, &[message], expr);
            }
        }
        self.code.close_scope(scope);
        self.deliver(Got::Value, want);
    }

    /// Starts a fiber at a place, which may be this node: its arguments are on the stack. Options besides the place are
    /// the same in both cases.
    fn spawn_at(&mut self, spawn: &'c Spawn, place: &'c Expr, name: &str, message: Ty, expr: &'c Expr) {
        let ty = self.concrete(place.ty);
        let place_type = self.l.asm_type(ty);
        let slot = self.code.slot("place", place_type);
        self.expr(place, Want::Value);
        self.code.store(slot);
        let options = (spawn.options.len() > 1).then(|| self.options(spawn, expr));
        self.code.load(slot);
        self.helper(IS_HERE, &[], expr);
        let (elsewhere, end) = (self.code.label(), self.code.label());
        self.code.jump("jmp_unless", elsewhere);
        let result = self.concrete(expr.ty);
        let result = self.l.asm_type(result);
        match options {
            None => self.code.op(format!("spawn {}", backquoted(name))),
            Some(options) => {
                self.code.load(options);
                self.code.op(format!("spawn_with {}", backquoted(name)));
                self.helper(STARTED, &[message], expr);
            }
        }
        self.code.op(format!("new_variant {result}.Ok"));
        self.code.jump("jmp", end);
        self.code.bind(elsewhere);
        match options {
            None => {
                self.code.load(slot);
                self.helper(PLACE, &[], expr);
                self.code.op(format!("spawn_on {}", backquoted(name)));
            }
            Some(options) => {
                self.code.load(options);
                self.code.op("push \"on\"");
                self.code.height += 2;
                self.code.load(slot);
                self.helper(PLACE, &[], expr);
                self.code.op("set");
                self.code.height -= 2;
                self.code.load(options);
                self.code.op(format!("spawn_with {}", backquoted(name)));
            }
        }
        self.code.load(slot);
        self.helper(SPAWNED, &[message], expr);
        self.code.bind(end);
    }

    /// The options but for the place, as a map by name; where it is.
    fn options(&mut self, spawn: &'c Spawn, expr: &'c Expr) -> Slot {
        let map = self.code.slot("options", "Map<Any, Any>".into());
        self.code.op("map_new Map<Any, Any>");
        self.code.store(map);
        for (option, value) in &spawn.options {
            let name = match option {
                SpawnOption::Link => "link",
                SpawnOption::Mailbox => "mailbox",
                SpawnOption::Full => "full",
                SpawnOption::Memory => "memory",
                // Others look at both.
                SpawnOption::On | SpawnOption::Durable => continue,
            };
            self.code.load(map);
            self.code.op(format!("push \"{name}\""));
            self.code.height += 2;
            self.expr(value, Want::Value);
            if *option == SpawnOption::Full {
                self.helper(FULL, &[], expr);
            }
            self.code.op("set");
            self.code.height -= 3;
        }
        map
    }

    fn refuse_here(&mut self, expr: &Expr, message: &str) {
        let module = self.context().module;
        self.l.refuse(module, expr.span, Mistake::NotAvailable, message.to_owned(), "here");
    }

    /// Calls a function of the module `actor` that the compiler knows by name.
    fn helper(&mut self, name: &str, types: &[Ty], expr: &Expr) {
        match self.l.actor_function(name) {
            Some(id) => {
                let name = self.l.instance(id, types);
                self.code.op(format!("call {}", backquoted(&name)));
            }
            None => self.refuse_here(expr, "the standard library has no such function"),
        }
    }
}

impl super::Lower<'_, '_> {
    fn actor_function(&self, name: &str) -> Option<FnId> {
        let actor = self.p.modules.iter().find(|module| module.is_std && module.path == "actor")?;
        match actor.own.values.get(name) {
            Some(Value::Fn(id)) => Some(*id),
            Some(Value::Const(_)) | None => None,
        }
    }
}
