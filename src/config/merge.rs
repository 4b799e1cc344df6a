//! Merging the layers: defaults, overridden by the file, overridden by the environment.

use crate::config::diagnostics::{Diagnostic, Origin};
use crate::config::document::{NodeContent, Table, parse};
use crate::config::environment::Environment;
use crate::config::http::read_http;
use crate::config::media::read_media;
use crate::config::notify::{read_hooks, read_notify};
use crate::config::rendering::read_render_options;
use crate::config::search::read_search;
use crate::config::section::{Section, Variable, secret_key_error};
use crate::config::values::{
    ParseResult, base_url, boolean, count, one_or_more, parsed, parsed_list, path,
    positive_duration, positive_number, price, rate, string, variable_name,
};
use crate::config::{
    AllowUnknown, ApiConfig, Config, KeySource, Layout, LimitsConfig, MAX_LOOKUPS, Names,
    OutputConfig, PollingConfig, RetryConfig, ScheduleConfig, SourceConfig, StateConfig, source,
    system,
};
use crate::domain::did_you_mean::suggestion;
use crate::domain::format::FormatSelection;
use crate::domain::{Price, PriceTable};
use crate::policy::budget::{Cap, Metric, Period};
use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Prefix of environment variables that set a key.
const PREFIX: &str = "NIGHTSCRIBE__";
/// Tables of the configuration, apart from `[[source]]`.
const SECTIONS: [&str; 14] = [
    "api", "limits", "polling", "retry", "state", "output", "schedule", "budget", "prices",
    "media", "search", "notify", "hooks", "http",
];
/// Keys of `[budget]`.
const CAPS: [(&str, Metric, Period); 6] = [
    ("hours_per_run", Metric::Audio, Period::Run),
    ("hours_per_day", Metric::Audio, Period::Day),
    ("hours_per_month", Metric::Audio, Period::Month),
    ("cost_per_run", Metric::Cost, Period::Run),
    ("cost_per_day", Metric::Cost, Period::Day),
    ("cost_per_month", Metric::Cost, Period::Month),
];
/// Upper limit of `max_uploads`. More concurrent uploads do not increase throughput.
const MAX_UPLOADS: usize = 64;
/// Upper limit of `max_pending`. More than the service allows any account.
const MAX_PENDING: usize = 100_000;

/// Builds the configuration from `text`, the content of `file`.
///
/// # Errors
/// If anything is invalid. Lists every problem, sorted by location.
pub(super) fn build(
    file: Option<PathBuf>,
    text: &str,
    environment: &Environment,
) -> Result<Config, Vec<Diagnostic>> {
    let path = file.clone().unwrap_or_default();
    let table = parse(text, &path).map_err(|problem| vec![problem])?;
    let defaults = parse(&system::template_of(&path), Path::new("defaults"))
        .map_err(|problem| vec![problem])?;
    let folder = path.parent().unwrap_or(Path::new("")).to_owned();
    let mut problems = Vec::new();
    let mut layers = Layers {
        file: table,
        defaults,
        variables: variables(environment, &mut problems),
    };
    let config = layers.config(file, &folder, environment, &mut problems);
    match config {
        Some(config) if problems.is_empty() => Ok(config),
        _ => {
            problems.sort();
            Err(problems)
        }
    }
}

/// Collects the variables `NIGHTSCRIBE__SECTION__KEY` by section and key.
fn variables(
    environment: &Environment,
    problems: &mut Vec<Diagnostic>,
) -> BTreeMap<String, BTreeMap<String, Variable>> {
    let mut sections: BTreeMap<String, BTreeMap<String, Variable>> = BTreeMap::new();
    for (name, value) in &environment.variables {
        let Some(name) = name.to_str().filter(|name| name.starts_with(PREFIX)) else {
            continue;
        };
        let lower = name[PREFIX.len()..].to_lowercase();
        let mut reject = |message: String| {
            problems.push(Diagnostic {
                origin: Origin::Variable(name.to_owned()),
                message,
            })
        };
        let Some((section, key)) = lower.split_once("__") else {
            let message = secret_key_error(&lower).unwrap_or("expected NIGHTSCRIBE__SECTION__KEY");
            reject(message.to_owned());
            continue;
        };
        if !SECTIONS.contains(&section) {
            reject(format!("no such section{}", suggestion(section, SECTIONS)));
            continue;
        }
        let Some(text) = value.to_str() else {
            reject("the value is not valid UTF-8".to_owned());
            continue;
        };
        let variable = Variable {
            name: name.to_owned(),
            text: text.to_owned(),
        };
        sections
            .entry(section.to_owned())
            .or_default()
            .insert(key.to_owned(), variable);
    }
    sections
}

/// The three layers, from which sections are taken one by one.
struct Layers {
    file: Table,
    defaults: Table,
    variables: BTreeMap<String, BTreeMap<String, Variable>>,
}

impl Layers {
    fn config(
        &mut self,
        file: Option<PathBuf>,
        folder: &Path,
        environment: &Environment,
        problems: &mut Vec<Diagnostic>,
    ) -> Option<Config> {
        let resolve = |path: PathBuf| {
            let resolved = environment.resolve(folder, &path);
            resolved.map_err(|error| error.to_string())
        };
        let (api, allow_unknown) = self.api(&resolve, problems).unzip();
        let limits = self.limits(problems);
        let polling = self.polling(problems);
        let retry = self.retry(problems);
        let state = self.state(&resolve, problems);
        let output = self.output(&resolve, problems);
        let schedule = self.schedule(problems);
        let budget = self.budget(problems);
        let prices = self.prices(problems);
        let media = read_media(self.section("media", problems), environment, &resolve);
        let search = read_search(self.section("search", problems), &resolve);
        let notify = read_notify(self.section("notify", problems), &resolve);
        let formats = output.as_ref().map(|output| &output.formats[..]);
        let hooks = read_hooks(self.section("hooks", problems), formats, &resolve);
        let http = read_http(self.section("http", problems), &resolve);
        let allow_unknown = allow_unknown.unwrap_or_default();
        let sources = self.sources(folder, environment, allow_unknown, problems);
        self.unknown_sections(problems);
        Some(Config {
            file,
            api: api?,
            limits: limits?,
            polling: polling?,
            retry: retry?,
            state: state?,
            output: output?,
            schedule: schedule?,
            budget,
            prices,
            media: media?,
            search: search?,
            notify: notify?,
            hooks: hooks?,
            http: http?,
            sources,
        })
    }

    fn section<'p>(
        &mut self,
        name: &'static str,
        problems: &'p mut Vec<Diagnostic>,
    ) -> Section<'p> {
        let file = match self.file.nodes.remove(name) {
            None => Table::default(),
            Some(node) => match node.content {
                NodeContent::Table(table) => table,
                _ => {
                    problems.push(Diagnostic {
                        origin: node.origin,
                        message: format!("`{name}` is a table: write [{name}]"),
                    });
                    Table::default()
                }
            },
        };
        let defaults = match self.defaults.nodes.remove(name).map(|node| node.content) {
            Some(NodeContent::Table(table)) => table,
            _ => Table::default(),
        };
        Section::new(
            name,
            file,
            defaults,
            self.variables.remove(name).unwrap_or_default(),
            problems,
        )
    }

    fn api(
        &mut self,
        resolve: &impl Fn(PathBuf) -> ParseResult<PathBuf>,
        problems: &mut Vec<Diagnostic>,
    ) -> Option<(ApiConfig, AllowUnknown)> {
        let mut section = self.section("api", problems);
        let base_url = section.get("base_url", base_url);
        let key_env = section.get("key_env", variable_name);
        let key_file = section.get("key_file", |value| resolve(path(value)?));
        let flow = section.get("flow", parsed);
        let retention = section.get("retention", positive_duration);
        if retention.is_some_and(|retention| retention < Duration::from_secs(1)) {
            section.reject("retention", "expected at least \"1s\"");
        }
        let any_model = section.get("allow_unknown_model", boolean);
        let any_option = section.get("allow_unknown_options", boolean);
        section.finish();
        let key = match key_file {
            Some(path) => KeySource::File(path),
            None => KeySource::Env(key_env?),
        };
        Some((
            ApiConfig {
                base_url: base_url?,
                key,
                flow: flow?,
                retention: retention?,
            },
            AllowUnknown {
                models: any_model?,
                options: any_option?,
            },
        ))
    }

    fn limits(&mut self, problems: &mut Vec<Diagnostic>) -> Option<LimitsConfig> {
        let mut section = self.section("limits", problems);
        let submits_per_minute = section.get("submits_per_minute", rate);
        let polls_per_minute = section.get("polls_per_minute", rate);
        let max_uploads = section.get("max_uploads", count(1..=MAX_UPLOADS));
        let max_pending = section.get("max_pending", count(1..=MAX_PENDING));
        let max_lookups = section.get("max_lookups", count(1..=MAX_LOOKUPS));
        section.finish();
        Some(LimitsConfig {
            submits_per_minute: submits_per_minute?,
            polls_per_minute: polls_per_minute?,
            max_uploads: max_uploads?,
            max_pending: max_pending?,
            max_lookups: max_lookups?,
        })
    }

    fn polling(&mut self, problems: &mut Vec<Diagnostic>) -> Option<PollingConfig> {
        let mut section = self.section("polling", problems);
        let interval = section.get("interval", positive_duration);
        let max_interval = section.get("max_interval", positive_duration);
        if interval
            .zip(max_interval)
            .is_some_and(|(initial, max)| initial > max)
        {
            section.reject_longer("interval", "max_interval");
        }
        section.finish();
        Some(PollingConfig {
            interval: interval?,
            max_interval: max_interval?,
        })
    }

    fn retry(&mut self, problems: &mut Vec<Diagnostic>) -> Option<RetryConfig> {
        let mut section = self.section("retry", problems);
        let max_attempts = section.get("max_attempts", count(1..=1000));
        let backoff = section.get("backoff", positive_duration);
        let max_backoff = section.get("max_backoff", positive_duration);
        let uncertain = section.get("uncertain", parsed);
        if backoff
            .zip(max_backoff)
            .is_some_and(|(initial, max)| initial > max)
        {
            section.reject_longer("backoff", "max_backoff");
        }
        section.finish();
        let max_attempts = u32::try_from(max_attempts?).ok()?;
        Some(RetryConfig {
            max_attempts,
            backoff: backoff?,
            max_backoff: max_backoff?,
            on_uncertain: uncertain?,
        })
    }

    fn state(
        &mut self,
        resolve: &impl Fn(PathBuf) -> ParseResult<PathBuf>,
        problems: &mut Vec<Diagnostic>,
    ) -> Option<StateConfig> {
        let mut section = self.section("state", problems);
        let dir = section.get("dir", |value| resolve(path(value)?));
        section.finish();
        Some(StateConfig { dir: dir? })
    }

    fn output(
        &mut self,
        resolve: &impl Fn(PathBuf) -> ParseResult<PathBuf>,
        problems: &mut Vec<Diagnostic>,
    ) -> Option<OutputConfig> {
        let mut section = self.section("output", problems);
        let dir = section.get("dir", |value| resolve(path(value)?));
        let layout = section.get("layout", parsed::<Layout, _>);
        let name = section.get("name", parsed);
        let names = section.get("names", parsed::<Names, _>);
        let formats = section.get("formats", parsed_list::<FormatSelection, _>);
        let rendering = read_render_options(&mut section);
        section.finish();
        Some(OutputConfig {
            dir: dir?,
            layout: layout?,
            name: name?,
            names: names?,
            formats: FormatSelection::distinct(&formats?),
            rendering,
        })
    }

    fn schedule(&mut self, problems: &mut Vec<Diagnostic>) -> Option<ScheduleConfig> {
        let mut section = self.section("schedule", problems);
        let scan_every = section.get("scan_every", positive_duration);
        let active_hours = section.get("active_hours", one_or_more);
        section.finish();
        Some(ScheduleConfig {
            scan_every: scan_every?,
            active_hours: active_hours.unwrap_or_default(),
        })
    }

    fn budget(&mut self, problems: &mut Vec<Diagnostic>) -> Vec<Cap> {
        let mut section = self.section("budget", problems);
        let mut caps = Vec::new();
        for (key, metric, period) in CAPS {
            if let Some(amount) = section.get(key, positive_number) {
                let most = match metric {
                    Metric::Audio => amount * 3600.0,
                    _ => amount,
                };
                caps.push(Cap {
                    metric,
                    period,
                    limit: most,
                });
            }
        }
        section.finish();
        caps
    }

    /// Reads `[prices]`. Its keys are model names, apart from `currency`.
    fn prices(&mut self, problems: &mut Vec<Diagnostic>) -> PriceTable {
        let mut section = self.section("prices", problems);
        let currency = section.get("currency", string);
        let mut prices = PriceTable::default();
        for (model, per_minute) in section.remaining(price) {
            let currency = currency.clone().unwrap_or_default();
            prices.set(
                &model,
                Price {
                    per_minute,
                    currency,
                    is_upper_bound: false,
                },
            );
        }
        section.finish();
        prices
    }

    fn sources(
        &mut self,
        folder: &Path,
        environment: &Environment,
        allow_unknown: AllowUnknown,
        problems: &mut Vec<Diagnostic>,
    ) -> Vec<SourceConfig> {
        let Some(node) = self.file.nodes.remove("source") else {
            return Vec::new();
        };
        let tables = match node.content {
            NodeContent::Tables(tables) => tables,
            _ => {
                let message = "sources are an array of tables: write [[source]]".to_owned();
                problems.push(Diagnostic {
                    origin: node.origin,
                    message,
                });
                return Vec::new();
            }
        };
        let around = source::Surroundings {
            folder,
            environment,
            allow_unknown,
        };
        let mut sources: Vec<SourceConfig> = Vec::new();
        let mut names = HashSet::new();
        for (number, table) in (1..).zip(tables) {
            let place = table.origin.clone().unwrap_or(Origin::Default);
            let Some(source) = source::read_source(number, table, around, problems) else {
                continue;
            };
            if !names.insert(source.name.to_lowercase()) {
                let message = format!("source `{}`: another source has the same name", source.name);
                problems.push(Diagnostic {
                    origin: place,
                    message,
                });
            }
            sources.push(source);
        }
        sources
    }

    fn unknown_sections(&mut self, problems: &mut Vec<Diagnostic>) {
        for (name, node) in &self.file.nodes {
            let known = SECTIONS.into_iter().chain(["source"]);
            let reason = secret_key_error(name).map_or_else(
                || format!("no such section{}", suggestion(name, known)),
                str::to_owned,
            );
            let message = format!("`{name}`: {reason}");
            problems.push(Diagnostic {
                origin: node.origin.clone(),
                message,
            });
        }
    }
}
