//! Branch targets, the ranges of handlers, and what holds where ways meet.
//!
//! A branch compares the whole operand stack with its target's; what that costs is bounded by [`super::pass::Cells`].
//!
//! **Invariant:** on arrival at a target, stack and assigned locals become exactly what the target declares, whatever way
//! led there.

use super::error::{Checked, ErrorCode, fault};
use super::pass::Pass;
use crate::index::{LocalIndex, TargetIndex};
use crate::limits::STACK_MAX;
use crate::module::{LocalSet, Target};
use crate::types::ERROR;

/// What is known of a function's targets and handlers while its code is walked over.
#[derive(Default)]
pub(super) struct Places {
    /// The next offset at which a target stands or a range begins or ends.
    pub(super) next: u32,
    /// Whether the next instruction that may trap has to be held against the innermost handler.
    pub(super) guard_due: bool,
    /// For each target whether a branch or handler leads to it, and whether a branch does so backwards.
    used: Vec<bool>,
    headers: Vec<bool>,
    next_target: usize,
    /// The handlers in the order of their starts, outer ones first; which comes next, and which cover this place.
    order: Vec<u32>,
    next_handler: usize,
    covering: Vec<u32>,
}

impl Places {
    /// The handler that an instruction here traps to.
    #[inline]
    pub(super) fn innermost(&self) -> Option<usize> {
        self.covering.last().map(|at| *at as usize)
    }

    /// For each target whether a branch leads backwards to it.
    pub(super) fn take_headers(&mut self) -> Vec<bool> {
        std::mem::take(&mut self.headers)
    }
}

impl Pass<'_> {
    /// Checks targets and handlers by themselves and starts to count them off.
    pub(super) fn begin_places(&mut self) -> Checked<()> {
        self.check_targets()?;
        self.check_handlers()?;
        let (targets, handlers) = (&self.function.targets, &self.function.handlers);
        let places = &mut self.places;
        for flags in [&mut places.used, &mut places.headers] {
            flags.clear();
            flags.resize(targets.len(), false);
        }
        for handler in handlers {
            places.used.get_mut(handler.target.at()).into_iter().for_each(|used| *used = true);
        }
        places.order.clear();
        places.order.extend(0..handlers.len() as u32);
        places.order.sort_unstable_by_key(|at| {
            handlers.get(*at as usize).map(|handler| (handler.start, std::cmp::Reverse(handler.end)))
        });
        places.covering.clear();
        (places.next_target, places.next_handler, places.guard_due) = (0, 0, false);
        self.find_next();
        Ok(())
    }

    fn check_targets(&self) -> Checked<()> {
        let locals = LocalSet::first(self.locals.len());
        let mut end = 0;
        for (at, target) in self.function.targets.iter().enumerate() {
            if target.offset.0 < end {
                return fault(ErrorCode::TargetOrder, format!("target {at} is at {}, wanted {end} or more", target.offset));
            }
            end = target.offset.0.saturating_add(1);
            if target.stack.len() > STACK_MAX {
                return fault(
                    ErrorCode::OverLimit,
                    format!("target {at} takes {} values, at most {STACK_MAX}", target.stack.len()),
                );
            }
            if let Some(ty) = target.stack.iter().find(|ty| self.types.get(**ty).is_none()) {
                return fault(ErrorCode::UnknownType, format!("target {at} takes type {ty}, which is not declared"));
            }
            if let Some(local) = missing(&target.live, &locals) {
                let count = self.locals.len();
                return fault(
                    ErrorCode::TargetLocals,
                    format!("local {local} is live at target {at}, the function has {count}"),
                );
            }
        }
        Ok(())
    }

    fn check_handlers(&self) -> Checked<()> {
        // Ranges before this one that are not inside another; each is looked at once more when an outer one takes it in.
        let mut roots: Vec<(u32, u32)> = Vec::new();
        for (at, handler) in self.function.handlers.iter().enumerate() {
            let (start, end) = (handler.start.0, handler.end.0);
            if start >= end || end as usize > self.function.code.len() {
                let length = self.function.code.len();
                return fault(
                    ErrorCode::HandlerRange,
                    format!("handler {at} covers {start} to {end} of {length} bytes of code"),
                );
            }
            if roots.last().is_some_and(|last| last.1 > end || *last == (start, end)) {
                return fault(
                    ErrorCode::HandlerOrder,
                    format!("handler {at}, {start} to {end}, does not belong behind the one before it"),
                );
            }
            while roots.last().is_some_and(|last| start <= last.0) {
                roots.pop();
            }
            if let Some(last) = roots.last().filter(|last| start < last.1) {
                let detail = format!("handler {at}, {start} to {end}, overlaps the one from {} to {}", last.0, last.1);
                return fault(ErrorCode::HandlerOrder, detail);
            }
            roots.push((start, end));
            let Some(target) = self.function.targets.get(handler.target.at()) else {
                return self.unknown_target(handler.target);
            };
            if target.offset.0 < end {
                let detail =
                    format!("handler {at} ends at {end} and leads back to {}, wanted a target behind it", target.offset);
                return fault(ErrorCode::HandlerTarget, detail);
            }
            if target.stack != [ERROR] {
                let (seen, wanted) = (self.display_stack(target), self.types.display(ERROR));
                return fault(
                    ErrorCode::HandlerTarget,
                    format!("the target of handler {at} takes [{seen}], wanted [{wanted}]"),
                );
            }
        }
        Ok(())
    }

    fn find_next(&mut self) {
        let places = &mut self.places;
        let handler = |at: &u32| self.function.handlers.get(*at as usize);
        let target = self.function.targets.get(places.next_target).map(|target| target.offset.0);
        let start = places.order.get(places.next_handler).and_then(handler).map(|handler| handler.start.0);
        let end = places.covering.last().and_then(handler).map(|handler| handler.end.0);
        places.next = [target, start, end].into_iter().flatten().min().unwrap_or(u32::MAX);
    }

    /// Looks at what stands at this place; the target, if there is one.
    pub(super) fn arrive(&mut self, reached: bool) -> Checked<Option<TargetIndex>> {
        self.leave_ranges()?;
        let mut arrived = None;
        if let Some(target) =
            self.function.targets.get(self.places.next_target).filter(|target| target.offset.0 <= self.offset)
        {
            let index = TargetIndex(self.places.next_target as u32);
            if target.offset.0 < self.offset {
                return fault(
                    ErrorCode::TargetPlace,
                    format!("target {index} is at {}, inside an instruction", target.offset),
                );
            }
            if reached {
                self.join(target)?;
            }
            self.stack.clear();
            self.stack.extend_from_slice(&target.stack);
            self.assigned = target.live;
            self.places.guard_due = !self.places.covering.is_empty();
            self.places.next_target += 1;
            arrived = Some(index);
        }
        self.enter_ranges()?;
        self.find_next();
        Ok(arrived)
    }

    fn leave_ranges(&mut self) -> Checked<()> {
        while let Some(handler) = self.places.innermost() {
            let Some(end) =
                self.function.handlers.get(handler).map(|handler| handler.end.0).filter(|end| *end <= self.offset)
            else {
                break;
            };
            if end < self.offset {
                return fault(ErrorCode::HandlerRange, format!("handler {handler} ends at {end}, inside an instruction"));
            }
            self.places.covering.pop();
            self.places.guard_due = !self.places.covering.is_empty();
        }
        Ok(())
    }

    fn enter_ranges(&mut self) -> Checked<()> {
        while let Some(at) = self.places.order.get(self.places.next_handler).copied() {
            let Some(start) =
                self.function.handlers.get(at as usize).map(|handler| handler.start.0).filter(|start| *start <= self.offset)
            else {
                break;
            };
            if start < self.offset {
                return fault(ErrorCode::HandlerRange, format!("handler {at} starts at {start}, inside an instruction"));
            }
            self.places.covering.push(at);
            self.places.next_handler += 1;
            self.places.guard_due = true;
        }
        Ok(())
    }

    /// Holds the assigned locals against the innermost handler, to which the instruction here may trap.
    ///
    /// Until the next target or range no local becomes unassigned, so once is enough.
    pub(super) fn guard(&mut self) -> Checked<()> {
        self.places.guard_due = false;
        let handler = self.places.innermost().and_then(|at| self.function.handlers.get(at));
        let Some(target) = handler.and_then(|handler| self.function.targets.get(handler.target.at())) else { return Ok(()) };
        let Some(local) = missing(&target.live, &self.assigned) else { return Ok(()) };
        let name = self.mnemonic.unwrap_or("?");
        fault(
            ErrorCode::HandlerLocals,
            format!("`{name}` may trap, and the handler at {} reads local {local}, which is not assigned", target.offset),
        )
    }

    /// A branch of this instruction to a target.
    #[inline]
    pub(super) fn branch(&mut self, index: TargetIndex) -> Checked<()> {
        let function = self.function;
        let (Some(target), Some(used)) = (function.targets.get(index.at()), self.places.used.get_mut(index.at())) else {
            return self.unknown_target(index);
        };
        *used = true;
        if target.offset.0 <= self.offset
            && let Some(header) = self.places.headers.get_mut(index.at())
        {
            *header = true;
        }
        self.join(target)
    }

    /// Holds what is here against what the target takes.
    #[inline]
    fn join(&self, target: &Target) -> Checked<()> {
        if self.stack.len() != target.stack.len() {
            return self.wrong_height(target);
        }
        let mut slots = self.stack.iter().zip(&target.stack);
        if let Some(at) = slots.position(|(seen, wanted)| !self.types.assignable(*seen, *wanted)) {
            return self.wrong_slot(target, at);
        }
        if self.assigned.contains_all(&target.live) { Ok(()) } else { self.wrong_locals(target) }
    }

    /// Checks at the code's end what is to say of targets and handlers as a whole.
    pub(super) fn end_places(&mut self) -> Checked<()> {
        self.leave_ranges()?;
        if let Some(target) = self.function.targets.get(self.places.next_target) {
            let index = self.places.next_target;
            return fault(
                ErrorCode::TargetPlace,
                format!("target {index} is at {}, the last instruction ends at {}", target.offset, self.offset),
            );
        }
        if let Some(unused) = self.places.used.iter().position(|used| !used) {
            return fault(ErrorCode::TargetUnused, format!("no branch and no handler leads to target {unused}"));
        }
        let mut last = None;
        for (at, point) in self.function.serve_points.iter().enumerate() {
            let Some(target) = self.function.targets.get(point.target.at()) else {
                return self.unknown_target(point.target);
            };
            let problem = if last.is_some_and(|last| point.target <= last) {
                "does not stand in the order of targets"
            } else if !self.places.headers.get(point.target.at()).copied().unwrap_or(false) {
                "is at a target to which no branch leads backwards"
            } else if !target.live.contains(point.state) {
                "has a state that is not live there"
            } else {
                last = Some(point.target);
                continue;
            };
            return fault(
                ErrorCode::ServePoint,
                format!("serve point {at}, target {}, state local {}, {problem}", point.target, point.state),
            );
        }
        Ok(())
    }

    #[cold]
    fn unknown_target<T>(&self, target: TargetIndex) -> Checked<T> {
        let count = self.function.targets.len();
        fault(ErrorCode::UnknownOperand, format!("target {target} does not exist, the function has {count}"))
    }

    #[cold]
    fn wrong_height<T>(&self, target: &Target) -> Checked<T> {
        let (seen, wanted) = (self.stack.len(), self.display_stack(target));
        fault(
            ErrorCode::BranchHeight,
            format!("{seen} values on the operand stack, the target at {} wants [{wanted}]", target.offset),
        )
    }

    #[cold]
    fn wrong_slot<T>(&self, target: &Target, at: usize) -> Checked<T> {
        let name = |stack: &[crate::index::TypeIndex]| stack.get(at).map_or_else(String::new, |ty| self.types.display(*ty));
        let (seen, wanted) = (name(&self.stack), name(&target.stack));
        let (depth, place) = (self.stack.len() - at - 1, target.offset);
        fault(
            ErrorCode::BranchType,
            format!("the value {depth} below the top is {seen}, the target at {place} wants {wanted}"),
        )
    }

    #[cold]
    fn wrong_locals<T>(&self, target: &Target) -> Checked<T> {
        let local = missing(&target.live, &self.assigned).unwrap_or_default();
        fault(
            ErrorCode::BranchLocals,
            format!("local {local} is not assigned here, the target at {} reads it", target.offset),
        )
    }

    /// A target's stack as written, the lower slots left out when there are many.
    fn display_stack(&self, target: &Target) -> String {
        const SHOWN: usize = 8;
        let hidden = target.stack.len().saturating_sub(SHOWN);
        let shown = target.stack.iter().skip(hidden).map(|ty| self.types.display(*ty));
        let all: Vec<String> = (hidden > 0).then(|| "..".to_owned()).into_iter().chain(shown).collect();
        all.join(", ")
    }
}

/// The first local in `wanted` that is not in `seen`.
fn missing(wanted: &LocalSet, seen: &LocalSet) -> Option<LocalIndex> {
    if seen.contains_all(wanted) { None } else { wanted.iter().find(|local| !seen.contains(*local)) }
}
