//! Programs over several nodes, in one thread, with virtual time.

mod faults;
mod hostile;
mod members;
mod names;
mod operate;
mod programs;
mod rights;
mod sim;
mod starts;
