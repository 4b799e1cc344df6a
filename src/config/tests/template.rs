//! The template and its defaults.

use super::{built, environment};
use crate::config::merge::build;
use crate::config::{KeySource, Layout, TEMPLATE};
use crate::domain::{ApiMode, Format};
use std::path::Path;
use std::time::Duration;

#[test]
fn without_a_file_the_template_s_defaults_apply() {
    let config = build(None, "", &environment(&[])).unwrap();
    assert_eq!(config.api.base_url.as_str(), "https://api.aimlapi.com/v1");
    assert_eq!(config.api.key, KeySource::Env("AIMLAPI_KEY".to_owned()));
    assert_eq!(
        (config.api.flow, config.api.retention),
        (ApiMode::TwoStep, Duration::from_secs(3600))
    );
    let limits = &config.limits;
    assert_eq!(
        (
            limits.submits_per_minute.get(),
            limits.polls_per_minute.get()
        ),
        (60, 600)
    );
    assert_eq!((limits.max_uploads, limits.max_pending), (4, 500));
    assert_eq!(limits.max_lookups, 64);
    assert_eq!(config.polling.interval, Duration::from_secs(10));
    assert_eq!(config.polling.max_interval, Duration::from_secs(60));
    assert_eq!(config.retry.max_attempts, 5);
    assert_eq!(config.retry.max_backoff, Duration::from_secs(900));
    assert_eq!(config.state.dir, Path::new("/work-folder/state"));
    assert_eq!(config.output.dir, Path::new("/work-folder/transcripts"));
    assert_eq!(
        (config.output.layout, config.output.formats),
        (Layout::Mirror, vec![Format::Txt, Format::Json])
    );
    assert_eq!(config.schedule.scan_every, Duration::from_secs(300));
    assert!(config.sources.is_empty());
}

#[test]
fn every_commented_key_of_the_template_is_valid() {
    let uncommented: String = TEMPLATE
        .lines()
        .map(|line| match line.strip_prefix("# ") {
            Some(code) if code.starts_with("[") || code.contains(" = ") => {
                let example = code.strip_prefix("# Example: ");
                // The file does not exist.
                let example = example.filter(|example| !example.starts_with("vocabulary"));
                format!("{}\n", example.unwrap_or(code))
            }
            _ => format!("{line}\n"),
        })
        .collect();
    let config = built(&uncommented, &[("HOME", "/home/me")]).unwrap();
    assert_eq!(
        config.api.key,
        KeySource::File("/home/me/.config/nightscribe/key".into())
    );
    let source = &config.sources[0];
    assert_eq!(
        (source.name.as_str(), source.path.as_path()),
        ("podcasts", Path::new("/home/me/Podcasts"))
    );
    assert_eq!(source.request.options().len(), 3);
    let plain = built("[[source]]\nname = 'a'\npath = 'b'\n", &[]).unwrap();
    assert_eq!(plain.sources[0].request.model(), source.request.model());
    assert_eq!(plain.sources[0].settle, source.settle);
}
