//! Bodies of webhook requests, as each receiver takes them.

use super::message::Message;
use crate::config::WebhookFormat;
use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde_json::json;
use std::borrow::Cow;

/// Maximum length of a message in Slack, in characters before they are escaped. Slack recommends at most 4,000.
const SLACK_MAX_CHARS: usize = 3_500;
/// Maximum length of a message in Discord, in UTF-16 units. A longer one is rejected.
const DISCORD_MAX_UNITS: usize = 2_000;
/// Maximum length of a message in ntfy, in bytes. A longer one becomes an attachment.
const NTFY_MAX_BYTES: usize = 4_096;
/// Quotes text as it is, in Slack and Discord.
const FENCE: &str = "```";

/// Body of a request, and the headers that describe it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookBody {
    /// The body.
    pub body: String,
    /// Value of `Content-Type`.
    pub content_type: &'static str,
    /// Other headers.
    pub headers: Vec<(&'static str, String)>,
}

/// Returns the body of a message. It is JSON for [`WebhookFormat::Json`] and text for the others, and so is the body of the
/// request that they are put in.
#[must_use]
pub fn webhook_body(format: WebhookFormat, message: Message<'_>) -> WebhookBody {
    let Message { subject, body, .. } = message;
    let json = |body| WebhookBody {
        body,
        content_type: "application/json",
        headers: Vec::new(),
    };
    match format {
        WebhookFormat::Json => json(body.to_owned()),
        WebhookFormat::Slack => {
            let room = SLACK_MAX_CHARS.saturating_sub(subject.chars().count());
            let text = quoted(subject, &shortened(body, room, |_| 1));
            // Unescaped, `<!channel>` in the name of a file would notify everybody.
            let text = text.replace('&', "&amp;");
            let text = text.replace('<', "&lt;").replace('>', "&gt;");
            json(json!({ "text": text }).to_string())
        }
        WebhookFormat::Discord => {
            let frame = quoted(subject, "").encode_utf16().count();
            let room = DISCORD_MAX_UNITS.saturating_sub(frame);
            let text = quoted(subject, &shortened(body, room, char::len_utf16));
            let message = json!({ "content": text, "allowed_mentions": { "parse": [] } });
            json(message.to_string())
        }
        WebhookFormat::Ntfy => WebhookBody {
            body: shortened(body, NTFY_MAX_BYTES, char::len_utf8).into_owned(),
            content_type: "text/plain; charset=utf-8",
            headers: vec![("title", header_text(subject)), ("tags", "memo".to_owned())],
        },
    }
}

/// Returns the subject, and the text in a form in which nothing of it is markup.
fn quoted(subject: &str, text: &str) -> String {
    let text = text.replace(FENCE, "'''");
    format!("{subject}\n{FENCE}\n{}\n{FENCE}", text.trim_end())
}

/// Returns the beginning of the text with at most `room` units, and `…` if there is more.
fn shortened(text: &str, room: usize, units: impl Fn(char) -> usize) -> Cow<'_, str> {
    let total: usize = text.chars().map(&units).sum();
    if total <= room {
        return text.into();
    }
    let mut left = room.saturating_sub(units('…'));
    let mut short = String::new();
    for char in text.chars() {
        if units(char) > left {
            break;
        }
        left -= units(char);
        short.push(char);
    }
    short.push('…');
    short.into()
}

/// Returns text as the value of a header, which is ASCII (RFC 2047).
fn header_text(text: &str) -> String {
    if text
        .bytes()
        .all(|byte| byte == b' ' || byte.is_ascii_graphic())
    {
        return text.to_owned();
    }
    format!("=?UTF-8?B?{}?=", BASE64_STANDARD.encode(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Timestamp;
    use proptest::prelude::*;
    use serde_json::Value;

    fn body(format: WebhookFormat, subject: &str, body: &str) -> WebhookBody {
        let message = Message {
            id: "0a1b",
            at: Timestamp::from_millis(0),
            sent_at: Timestamp::from_millis(0),
            subject,
            body,
        };
        webhook_body(format, message)
    }

    #[test]
    fn each_receiver_gets_its_form() {
        let text = "1 done.\n<!channel> & `x` ```\n";
        let of = |format| body(format, "nightscribe on böx: 1 done", text);
        assert_eq!(of(WebhookFormat::Json).body, text);
        assert_eq!(
            of(WebhookFormat::Slack).body,
            r#"{"text":"nightscribe on böx: 1 done\n```\n1 done.\n&lt;!channel&gt; &amp; `x` '''\n```"}"#
        );
        assert_eq!(
            of(WebhookFormat::Discord).body,
            r#"{"content":"nightscribe on böx: 1 done\n```\n1 done.\n<!channel> & `x` '''\n```","allowed_mentions":{"parse":[]}}"#
        );
        let ntfy = of(WebhookFormat::Ntfy);
        assert_eq!(ntfy.body, text);
        assert_eq!(
            ntfy.headers[0],
            (
                "title",
                "=?UTF-8?B?bmlnaHRzY3JpYmUgb24gYsO2eDogMSBkb25l?=".to_owned()
            )
        );
        let ascii = body(WebhookFormat::Ntfy, "nightscribe: 1 done", text);
        assert_eq!(ascii.headers[0].1, "nightscribe: 1 done");
    }

    proptest! {
        #[test]
        fn no_text_is_too_long(chars in "[a`😀\u{e9}\n]{0,6000}") {
            let field = |format, name: &str| {
                let body = body(format, "nightscribe: 1 done", &chars).body;
                let object: Value = serde_json::from_str(&body).unwrap();
                object[name].as_str().unwrap().to_owned()
            };
            let slack = field(WebhookFormat::Slack, "text");
            prop_assert!(slack.chars().count() <= SLACK_MAX_CHARS + 20);
            let discord = field(WebhookFormat::Discord, "content");
            prop_assert!(discord.encode_utf16().count() <= DISCORD_MAX_UNITS);
            prop_assert_eq!(discord.matches(FENCE).count(), 2);
            let ntfy = body(WebhookFormat::Ntfy, "x", &chars).body;
            prop_assert!(ntfy.len() <= NTFY_MAX_BYTES);
        }
    }
}
