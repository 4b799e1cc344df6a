//! `nightscribe service`: installs and inspects the service.
//!
//! - `target`: selection of the service and its intended setup
//! - `manager`: commands to the service manager
//! - `installed_unit`: the installed service file and its drop-ins
//! - `install`, `uninstall`, `status`: the subcommands
//! - `unit_user`: user of a unit and its permissions
//! - `readiness`: checks that an installed service can run unattended, for `nightscribe check`

pub(super) mod install;
mod installed_unit;
mod manager;
pub(crate) mod readiness;
mod status;
mod target;
pub(super) mod uninstall;
pub(crate) mod unit_user;

use super::args::{GlobalArgs, ServiceCommand};
use super::exit::{CommandError, Exit};
use target::ServiceTarget;

pub(super) fn service(command: &ServiceCommand, global: &GlobalArgs) -> Result<Exit, CommandError> {
    match command {
        ServiceCommand::Install(args) => {
            install::install(&ServiceTarget::from_args(&args.service)?, global, args.json)
        }
        ServiceCommand::Uninstall(args) => {
            uninstall::uninstall(&ServiceTarget::from_args(&args.service)?, args.json)
        }
        ServiceCommand::Status(args) => {
            status::status(&ServiceTarget::from_args(&args.service)?, global, args.json)
        }
    }
}
