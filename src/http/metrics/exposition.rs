//! The metrics as text, by the naming rules of Prometheus: base units, and `_total` for what only grows.

use super::totals::{Latencies, Totals};
use crate::app::status::Status;
use crate::domain::model_name::canonical_model;
use crate::domain::{HoldKind, Timestamp};
use crate::store::sqlite::request_totals::{LATENCY_BOUNDS_S, SourceCount};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::{Registry, Unit};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Figures of the queue for one scrape.
#[derive(Debug)]
pub(super) struct Figures {
    /// Status.
    pub(super) status: Status,
    /// Jobs by source and state.
    pub(super) by_source: Vec<SourceCount>,
    /// Since when the oldest queued job waits.
    pub(super) oldest_queued: Option<Timestamp>,
    /// Canonical names of the models whose breaker is tripped.
    pub(super) tripped_models: Vec<String>,
}

/// Returns the metrics as text.
pub(super) fn exposition(figures: Figures, totals: &Totals) -> String {
    let mut registry = Registry::with_prefix("nightscribe");
    registry.register_collector(Box::new(Snapshot {
        figures,
        requests: totals.requests.clone(),
        latencies: totals.latencies.clone(),
        audio_s: totals.audio_s.clone(),
        charged_usd: totals.charged_usd.clone(),
    }));
    let mut text = String::new();
    // Writing into a string cannot fail.
    let _infallible = encode(&mut text, &registry);
    text
}

/// The metrics of one scrape.
#[derive(Debug)]
struct Snapshot {
    figures: Figures,
    requests: BTreeMap<(String, String), u64>,
    latencies: BTreeMap<String, Latencies>,
    audio_s: BTreeMap<String, f64>,
    charged_usd: BTreeMap<String, f64>,
}

impl Collector for Snapshot {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        self.queue(&mut encoder)?;
        self.times(&mut encoder)?;
        self.holds(&mut encoder)?;
        self.breakers(&mut encoder)?;
        self.submissions(&mut encoder)
    }
}

impl Snapshot {
    fn queue(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let name = "items";
        let help = "Items by source and state";
        let mut items = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
        for count in &self.figures.by_source {
            let labels = [
                ("source", count.source.as_str()),
                ("state", count.state.as_str()),
            ];
            let gauge = ConstGauge::new(count.jobs as i64);
            gauge.encode(items.encode_family(&labels)?)?;
        }
        let is_running = i64::from(self.figures.status.runner.is_some());
        gauge(
            encoder,
            "runner_active",
            "Whether a run is active",
            is_running,
        )?;
        let over = self.figures.status.over_budget as i64;
        gauge(
            encoder,
            "items_over_budget",
            "Queued items that wait for the budget",
            over,
        )?;
        let lost = self.figures.status.perhaps_paid as i64;
        let help = "Submissions that may have been billed without yielding a transcript";
        gauge(encoder, "submissions_perhaps_paid", help, lost)
    }

    fn times(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let status = &self.figures.status;
        for (name, help, time) in [
            (
                "oldest_queued_timestamp",
                "Time since when the oldest queued item waits, in Unix time",
                self.figures.oldest_queued,
            ),
            (
                "next_expiry_timestamp",
                "Earliest expiry of a pending item at the service, in Unix time",
                status.next_expiry,
            ),
        ] {
            if let Some(time) = time {
                let seconds = time.millis() as f64 / 1000.0;
                seconds_gauge(encoder, name, help, seconds)?;
            }
        }
        if let Some(left) = status.left_s {
            let help = "Estimated time until the last result";
            seconds_gauge(encoder, "time_left", help, left as f64)?;
        }
        Ok(())
    }

    fn holds(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let help = "Whether submissions are held, by cause";
        let mut holds = encoder.encode_descriptor("hold_active", help, None, MetricType::Gauge)?;
        for kind in HoldKind::ALL {
            let is_active = self
                .figures
                .status
                .holds
                .iter()
                .any(|hold| hold.kind == kind);
            let gauge = ConstGauge::new(i64::from(is_active));
            gauge.encode(holds.encode_family(&[("kind", kind.as_str())])?)?;
        }
        Ok(())
    }

    /// Models without submissions have no breaker yet.
    fn breakers(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let help = "Whether submissions of a model are stopped because they fail";
        let name = "model_breaker_tripped";
        let mut breakers = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
        let tripped = &self.figures.tripped_models;
        let submitted = self.requests.keys();
        let submitted = submitted.map(|(model, _)| canonical_model(model));
        let models: BTreeSet<_> = submitted.chain(tripped.iter().cloned()).collect();
        for model in models {
            let gauge = ConstGauge::new(i64::from(tripped.contains(&model)));
            gauge.encode(breakers.encode_family(&[("model", model.as_str())])?)?;
        }
        Ok(())
    }

    fn submissions(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let help = "Submissions that have ended, by model and outcome";
        let mut family =
            encoder.encode_descriptor("submissions", help, None, MetricType::Counter)?;
        for ((model, outcome), count) in &self.requests {
            let labels = [("model", model.as_str()), ("outcome", outcome.as_str())];
            ConstCounter::new(*count).encode(family.encode_family(&labels)?)?;
        }
        let help = "Time from the claim of a recording to its result";
        let unit = Some(&Unit::Seconds);
        let name = "result_latency";
        let mut family = encoder.encode_descriptor(name, help, unit, MetricType::Histogram)?;
        for (model, latencies) in &self.latencies {
            let bounds = LATENCY_BOUNDS_S.into_iter().chain([f64::INFINITY]);
            let buckets: Vec<_> = bounds.zip(latencies.counts).collect();
            let count = latencies.counts.iter().sum();
            let labels = [("model", model.as_str())];
            let mut histogram = family.encode_family(&labels)?;
            histogram.encode_histogram::<[(&str, &str); 0]>(
                latencies.sum_s,
                count,
                &buckets,
                None,
            )?;
        }
        let help = "Audio that was billed";
        by_model(encoder, "billed_audio", help, &Unit::Seconds, &self.audio_s)?;
        let help = "What the service said that it charged";
        let unit = Unit::Other("usd".to_owned());
        by_model(encoder, "charged", help, &unit, &self.charged_usd)
    }
}

fn gauge(encoder: &mut DescriptorEncoder<'_>, name: &str, help: &str, value: i64) -> fmt::Result {
    let metric = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
    ConstGauge::new(value).encode(metric)
}

fn seconds_gauge(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    seconds: f64,
) -> fmt::Result {
    let unit = Some(&Unit::Seconds);
    let metric = encoder.encode_descriptor(name, help, unit, MetricType::Gauge)?;
    ConstGauge::new(seconds).encode(metric)
}

fn by_model(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    unit: &Unit,
    amounts: &BTreeMap<String, f64>,
) -> fmt::Result {
    let mut family = encoder.encode_descriptor(name, help, Some(unit), MetricType::Counter)?;
    for (model, amount) in amounts {
        let labels = [("model", model.as_str())];
        ConstCounter::new(*amount).encode(family.encode_family(&labels)?)?;
    }
    Ok(())
}
