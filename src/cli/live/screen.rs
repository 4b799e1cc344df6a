//! Alternate screen of the terminal. Dropping it restores the normal screen.

use super::line::StyledLine;
use crate::cli::exit::CommandError;
use anstream::{AutoStream, ColorChoice};
use crossterm::cursor::{Hide, MoveTo, Show};
use crossterm::style::Print;
use crossterm::terminal::{
    self, Clear, ClearType, DisableLineWrap, EnableLineWrap, EnterAlternateScreen,
    LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use crossterm::{execute, queue};
use std::io::{self, Write};

/// Assumed size of a terminal that does not report one: columns and lines.
const DEFAULT_SIZE: (u16, u16) = (80, 24);

/// Guard of the alternate screen.
pub(super) struct Screen;

impl Screen {
    /// Switches to the alternate screen, where keys are not echoed.
    ///
    /// # Errors
    /// If the terminal cannot be written to.
    pub(super) fn enter() -> Result<Self, CommandError> {
        enable_raw_mode()?;
        execute!(io::stdout(), EnterAlternateScreen, Hide, DisableLineWrap)?;
        Ok(Self)
    }

    /// Returns the size in columns and lines.
    pub(super) fn size() -> (usize, usize) {
        let (width, height) = terminal::size()
            .ok()
            .filter(|(width, height)| *width > 0 && *height > 0)
            .unwrap_or(DEFAULT_SIZE);
        (width.into(), height.into())
    }

    /// Replaces the shown lines. Uses a single write to avoid flicker.
    ///
    /// # Errors
    /// If the terminal cannot be written to.
    pub(super) fn show(&self, lines: &[StyledLine]) -> Result<(), CommandError> {
        let mut out = io::stdout().lock();
        let is_plain = AutoStream::choice(&out) == ColorChoice::Never;
        let mut frame = Vec::new();
        queue!(frame, MoveTo(0, 0))?;
        for (number, line) in lines.iter().enumerate() {
            let end = if number == 0 { "" } else { "\r\n" };
            let text = if is_plain {
                line.text.clone()
            } else {
                line.styled()
            };
            // Clear first: after a line of full width, the cursor is on its last character, which would be cleared.
            queue!(
                frame,
                Print(end),
                Clear(ClearType::UntilNewLine),
                Print(text)
            )?;
        }
        if lines.len() < Self::size().1 {
            queue!(frame, Print("\r\n"), Clear(ClearType::FromCursorDown))?;
        }
        out.write_all(&frame)?;
        out.flush()?;
        Ok(())
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _closed = execute!(io::stdout(), EnableLineWrap, Show, LeaveAlternateScreen);
        let _restored = disable_raw_mode();
    }
}
