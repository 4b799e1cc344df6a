//! Name of this machine.

use crate::domain::one_line;

/// Returns the name of this machine, as messages show it.
#[must_use]
pub fn host_name() -> String {
    one_line(&rustix::system::uname().nodename().to_string_lossy())
}
