//! `nightscribe completions` and `nightscribe man`

use super::args::{Cli, ManArgs};
use super::candidates::VARIABLE;
use super::exit::{CommandError, Exit};
use super::manual_config::configuration_page;
use super::terminal::printable_path;
use clap::CommandFactory;
use clap_complete::env::{CompleteEnv, Shells};
use std::io::{self, Write};
use std::path::Path;

/// Answers a completion request of the shell, then exits the process.
///
/// Returns if there is no such request. Must run before anything is printed.
pub(super) fn answer_completion() {
    CompleteEnv::with_factory(Cli::command)
        .var(VARIABLE)
        .complete();
}

/// Prints a completion script.
///
/// The script calls this program for candidates, so it can complete the configured sources.
pub(super) fn completions(shell: clap_complete::Shell) -> Result<Exit, CommandError> {
    let mut script = Vec::new();
    let name = "nightscribe";
    let shells = Shells::builtins();
    let Some(completer) = shells.completer(&shell.to_string()) else {
        let message = format!("no completion script for {shell}");
        return Err(CommandError::new(Exit::Usage, message));
    };
    completer.write_registration(VARIABLE, name, name, name, &mut script)?;
    io::stdout().lock().write_all(&script)?;
    Ok(Exit::Done)
}

pub(super) fn man(args: &ManArgs) -> Result<Exit, CommandError> {
    let Some(dir) = &args.dir else {
        io::stdout().lock().write_all(&page()?)?;
        return Ok(Exit::Done);
    };
    pages(dir).map_err(|error| {
        let message = format!("cannot write to `{}`: {error}", printable_path(dir));
        CommandError::new(Exit::Usage, message)
    })?;
    Ok(Exit::Done)
}

/// Writes one page per command, the complete page, and that of the configuration.
fn pages(dir: &Path) -> io::Result<()> {
    std::fs::create_dir_all(dir)?;
    clap_mangen::generate_to(Cli::command(), dir)?;
    std::fs::write(dir.join("nightscribe.1"), page()?)?;
    std::fs::write(dir.join("nightscribe.toml.5"), configuration_page())
}

/// Returns one page with all commands, so that a search in it finds everything.
fn page() -> io::Result<Vec<u8>> {
    let mut page = Vec::new();
    let command = Cli::command();
    clap_mangen::Man::new(command.clone()).render(&mut page)?;
    for command in command.get_subcommands() {
        let man = clap_mangen::Man::new(command.clone());
        writeln!(
            page,
            ".SH \"NIGHTSCRIBE {}\"",
            command.get_name().to_uppercase()
        )?;
        man.render_synopsis_section(&mut page)?;
        man.render_description_section(&mut page)?;
        man.render_options_section(&mut page)?;
    }
    Ok(page)
}
