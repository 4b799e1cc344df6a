//! `nightscribe retry --low-quality`

use super::args::RetryArgs;
use super::exit::{CommandError, Exit};
use super::json::to_json_line;
use super::terminal::{escape_control_chars, format_hours, format_money, pluralize};
use crate::app::actions::retry_low_quality::{
    LowQualityAction, LowQualityFilter, LowQualityRetry, retry_low_quality as requeue,
};
use crate::app::session::Session;
use std::io::Write;

pub(super) async fn retry_low_quality(
    session: &Session,
    below: f64,
    args: RetryArgs,
) -> Result<Exit, CommandError> {
    let filter = LowQualityFilter {
        below,
        model: args.model.unwrap_or_default(),
        source: args.source,
    };
    let action = match (args.dry_run, args.keep_better) {
        (true, _) => LowQualityAction::Count,
        (false, true) => LowQualityAction::KeepBetter,
        (false, false) => LowQualityAction::Replace,
    };
    let retry = requeue(session, &filter, action).await?;
    let mut out = anstream::stdout().lock();
    if args.json {
        writeln!(out, "{}", to_json_line(&retry)?)?;
    } else {
        write!(out, "{}", text(&retry, &filter, action))?;
    }
    Ok(Exit::Done)
}

fn text(retry: &LowQualityRetry, filter: &LowQualityFilter, action: LowQualityAction) -> String {
    let model = escape_control_chars(&filter.model);
    let transcripts = |count| pluralize(count, "transcript", "transcripts");
    let mut text = format!(
        "{} with a confidence below {}: {} of audio{}\n",
        transcripts(retry.transcripts),
        filter.below,
        format_hours(retry.audio_s),
        cost(retry, &model)
    );
    let mut add = |count, why: String| {
        if count > 0 {
            text.push_str(&format!("{} {why}\n", transcripts(count)));
        }
    };
    add(
        retry.unknown_length,
        "of these not in the totals: the length of the recording is unknown".to_owned(),
    );
    add(
        retry.tried,
        format!("left out: made, or tried, with {model} already"),
    );
    add(
        retry.too_long,
        format!("left out: the recording is longer than {model} accepts"),
    );
    add(
        retry.without_confidence,
        "left out: the confidence is not known".to_owned(),
    );
    if !retry.dropped_options.is_empty() {
        let options: Vec<_> = retry
            .dropped_options
            .iter()
            .map(|name| escape_control_chars(name))
            .collect();
        text.push_str(&format!(
            "Options left out, because {model} does not take them: {}\n",
            options.join(", ")
        ));
    }
    if action != LowQualityAction::Count {
        let items = pluralize(retry.items.len() as u64, "item", "items");
        text.push_str(&format!("{items} queued\n"));
    }
    text
}

fn cost(retry: &LowQualityRetry, model: &str) -> String {
    match retry.cost {
        Some(_) => format!(
            ", {} with {model}",
            format_money(retry.cost, retry.currency.as_deref())
        ),
        None => format!(", the price of {model} is unknown (`nightscribe prices --refresh`)"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::JobId;

    fn filter() -> LowQualityFilter {
        LowQualityFilter {
            below: 0.7,
            model: "nova-3-general".to_owned(),
            source: None,
        }
    }

    #[test]
    fn the_text_names_hours_cost_and_what_is_left_out() {
        let retry = LowQualityRetry {
            items: vec![JobId(7), JobId(8)],
            transcripts: 2,
            audio_s: 5400.0,
            unknown_length: 1,
            cost: Some(0.387),
            currency: Some("USD".to_owned()),
            tried: 3,
            too_long: 1,
            without_confidence: 4,
            dropped_options: ["keywords".to_owned()].into(),
        };
        assert_eq!(
            text(&retry, &filter(), LowQualityAction::Replace),
            "2 transcripts with a confidence below 0.7: 1h 30m of audio, 0.39 USD with nova-3-general\n\
             1 transcript of these not in the totals: the length of the recording is unknown\n\
             3 transcripts left out: made, or tried, with nova-3-general already\n\
             1 transcript left out: the recording is longer than nova-3-general accepts\n\
             4 transcripts left out: the confidence is not known\n\
             Options left out, because nova-3-general does not take them: keywords\n\
             2 items queued\n"
        );
    }

    #[test]
    fn nothing_is_queued_to_count() {
        let retry = LowQualityRetry::default();
        assert_eq!(
            text(&retry, &filter(), LowQualityAction::Count),
            "0 transcripts with a confidence below 0.7: 0h 00m of audio, the price of nova-3-general is unknown (`nightscribe prices --refresh`)\n"
        );
    }
}
