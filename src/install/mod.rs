//! What a service manager is told, so that it runs nightscribe every night: files as text, commands as lists, and who
//! may read what. Nothing here writes a file or runs a command.
//!
//! - [`scope`]: whose service it is, which manager runs it, and where that one looks for it
//! - [`setup`]: what of the configuration a service manager must know
//! - [`systemd`]: the unit
//! - [`quote`]: paths in a unit
//! - [`launchd`]: the property list of macOS
//! - [`steps`]: the commands that start, stop and ask
//! - [`account`]: users, and what a folder lets them do
//! - [`installed`]: what an installed unit says

pub mod account;
pub mod installed;
pub mod launchd;
pub mod quote;
pub mod scope;
pub mod setup;
pub mod steps;
pub mod systemd;

pub use scope::{Manager, Scope};
pub use setup::{Identity, Key, Setup, Unfit};

/// The file of a service.
#[must_use]
pub fn rendered(manager: Manager, setup: &Setup) -> String {
    match manager {
        Manager::Systemd => systemd::unit(setup),
        Manager::Launchd => launchd::property_list(setup),
    }
}

/// Whether a file at the service's place was written by this program, and may be replaced or removed by it.
#[must_use]
pub fn is_ours(text: &str) -> bool {
    text.contains(MARK)
}

/// Is in every file that this program writes for a service manager.
const MARK: &str = "Written by `nightscribe service install`";
