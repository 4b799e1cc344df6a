//! `nightscribe service`: what a service manager is told, and what it says.
//!
//! - `target`: which service is meant, and what it should be
//! - `manager`: commands to the manager
//! - `install`, `uninstall`, `status`: the commands
//! - `user`: who a unit runs as
//! - `night`: what would keep an installed service from working at night, for `nightscribe check`

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
