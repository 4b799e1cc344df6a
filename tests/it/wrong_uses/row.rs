//! Rows of the tables.

use crate::harness::TestEnv;
use std::process::Command;

/// Set-up of an environment, with its description.
type SetUp = (&'static str, fn(&TestEnv));
/// Change of a command, with its description.
type CommandChange = (&'static str, fn(&mut Command));

/// A wrong use of a command.
pub struct WrongUse {
    /// Arguments of the command.
    pub args: &'static [&'static str],
    /// Expected exit code.
    pub code: i32,
    /// Set-up with its description, in an environment of its own.
    pub given: Option<SetUp>,
    /// Sections of the configuration in addition to the default ones.
    pub config: Option<&'static str>,
    /// Environment variables.
    pub variables: &'static [(&'static str, &'static str)],
    /// Standard input.
    pub stdin: Option<&'static str>,
    /// Change of the command before it starts.
    pub change: Option<CommandChange>,
    /// Whether standard output has a result, too: that of what was right, or of `check`.
    pub has_result: bool,
}

/// Creates a row. Nothing may be printed on standard output.
pub const fn wrong(args: &'static [&'static str], code: i32) -> WrongUse {
    WrongUse {
        args,
        code,
        given: None,
        config: None,
        variables: &[],
        stdin: None,
        change: None,
        has_result: false,
    }
}

impl WrongUse {
    /// Prepares an environment of its own.
    pub const fn given(mut self, what: &'static str, prepare: fn(&TestEnv)) -> Self {
        self.given = Some((what, prepare));
        self
    }

    /// Adds sections to the configuration.
    pub const fn config(mut self, text: &'static str) -> Self {
        self.config = Some(text);
        self
    }

    /// Sets environment variables.
    pub const fn variables(mut self, variables: &'static [(&'static str, &'static str)]) -> Self {
        self.variables = variables;
        self
    }

    /// Passes text on standard input.
    pub const fn stdin(mut self, text: &'static str) -> Self {
        self.stdin = Some(text);
        self
    }

    /// Changes the command before it starts.
    pub const fn changed(mut self, what: &'static str, change: fn(&mut Command)) -> Self {
        self.change = Some((what, change));
        self
    }

    /// Expects a result on standard output.
    pub const fn with_result(mut self) -> Self {
        self.has_result = true;
        self
    }

    /// Whether the row changes its environment before the command.
    pub const fn needs_its_own(&self) -> bool {
        self.given.is_some() || self.config.is_some()
    }
}
