//! `nightscribe completions` and `nightscribe man`

use super::args::Cli;
use super::exit::{Exit, Report};
use clap::CommandFactory;
use std::io::Write;

pub(super) fn completions(shell: clap_complete::Shell) -> Result<Exit, Report> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "nightscribe", &mut script);
    std::io::stdout().lock().write_all(&script)?;
    Ok(Exit::Done)
}

pub(super) fn man() -> Result<Exit, Report> {
    let mut page = Vec::new();
    let command = Cli::command();
    clap_mangen::Man::new(command.clone()).render(&mut page)?;
    // One page that holds every command: it is what people search in.
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
    std::io::stdout().lock().write_all(&page)?;
    Ok(Exit::Done)
}
