//! Keys of the live view, and what they change.

use crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

/// Lines that a page key scrolls.
const PAGE: usize = 10;

/// Choices of the user.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Controls {
    /// Whether only failures are shown.
    pub(super) only_failed: bool,
    /// Part of the names that are shown, in any case. Empty shows all.
    pub(super) filter: String,
    /// Whether keys are added to the filter.
    pub(super) is_typing: bool,
    /// Number of lines that are scrolled over.
    pub(super) scroll: usize,
}

/// Effect of a key on the view.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    /// The view is drawn again.
    Redraw,
    /// The view ends.
    Quit,
    /// Nothing.
    None,
}

impl Controls {
    /// Whether everything is shown from its beginning.
    pub(super) const fn is_overview(&self) -> bool {
        !self.only_failed && self.filter.is_empty() && self.scroll == 0
    }

    /// Whether a name contains the filter.
    pub(super) fn shows(&self, name: &str) -> bool {
        name.to_lowercase().contains(&self.filter.to_lowercase())
    }

    /// Returns the line that explains the keys, or shows the filter.
    pub(super) fn footer(&self) -> String {
        if self.is_typing {
            return format!("/{}▏  Enter keeps the filter, Esc removes it", self.filter);
        }
        let failures = if self.only_failed {
            "f all"
        } else {
            "f failures"
        };
        let filter = match self.filter.as_str() {
            "" => "/ filter".to_owned(),
            filter => format!("/ filter: {filter} (Esc removes it)"),
        };
        format!("q quit · ↑↓ scroll · {failures} · {filter}")
    }

    /// Applies an event of the terminal.
    pub(super) fn apply(&mut self, event: &Event) -> Effect {
        match event {
            Event::Key(key) if key.kind != KeyEventKind::Release => self.press(key),
            Event::Resize(..) => Effect::Redraw,
            _ => Effect::None,
        }
    }

    fn press(&mut self, key: &KeyEvent) -> Effect {
        if key.modifiers.contains(KeyModifiers::CONTROL) {
            let is_end = matches!(key.code, KeyCode::Char('c' | 'd'));
            return if is_end { Effect::Quit } else { Effect::None };
        }
        if self.is_typing {
            return self.type_key(key.code);
        }
        match key.code {
            KeyCode::Char('q') => return Effect::Quit,
            KeyCode::Char('f') => (self.only_failed, self.scroll) = (!self.only_failed, 0),
            KeyCode::Char('/') => self.is_typing = true,
            KeyCode::Esc => *self = Self::default(),
            KeyCode::Down | KeyCode::Char('j') => self.scroll += 1,
            KeyCode::Up | KeyCode::Char('k') => self.scroll = self.scroll.saturating_sub(1),
            KeyCode::PageDown | KeyCode::Char(' ') => self.scroll += PAGE,
            KeyCode::PageUp => self.scroll = self.scroll.saturating_sub(PAGE),
            KeyCode::Home | KeyCode::Char('g') => self.scroll = 0,
            _ => return Effect::None,
        }
        Effect::Redraw
    }

    fn type_key(&mut self, code: KeyCode) -> Effect {
        match code {
            KeyCode::Enter => self.is_typing = false,
            KeyCode::Esc => (self.is_typing, self.filter) = (false, String::new()),
            KeyCode::Backspace => {
                // Backspace in an empty filter leaves it.
                self.is_typing = self.filter.pop().is_some();
            }
            KeyCode::Char(char) => self.filter.push(char),
            _ => return Effect::None,
        }
        self.scroll = 0;
        Effect::Redraw
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn press(controls: &mut Controls, code: KeyCode) -> Effect {
        controls.apply(&Event::Key(KeyEvent::new(code, KeyModifiers::NONE)))
    }

    fn type_text(controls: &mut Controls, text: &str) {
        for char in text.chars() {
            assert_eq!(press(controls, KeyCode::Char(char)), Effect::Redraw);
        }
    }

    #[test]
    fn keys_quit_scroll_and_choose() {
        let mut controls = Controls::default();
        assert_eq!(press(&mut controls, KeyCode::Char('q')), Effect::Quit);
        let ctrl_c = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
        assert_eq!(controls.apply(&Event::Key(ctrl_c)), Effect::Quit);
        assert_eq!(press(&mut controls, KeyCode::Char('x')), Effect::None);
        press(&mut controls, KeyCode::Up);
        assert!(controls.is_overview());
        press(&mut controls, KeyCode::Down);
        press(&mut controls, KeyCode::PageDown);
        assert_eq!(controls.scroll, 1 + PAGE);
        press(&mut controls, KeyCode::Char('f'));
        assert!(controls.only_failed && controls.scroll == 0);
        assert!(controls.footer().contains("f all"));
        press(&mut controls, KeyCode::Esc);
        assert!(controls.is_overview());
    }

    #[test]
    fn a_filter_is_typed_and_removed() {
        let mut controls = Controls::default();
        type_text(&mut controls, "/Tal");
        assert!(controls.is_typing && controls.footer().starts_with("/Tal"));
        assert!(controls.shows("old TALKS/a.mp3") && !controls.shows("b.mp3"));
        // Letters are no commands while typing.
        type_text(&mut controls, "q");
        press(&mut controls, KeyCode::Backspace);
        press(&mut controls, KeyCode::Enter);
        assert_eq!(
            (controls.filter.as_str(), controls.is_typing),
            ("Tal", false)
        );
        assert!(controls.footer().contains("filter: Tal"));
        press(&mut controls, KeyCode::Esc);
        assert!(controls.is_overview());
    }
}
