//! A program that is used if it is installed.

use crate::config::{Config, OptionalProgram};
use crate::runtime::subprocess::CaptureError;
use std::path::Path;
use tokio::sync::OnceCell;

/// A program that is used if it is installed and works. It is started when it is first needed.
#[derive(Debug)]
pub struct OptionalTool<T> {
    program: OptionalProgram,
    withheld: Vec<String>,
    /// Warning for a program that does not work.
    warning: &'static str,
    started: OnceCell<Option<T>>,
}

impl<T> OptionalTool<T> {
    /// Sets it up. Runs nothing.
    #[must_use]
    pub fn new(program: &OptionalProgram, config: &Config, warning: &'static str) -> Self {
        Self {
            program: program.clone(),
            withheld: config.secret_variables(),
            warning,
            started: OnceCell::new(),
        }
    }

    /// Returns the tool. The first call starts it with `start`, which gets the path of the program and the variables to remove
    /// from its environment. Returns `None` if no program works.
    pub async fn get(
        &self,
        start: impl AsyncFnOnce(&Path, Vec<String>) -> Result<T, CaptureError>,
    ) -> Option<&T> {
        let started = async || match &self.program {
            OptionalProgram::At(program) => self.checked(program, start).await,
            OptionalProgram::Never | OptionalProgram::NotFound => None,
        };
        self.started.get_or_init(started).await.as_ref()
    }

    async fn checked(
        &self,
        program: &Path,
        start: impl AsyncFnOnce(&Path, Vec<String>) -> Result<T, CaptureError>,
    ) -> Option<T> {
        let started = start(program, self.withheld.clone()).await;
        started
            .inspect_err(|error| {
                tracing::warn!(program = %program.display(), %error, "{}", self.warning);
            })
            .ok()
    }
}
