//! `nightscribe report`

use super::args::ReportArgs;
use super::exit::{CommandError, Exit};
use super::json::to_json_line;
use super::quality_text::quality_table;
use super::since::since_time;
use super::terminal::{
    escape_control_chars, format_hours, format_money, format_table, new_table, pluralize,
    printable_path,
};
use crate::app::billing::{BillingReport, ReportLine, billing_report};
use crate::app::quality::quality_report;
use crate::app::reconcile::Difference;
use crate::app::session::Session;
use crate::domain::Timestamp;
use crate::domain::local_time::format_date_time;
use crate::runtime::clock::{Clock, SystemClock};
use jiff::tz::TimeZone;
use std::io::Write;
use std::path::Path;

pub(super) async fn report(session: &Session, args: &ReportArgs) -> Result<Exit, CommandError> {
    let (now, zone) = (session.now(), SystemClock.zone());
    let since = args.since.map(|since| since_time(since, now, &zone));
    let since = since.transpose()?.unwrap_or_default();
    if args.quality {
        return print_quality(session, since, args).await;
    }
    let report = billing_report(session, since, args.by, args.reconcile).await?;
    let Some(report) = report else {
        return Ok(Exit::Done);
    };
    let mut out = anstream::stdout().lock();
    if args.json {
        writeln!(out, "{}", to_json_line(&report)?)?;
    } else if args.csv {
        write!(out, "{}", csv(&report))?;
    } else {
        write!(out, "{}", text(&report, &SystemClock.zone()))?;
    }
    Ok(Exit::Done)
}

async fn print_quality(
    session: &Session,
    since: Timestamp,
    args: &ReportArgs,
) -> Result<Exit, CommandError> {
    let Some(report) = quality_report(session, since, args.by).await? else {
        return Ok(Exit::Done);
    };
    let mut out = anstream::stdout().lock();
    if args.json {
        writeln!(out, "{}", to_json_line(&report)?)?;
    } else {
        write!(out, "{}", quality_table(&report))?;
    }
    Ok(Exit::Done)
}

fn text(report: &BillingReport, zone: &TimeZone) -> String {
    let currency = report.currency.as_deref();
    let mut rows = new_table(&[
        "",
        "BILLED",
        "AUDIO",
        "COST",
        "PENDING",
        "SAVED",
        "POSSIBLY PAID TWICE",
    ]);
    let total = ReportLine {
        name: "total".to_owned(),
        ..report.in_all.clone()
    };
    rows.add_rows(report.lines.iter().chain([&total]).map(|line| {
        [
            line.name.clone(),
            line.billed.to_string(),
            format_hours(line.billed_s),
            format_money(line.cost, currency),
            line.pending.to_string(),
            count_with_hours(line.saved, line.saved_s),
            count_with_hours(line.perhaps_paid, line.perhaps_paid_s),
        ]
    }));
    let mut text = format_table(&rows);
    if report.in_all.booked_by_size > 0 {
        text.push_str(&format!(
            "\n{} of unknown duration: the budget is charged for at most {}, by size, until the service bills them.\n",
            pluralize(report.in_all.booked_by_size, "submission", "submissions"),
            format_hours(report.in_all.booked_by_size_s)
        ));
    }
    if report.warned > 0 {
        text.push_str(&format!(
            "\n{} with warnings; `nightscribe list --state done` shows them.\n",
            transcripts(report.warned)
        ));
    }
    match &report.differences {
        None => {}
        Some(none) if none.is_empty() => {
            text.push_str("\nNo differences from the service's list of charges.\n");
        }
        Some(differences) => {
            text.push('\n');
            for difference in differences {
                text.push_str(&format!("{}\n", sentence(difference, zone)));
            }
        }
    }
    text
}

fn transcripts(number: u64) -> String {
    match number {
        1 => "1 transcript".to_owned(),
        number => format!("{number} transcripts"),
    }
}

fn count_with_hours(number: u64, audio_s: f64) -> String {
    match number {
        0 => "0".to_owned(),
        number => format!("{number} ({})", format_hours(audio_s)),
    }
}

fn csv(report: &BillingReport) -> String {
    let mut csv =
        "name,billed,billed_s,cost,currency,pending,saved,saved_s,perhaps_paid,perhaps_paid_s\n"
            .to_owned();
    for line in &report.lines {
        let fields = [
            quoted(&line.name),
            line.billed.to_string(),
            line.billed_s.to_string(),
            line.cost.map_or_else(String::new, |cost| cost.to_string()),
            report.currency.clone().unwrap_or_default(),
            line.pending.to_string(),
            line.saved.to_string(),
            line.saved_s.to_string(),
            line.perhaps_paid.to_string(),
            line.perhaps_paid_s.to_string(),
        ];
        csv.push_str(&format!("{}\n", fields.join(",")));
    }
    csv
}

/// Quotes a CSV field if necessary (RFC 4180).
fn quoted(field: &str) -> String {
    if field.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}

/// Returns the sentence for a difference.
fn sentence(difference: &Difference, zone: &TimeZone) -> String {
    match difference {
        Difference::PaidForNothing {
            recording,
            client_request_id,
            usd,
        } => {
            let recording = printable_path(recording);
            let cost = in_usd(*usd);
            format!(
                "{recording}: completed by the service, but its transcript is not stored (request {client_request_id}{cost})"
            )
        }
        Difference::Unlisted {
            recording,
            client_request_id,
        } => stored_but("not listed by the service", recording, client_request_id),
        Difference::ListedAsFailed {
            recording,
            client_request_id,
        } => stored_but(
            "listed as failed by the service",
            recording,
            client_request_id,
        ),
        Difference::NotFromHere {
            request_id,
            model,
            created,
            usd,
        } => {
            let id = escape_control_chars(request_id);
            let model = escape_control_chars(model.as_deref().unwrap_or("unknown model"));
            let time = created.map_or_else(
                || "an unknown time".to_owned(),
                |time| format_date_time(time, zone),
            );
            let cost = in_usd(*usd);
            format!("request {id} at {time}: not submitted from this queue ({model}{cost})")
        }
    }
}

fn stored_but(listing: &str, recording: &Path, client_request_id: &str) -> String {
    let recording = printable_path(recording);
    format!("{recording}: transcript stored, but {listing} (request {client_request_id})")
}

fn in_usd(usd: Option<f64>) -> String {
    usd.map_or_else(String::new, |usd| format!(", {usd} USD"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_difference_has_its_sentence() {
        let id = |id: &str| (id.into(), id.to_owned());
        let usd = Some(0.5);
        let (recording, client_request_id) = id("lost");
        let paid = Difference::PaidForNothing {
            recording,
            client_request_id,
            usd,
        };
        let (recording, client_request_id) = id("unlisted");
        let unlisted = Difference::Unlisted {
            recording,
            client_request_id,
        };
        let (recording, client_request_id) = id("failed");
        let failed = Difference::ListedAsFailed {
            recording,
            client_request_id,
        };
        let foreign = Difference::NotFromHere {
            request_id: "r".to_owned(),
            model: None,
            created: None,
            usd,
        };
        let differences = [paid, unlisted, failed, foreign];
        insta::assert_snapshot!(
            differences
                .each_ref()
                .map(|one| sentence(one, &TimeZone::UTC))
                .join("\n")
        );
    }

    #[test]
    fn a_field_with_a_comma_is_quoted() {
        assert_eq!(quoted("a,\"b\""), "\"a,\"\"b\"\"\"");
        assert_eq!(quoted("a b"), "a b");
    }
}
