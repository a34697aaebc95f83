//! Threads for host functions that block.
//!
//! A thread is started when a call comes and all threads are busy, up to a limit; until the first such call there is
//! none. Results go to the driver as events, in the order in which calls end.
//!
//! **Invariant:** every call that was submitted gives exactly one result, also when its function panics.

use crate::host::Answer;
use fardel_vm::door::HostCallId;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};

/// What reaches the driver from other threads.
pub(crate) enum Event {
    /// A host call has ended.
    Done {
        /// Which.
        call: HostCallId,
        /// With what.
        answer: Answer,
        /// Whether a call of this kind is worth waiting for when the program has ended.
        awaited: bool,
    },
    /// Somebody interrupted the run.
    Interrupted,
}

/// Who is to be woken when there is an event, once that is set.
pub(crate) type Alarm = Arc<OnceLock<Box<dyn Fn() + Send + Sync>>>;

/// Where events go.
#[derive(Clone)]
pub(crate) struct EventSender {
    events: Sender<Event>,
    alarm: Alarm,
}

impl EventSender {
    pub(crate) fn new(events: Sender<Event>, alarm: Alarm) -> EventSender {
        EventSender { events, alarm }
    }

    /// Sends an event; whether there is still somebody to take it.
    pub(crate) fn send(&self, event: Event) -> bool {
        let sent = self.events.send(event).is_ok();
        if let Some(alarm) = self.alarm.get() {
            alarm();
        }
        sent
    }
}

/// Threads that carry out calls of one kind.
pub(crate) struct Workers {
    name: &'static str,
    threads_max: usize,
    threads: usize,
    awaited: bool,
    shared: Arc<Shared>,
    events: EventSender,
}

struct Shared {
    queue: Mutex<Queue>,
    wake: Condvar,
}

#[derive(Default)]
struct Queue {
    jobs: VecDeque<Job>,
    idle: usize,
    closed: bool,
}

struct Job {
    call: HostCallId,
    work: Box<dyn FnOnce() -> Answer + Send>,
}

impl Shared {
    // Nothing panics while it holds the lock, and the queue is whole between any two of its operations.
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Workers {
    pub(crate) fn new(name: &'static str, threads_max: usize, awaited: bool, events: EventSender) -> Self {
        assert!(threads_max > 0);
        let shared = Arc::new(Shared { queue: Mutex::default(), wake: Condvar::new() });
        Workers { name, threads_max, threads: 0, awaited, shared, events }
    }

    /// Has the call carried out as soon as a thread is free.
    ///
    /// # Errors
    /// When there is no thread and the system gives none.
    pub(crate) fn submit(&mut self, call: HostCallId, work: impl FnOnce() -> Answer + Send + 'static) -> Result<(), String> {
        let busy = {
            let queue = self.shared.lock();
            queue.idle <= queue.jobs.len()
        };
        if busy && self.threads < self.threads_max {
            match self.start() {
                Ok(()) => self.threads += 1,
                Err(error) if self.threads == 0 => return Err(format!("the system gives no thread to wait in: {error}")),
                // The threads there are will come to it.
                Err(_) => {}
            }
        }
        self.shared.lock().jobs.push_back(Job { call, work: Box::new(work) });
        self.shared.wake.notify_one();
        Ok(())
    }

    fn start(&self) -> std::io::Result<()> {
        let (shared, events, awaited) = (Arc::clone(&self.shared), self.events.clone(), self.awaited);
        let name = format!("{}-{}", self.name, self.threads + 1);
        std::thread::Builder::new().name(name).spawn(move || serve(&shared, &events, awaited)).map(drop)
    }
}

impl Drop for Workers {
    // A thread that is in a call goes on until the call ends; nobody waits for it.
    fn drop(&mut self) {
        let mut queue = self.shared.lock();
        queue.closed = true;
        queue.jobs.clear();
        self.shared.wake.notify_all();
    }
}

fn serve(shared: &Shared, events: &EventSender, awaited: bool) {
    while let Some(job) = next(shared) {
        let answer = guarded(job.work);
        if !events.send(Event::Done { call: job.call, answer, awaited }) {
            return;
        }
    }
}

fn next(shared: &Shared) -> Option<Job> {
    let mut queue = shared.lock();
    loop {
        if queue.closed {
            return None;
        }
        if let Some(job) = queue.jobs.pop_front() {
            return Some(job);
        }
        queue.idle += 1;
        queue = shared.wake.wait(queue).unwrap_or_else(PoisonError::into_inner);
        queue.idle -= 1;
    }
}

/// Calls a host function; a panic of it is its failure, not the driver's.
pub(crate) fn guarded(work: impl FnOnce() -> Answer) -> Answer {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err("the host function panicked".into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use fardel_vm::value::Value;
    use std::collections::BTreeSet;
    use std::sync::Barrier;
    use std::sync::mpsc::{Receiver, channel};
    use std::thread;

    fn done(events: &Receiver<Event>) -> (u64, Answer) {
        match events.recv() {
            Ok(Event::Done { call, answer, .. }) => (call.0, answer),
            Ok(Event::Interrupted) | Err(_) => panic!("no result came"),
        }
    }

    #[test]
    fn calls_run_beside_each_other_up_to_the_limit() {
        let (sender, events) = channel();
        let mut workers = Workers::new("test", 3, true, EventSender::new(sender, Alarm::default()));
        // Each waits for the two others: with fewer than three threads nobody would ever get further.
        let barrier = Arc::new(Barrier::new(3));
        for call in 0..9 {
            let barrier = Arc::clone(&barrier);
            let work = move || {
                barrier.wait();
                Ok(Value::Text(thread::current().name().unwrap_or_default().to_string()))
            };
            workers.submit(HostCallId(call), work).expect("a thread starts");
        }
        let results: Vec<_> = (0..9).map(|_| done(&events)).collect();
        assert_eq!(results.iter().map(|(call, _)| *call).collect::<BTreeSet<_>>(), (0..9).collect());
        let threads: BTreeSet<String> = results.iter().map(|(_, answer)| format!("{answer:?}")).collect();
        assert_eq!(threads.len(), 3, "{threads:?}");
    }

    #[test]
    fn one_thread_serves_calls_that_do_not_overlap() {
        let (sender, events) = channel();
        let mut workers = Workers::new("test", 8, true, EventSender::new(sender, Alarm::default()));
        for call in 0..4 {
            workers.submit(HostCallId(call), || Ok(Value::Null)).expect("a thread starts");
            assert_eq!(done(&events), (call, Ok(Value::Null)));
            while workers.shared.lock().idle == 0 {
                thread::yield_now();
            }
        }
        assert_eq!(workers.threads, 1);
    }

    #[test]
    fn a_panic_is_the_result_of_its_call() {
        let (sender, events) = channel();
        let mut workers = Workers::new("test", 1, true, EventSender::new(sender, Alarm::default()));
        workers.submit(HostCallId(1), || panic!("on purpose")).expect("a thread starts");
        workers.submit(HostCallId(2), || Ok(Value::Int(2))).expect("a thread is there");
        assert_eq!(done(&events), (1, Err("the host function panicked".into())));
        assert_eq!(done(&events), (2, Ok(Value::Int(2))));
    }
}
