//! Running a program without a shell. On a time-out the program is killed together with its child processes.
//!
//! - `run`: a program whose result is its exit status
//! - `capture`: a program whose output is read, within bounds
//! - `streams`: its standard streams; `process_group`: the program with its child processes
//! - `find`: the file of a program

mod capture;
mod find;
mod process_group;
mod run;
mod streams;

pub use capture::{CaptureError, Captured, capture};
pub use find::find_executable;
pub use process_group::Bounds;
pub use run::{Invocation, ProgramError, run, run_attached};
