//! A terminal's second screen, given back as it was.

use super::line::Line;
use crate::cli::exit::Report;
use anstream::{AutoStream, ColorChoice};
use crossterm::cursor::{Hide, MoveTo, Show};
use crossterm::style::Print;
use crossterm::terminal::{
    self, Clear, ClearType, DisableLineWrap, EnableLineWrap, EnterAlternateScreen,
    LeaveAlternateScreen,
};
use crossterm::{execute, queue};
use std::io::{self, Write};

/// What a terminal has that does not say how large it is.
const USUAL: (u16, u16) = (80, 24);

/// The screen, for as long as it is shown.
pub(super) struct Screen;

impl Screen {
    /// Turns to the second screen.
    ///
    /// # Errors
    /// If the terminal cannot be written to.
    pub(super) fn enter() -> Result<Self, Report> {
        execute!(io::stdout(), EnterAlternateScreen, Hide, DisableLineWrap)?;
        Ok(Self)
    }

    /// Columns and lines.
    pub(super) fn size() -> (usize, usize) {
        let (width, height) = terminal::size()
            .ok()
            .filter(|(width, height)| *width > 0 && *height > 0)
            .unwrap_or(USUAL);
        (width.into(), height.into())
    }

    /// Shows lines in place of the last ones, all by one write, so that nothing flickers.
    ///
    /// # Errors
    /// If the terminal cannot be written to.
    pub(super) fn show(&self, lines: &[Line]) -> Result<(), Report> {
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
            // Cleared before, as behind a full line the cursor stands on its last character.
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
        // A terminal that is gone needs nothing back.
        let _gone = execute!(io::stdout(), EnableLineWrap, Show, LeaveAlternateScreen);
    }
}
