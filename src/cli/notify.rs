//! `nightscribe notify --test`

use super::args::NotifyArgs;
use super::exit::{CommandError, Exit};
use super::json::to_json_line;
use super::terminal::{escape_control_chars, print_error};
use crate::app::actions::test_message::send_test_message;
use crate::app::session::Session;
use std::io::Write;

pub(super) async fn notify(session: &Session, args: &NotifyArgs) -> Result<Exit, CommandError> {
    let deliveries = send_test_message(session).await?;
    let mut out = anstream::stdout().lock();
    for delivery in &deliveries {
        match &delivery.error {
            _ if args.json => writeln!(out, "{}", to_json_line(delivery)?)?,
            None => writeln!(out, "{}: the test message was accepted", delivery.channel)?,
            Some(reason) => print_error(&format!(
                "{}: {}",
                delivery.channel,
                escape_control_chars(reason)
            )),
        }
    }
    let has_failed = deliveries.iter().any(|delivery| delivery.error.is_some());
    Ok(if has_failed {
        Exit::SomeFailed
    } else {
        Exit::Done
    })
}
