//! Merging the layers: defaults, overridden by the file, overridden by the environment.

use super::document::{Content, Table, parse};
use super::environment::Environment;
use super::notify::{hooks, notify};
use super::problem::{Place, Problem};
use super::section::{Section, Variable, secret_refusal};
use super::values::{
    amount, base_url, count, flag, one_or_more, path, price, rate, span, text, variable_name, word,
    words,
};
use super::{
    Api, Config, KeySource, Layout, Limits, Output, Polling, Retry, Schedule, Source, State,
    TEMPLATE, source,
};
use crate::domain::format::Formats;
use crate::domain::nearest::suggestion;
use crate::domain::{Price, Prices};
use crate::policy::budget::{Cap, Measure, Period};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Prefix of environment variables that set a key.
const PREFIX: &str = "NIGHTSCRIBE__";
/// Tables of the configuration, apart from `[[source]]`.
const SECTIONS: [&str; 11] = [
    "api", "limits", "polling", "retry", "state", "output", "schedule", "budget", "prices",
    "notify", "hooks",
];
/// Keys of `[budget]`.
const CAPS: [(&str, Measure, Period); 6] = [
    ("hours_per_run", Measure::Audio, Period::Run),
    ("hours_per_day", Measure::Audio, Period::Day),
    ("hours_per_month", Measure::Audio, Period::Month),
    ("cost_per_run", Measure::Cost, Period::Run),
    ("cost_per_day", Measure::Cost, Period::Day),
    ("cost_per_month", Measure::Cost, Period::Month),
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
) -> Result<Config, Vec<Problem>> {
    let path = file.clone().unwrap_or_default();
    let table = parse(text, &path).map_err(|problem| vec![problem])?;
    let defaults = parse(TEMPLATE, Path::new("defaults")).map_err(|problem| vec![problem])?;
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
    problems: &mut Vec<Problem>,
) -> BTreeMap<String, BTreeMap<String, Variable>> {
    let mut sections: BTreeMap<String, BTreeMap<String, Variable>> = BTreeMap::new();
    for (name, value) in &environment.variables {
        let Some(name) = name.to_str().filter(|name| name.starts_with(PREFIX)) else {
            continue;
        };
        let lower = name[PREFIX.len()..].to_lowercase();
        let mut reject = |message: String| {
            problems.push(Problem {
                place: Place::Variable(name.to_owned()),
                message,
            })
        };
        let Some((section, key)) = lower.split_once("__") else {
            let message = secret_refusal(&lower).unwrap_or("expected NIGHTSCRIBE__SECTION__KEY");
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
        problems: &mut Vec<Problem>,
    ) -> Option<Config> {
        let resolve = |path: PathBuf| environment.resolve(folder, &path);
        let (api, any_model) = self.api(&resolve, problems).unzip();
        let limits = self.limits(problems);
        let polling = self.polling(problems);
        let retry = self.retry(problems);
        let state = self.state(&resolve, problems);
        let output = self.output(&resolve, problems);
        let schedule = self.schedule(problems);
        let budget = self.budget(problems);
        let prices = self.prices(problems);
        let notify = notify(self.section("notify", problems), &resolve);
        let formats = output.as_ref().map(|output| &output.formats[..]);
        let hooks = hooks(self.section("hooks", problems), formats, &resolve);
        let sources = self.sources(folder, environment, any_model.unwrap_or(false), problems);
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
            notify: notify?,
            hooks: hooks?,
            sources,
        })
    }

    fn section<'p>(&mut self, name: &'static str, problems: &'p mut Vec<Problem>) -> Section<'p> {
        let file = match self.file.nodes.remove(name) {
            None => Table::default(),
            Some(node) => match node.content {
                Content::Table(table) => table,
                _ => {
                    problems.push(Problem {
                        place: node.place,
                        message: format!("`{name}` is a table: write [{name}]"),
                    });
                    Table::default()
                }
            },
        };
        let defaults = match self.defaults.nodes.remove(name).map(|node| node.content) {
            Some(Content::Table(table)) => table,
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
        resolve: &impl Fn(PathBuf) -> PathBuf,
        problems: &mut Vec<Problem>,
    ) -> Option<(Api, bool)> {
        let mut section = self.section("api", problems);
        let base_url = section.get("base_url", base_url);
        let key_env = section.get("key_env", variable_name);
        let key_file = section.get("key_file", path);
        let flow = section.get("flow", word);
        let retention = section.get("retention", span);
        if retention.is_some_and(|retention| retention < Duration::from_secs(1)) {
            section.refuse("retention", "expected at least \"1s\"");
        }
        let any_model = section.get("allow_unknown_model", flag);
        section.finish();
        let key = match key_file {
            Some(path) => KeySource::File(resolve(path)),
            None => KeySource::Env(key_env?),
        };
        Some((
            Api {
                base_url: base_url?,
                key,
                flow: flow?,
                retention: retention?,
            },
            any_model?,
        ))
    }

    fn limits(&mut self, problems: &mut Vec<Problem>) -> Option<Limits> {
        let mut section = self.section("limits", problems);
        let submits_per_minute = section.get("submits_per_minute", rate);
        let polls_per_minute = section.get("polls_per_minute", rate);
        let max_uploads = section.get("max_uploads", count(1..=MAX_UPLOADS));
        let max_pending = section.get("max_pending", count(1..=MAX_PENDING));
        section.finish();
        Some(Limits {
            submits_per_minute: submits_per_minute?,
            polls_per_minute: polls_per_minute?,
            max_uploads: max_uploads?,
            max_pending: max_pending?,
        })
    }

    fn polling(&mut self, problems: &mut Vec<Problem>) -> Option<Polling> {
        let mut section = self.section("polling", problems);
        let interval = section.get("interval", span);
        let max_interval = section.get("max_interval", span);
        if interval
            .zip(max_interval)
            .is_some_and(|(initial, max)| initial > max)
        {
            section.refuse_longer("interval", "max_interval");
        }
        section.finish();
        Some(Polling {
            interval: interval?,
            max_interval: max_interval?,
        })
    }

    fn retry(&mut self, problems: &mut Vec<Problem>) -> Option<Retry> {
        let mut section = self.section("retry", problems);
        let max_attempts = section.get("max_attempts", count(1..=1000));
        let backoff = section.get("backoff", span);
        let max_backoff = section.get("max_backoff", span);
        let uncertain = section.get("uncertain", word);
        if backoff
            .zip(max_backoff)
            .is_some_and(|(initial, max)| initial > max)
        {
            section.refuse_longer("backoff", "max_backoff");
        }
        section.finish();
        let max_attempts = u32::try_from(max_attempts?).ok()?;
        Some(Retry {
            max_attempts,
            backoff: backoff?,
            max_backoff: max_backoff?,
            uncertain: uncertain?,
        })
    }

    fn state(
        &mut self,
        resolve: &impl Fn(PathBuf) -> PathBuf,
        problems: &mut Vec<Problem>,
    ) -> Option<State> {
        let mut section = self.section("state", problems);
        let dir = section.get("dir", path);
        section.finish();
        Some(State { dir: resolve(dir?) })
    }

    fn output(
        &mut self,
        resolve: &impl Fn(PathBuf) -> PathBuf,
        problems: &mut Vec<Problem>,
    ) -> Option<Output> {
        let mut section = self.section("output", problems);
        let dir = section.get("dir", path);
        let layout = section.get("layout", word::<Layout, _>);
        let name = section.get("name", word);
        let formats = section.get("formats", words::<Formats, _>);
        section.finish();
        Some(Output {
            dir: resolve(dir?),
            layout: layout?,
            name: name?,
            formats: Formats::each(&formats?),
        })
    }

    fn schedule(&mut self, problems: &mut Vec<Problem>) -> Option<Schedule> {
        let mut section = self.section("schedule", problems);
        let scan_every = section.get("scan_every", span);
        let active_hours = section.get("active_hours", one_or_more);
        section.finish();
        Some(Schedule {
            scan_every: scan_every?,
            active_hours: active_hours.unwrap_or_default(),
        })
    }

    fn budget(&mut self, problems: &mut Vec<Problem>) -> Vec<Cap> {
        let mut section = self.section("budget", problems);
        let mut caps = Vec::new();
        for (key, measure, period) in CAPS {
            if let Some(amount) = section.get(key, amount) {
                let most = match measure {
                    Measure::Audio => amount * 3600.0,
                    _ => amount,
                };
                caps.push(Cap {
                    measure,
                    period,
                    most,
                });
            }
        }
        section.finish();
        caps
    }

    /// Reads `[prices]`. Its keys are model names, apart from `currency`.
    fn prices(&mut self, problems: &mut Vec<Problem>) -> Prices {
        let mut section = self.section("prices", problems);
        let currency = section.get("currency", text);
        let mut prices = Prices::default();
        for (model, per_minute) in section.others(price) {
            let currency = currency.clone().unwrap_or_default();
            prices.set(
                &model,
                Price {
                    per_minute,
                    currency,
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
        any_model: bool,
        problems: &mut Vec<Problem>,
    ) -> Vec<Source> {
        let Some(node) = self.file.nodes.remove("source") else {
            return Vec::new();
        };
        let tables = match node.content {
            Content::Tables(tables) => tables,
            _ => {
                let message = "sources are an array of tables: write [[source]]".to_owned();
                problems.push(Problem {
                    place: node.place,
                    message,
                });
                return Vec::new();
            }
        };
        let mut sources: Vec<Source> = Vec::new();
        for (number, table) in (1..).zip(tables) {
            let place = table.place.clone().unwrap_or(Place::Default);
            let Some(source) =
                source::source(number, table, folder, environment, any_model, problems)
            else {
                continue;
            };
            if sources
                .iter()
                .any(|other| other.name.to_lowercase() == source.name.to_lowercase())
            {
                let message = format!("source `{}`: another source has the same name", source.name);
                problems.push(Problem { place, message });
            }
            sources.push(source);
        }
        sources
    }

    fn unknown_sections(&mut self, problems: &mut Vec<Problem>) {
        for (name, node) in &self.file.nodes {
            let known = SECTIONS.into_iter().chain(["source"]);
            let reason = secret_refusal(name).map_or_else(
                || format!("no such section{}", suggestion(name, known)),
                str::to_owned,
            );
            let message = format!("`{name}`: {reason}");
            problems.push(Problem {
                place: node.place.clone(),
                message,
            });
        }
    }
}
