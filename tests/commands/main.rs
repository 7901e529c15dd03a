//! The commands that come after training, run by the real binary on runs that it trained: evaluate, compare, predict, explain,
//! the list of runs, and a run of an older version. One binary, so that they share a build and run side by side.

#[path = "../support/mod.rs"]
mod support;

mod compare;
mod evaluate;
mod explain;
mod old_run;
mod predict;
mod runs;
