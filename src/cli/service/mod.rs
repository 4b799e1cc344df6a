//! `nightscribe service`: installs and inspects the service.
//!
//! - `target`: selection of the service and its intended setup
//! - `manager`: commands to the service manager
//! - `install`, `uninstall`, `status`: the subcommands
//! - `user`: user of a unit and its permissions
//! - `night`: checks that an installed service can run unattended, for `nightscribe check`

mod install;
mod manager;
pub(super) mod night;
mod status;
mod target;
mod uninstall;
mod user;

use super::args::{Global, Service};
use super::exit::{Exit, Report};
use target::Target;

pub(super) fn service(command: &Service, global: &Global) -> Result<Exit, Report> {
    match command {
        Service::Install(whose) => install::install(&Target::of(whose)?, global),
        Service::Uninstall(whose) => uninstall::uninstall(&Target::of(whose)?),
        Service::Status(whose) => status::status(&Target::of(whose)?, global),
    }
}
