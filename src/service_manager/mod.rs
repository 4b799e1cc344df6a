//! Service files as text, and service manager commands as argument lists. Nothing here writes a file or runs a command.
//!
//! - [`scope`]: service manager, system or user scope, and file locations
//! - [`setup`]: parameters of a service, derived from the configuration
//! - [`systemd`]: systemd unit
//! - [`quote`]: quoting of paths in a unit
//! - [`launchd`]: launchd property list
//! - [`steps`]: commands that start, stop and query the service
//! - [`user`]: OS users and their permissions
//! - `marker`: recognizing the service files that this program wrote
//! - [`unit_file`]: reading an installed unit

pub mod launchd;
mod marker;
pub mod quote;
pub mod scope;
pub mod setup;
pub mod steps;
pub mod systemd;
pub mod unit_file;
pub mod user;

pub use marker::is_generated;
pub use scope::{Scope, ServiceManager};
pub use setup::{Identity, ServiceKey, ServiceSpec, SpecError};

/// Returns the text of the service file.
#[must_use]
pub fn render(manager: ServiceManager, setup: &ServiceSpec) -> String {
    match manager {
        ServiceManager::Systemd => systemd::unit(setup),
        ServiceManager::Launchd => launchd::property_list(setup),
    }
}
