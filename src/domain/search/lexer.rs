//! Tokens of a query, with their columns.

/// A token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    /// Column of its first character, from 1.
    pub(super) column: usize,
}

/// Kind of a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// A word or a quoted text.
    Text {
        text: String,
        is_quoted: bool,
        is_prefix: bool,
        is_excluded: bool,
    },
    /// `name:value`. The value may be quoted.
    Filter {
        name: String,
        value: String,
        is_excluded: bool,
    },
    /// `OR`.
    Or,
    /// `NEAR` or `NEAR/n`.
    Near(Option<u32>),
    /// `NEAR(`.
    NearOpen,
    /// `, n)` or `)` at the end of `NEAR(`.
    NearClose(Option<u32>),
}

/// A quote without an end, at this column.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct UnclosedQuote(pub(super) usize);

/// Returns the tokens of a query.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, UnclosedQuote> {
    let mut lexer = Lexer {
        chars: text.chars().collect(),
        at: 0,
        is_in_near: false,
    };
    let mut tokens = Vec::new();
    while let Some(token) = lexer.next()? {
        tokens.push(token);
    }
    Ok(tokens)
}

struct Lexer {
    chars: Vec<char>,
    at: usize,
    is_in_near: bool,
}

impl Lexer {
    fn next(&mut self) -> Result<Option<Token>, UnclosedQuote> {
        while self.peek().is_some_and(char::is_whitespace) {
            self.at += 1;
        }
        if self.peek().is_none() {
            return Ok(None);
        }
        let column = self.at + 1;
        let kind = self.kind()?;
        Ok(Some(Token { kind, column }))
    }

    fn kind(&mut self) -> Result<Kind, UnclosedQuote> {
        if self.is_in_near
            && let Some(close) = self.near_close()
        {
            return Ok(close);
        }
        let is_excluded = self.takes('-');
        if self.peek().is_some_and(is_quote) {
            let text = self.quoted()?;
            return Ok(Kind::Text {
                text,
                is_quoted: true,
                is_prefix: self.takes('*'),
                is_excluded,
            });
        }
        let word = self.word();
        if !is_excluded && let Some(operator) = self.operator(&word) {
            return Ok(operator);
        }
        if let Some(name) = word.strip_suffix(':').filter(|name| is_name(name))
            && self.peek().is_some_and(is_quote)
        {
            return Ok(Kind::Filter {
                name: name.to_owned(),
                value: self.quoted()?,
                is_excluded,
            });
        }
        if let Some((name, value)) = word.split_once(':')
            && is_name(name)
            && !value.starts_with("//")
        {
            return Ok(Kind::Filter {
                name: name.to_owned(),
                value: value.to_owned(),
                is_excluded,
            });
        }
        let is_prefix = word.ends_with('*');
        Ok(Kind::Text {
            text: word,
            is_quoted: false,
            is_prefix,
            is_excluded,
        })
    }

    fn operator(&mut self, word: &str) -> Option<Kind> {
        if word == "OR" {
            return Some(Kind::Or);
        }
        let rest = word.strip_prefix("NEAR")?;
        if let Some(distance) = rest.strip_prefix('/') {
            return distance
                .parse()
                .ok()
                .map(|distance| Kind::Near(Some(distance)));
        }
        if rest.starts_with('(') {
            // What follows the bracket is read again.
            self.at -= rest.chars().count() - 1;
            self.is_in_near = true;
            return Some(Kind::NearOpen);
        }
        rest.is_empty().then_some(Kind::Near(None))
    }

    /// Reads `)` or `, n)`.
    fn near_close(&mut self) -> Option<Kind> {
        let rest: String = self.chars[self.at..].iter().collect();
        let (distance, end) = match rest.strip_prefix(',') {
            Some(number) => {
                let (number, _) = number.split_once(')')?;
                (
                    Some(number.trim().parse().ok()?),
                    number.chars().count() + 2,
                )
            }
            None => (None, rest.starts_with(')').then_some(1)?),
        };
        self.at += end;
        self.is_in_near = false;
        Some(Kind::NearClose(distance))
    }

    /// Reads up to white space, a quote, or the end of `NEAR(`.
    fn word(&mut self) -> String {
        let is_in_near = self.is_in_near;
        let is_end = |char: char| {
            char.is_whitespace() || is_quote(char) || is_in_near && matches!(char, ',' | ')')
        };
        let rest = self.chars[self.at..].iter().copied();
        let mut word: String = rest.take_while(|char| !is_end(*char)).collect();
        if word.is_empty() {
            // A bracket or comma that closes nothing.
            word.extend(self.peek());
        }
        self.at += word.chars().count();
        word
    }

    fn quoted(&mut self) -> Result<String, UnclosedQuote> {
        let start = self.at + 1;
        let rest = &self.chars[start..];
        let Some(length) = rest.iter().position(|char| is_quote(*char)) else {
            return Err(UnclosedQuote(start));
        };
        self.at = start + length + 1;
        Ok(rest[..length].iter().collect())
    }

    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn takes(&mut self, char: char) -> bool {
        let is_next = self.peek() == Some(char);
        self.at += usize::from(is_next);
        is_next
    }
}

/// Quotes, as typed and as word processors replace them.
const fn is_quote(char: char) -> bool {
    matches!(char, '"' | '“' | '”' | '„')
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|char| char.is_ascii_alphabetic())
}
