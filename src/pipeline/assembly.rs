//! The parts of one run, and the stages that they make.

use super::admission::{Admission, AdmissionState};
use super::ages::Ages;
use super::archive::Archive;
use super::archive::importer::Importer;
use super::budget::{self, Spend};
use super::excluded::requeue_included;
use super::finish::Finish;
use super::journal::Journal;
use super::lane::{Lane, outcome_rules};
use super::lengths::Lengths;
use super::messages::Messages;
use super::reach::Reach;
use super::result_cache::ResultCache;
use super::run::{RunError, Setup};
use super::signals::Signals;
use super::sound_copies::SoundCopies;
use super::source_holds::SourceHolds;
use super::stages::compare::{self, Compare, Comparer};
use super::stages::discover::guard::Guard;
use super::stages::discover::{Discover, ReportedProblems};
use super::stages::hooks::Hooks;
use super::stages::notify::Notify;
use super::stages::poll::{Poll, Poller};
use super::stages::recover::Recover;
use super::stages::save::Save;
use super::stages::save::rule_book::RuleBook;
use super::stages::submit::{self, Submit};
use super::tally::Tally;
use super::write_failures::WriteFailures;
use crate::config::{Config, key_reader};
use crate::domain::Request;
use crate::policy::admission::AdmissionLimits;
use crate::policy::hours::SubmitWindow;
use crate::provider::{Client, ClientError};
use crate::store::Store;
use crate::store::sqlite::recovery::Recovered;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;
use tokio::sync::OnceCell;

/// The parts of one run. Each stage gets those that it needs.
pub(super) struct Run {
    pub(super) config: Arc<Config>,
    pub(super) journal: Arc<Journal>,
    pub(super) lane: Arc<Lane>,
    pub(super) reach: Arc<Reach>,
    pub(super) importer: Arc<Importer>,
    pub(super) source_holds: Arc<SourceHolds>,
    pub(super) results: Arc<ResultCache>,
    pub(super) write_failures: Arc<WriteFailures>,
    pub(super) ages: Arc<Ages>,
    pub(super) tally: Arc<Tally>,
}

impl Run {
    /// Begins a run in the database, and creates its parts.
    ///
    /// # Errors
    /// If money is capped and a model has no price, the HTTP client cannot be created, or the database fails.
    pub(super) async fn begin(setup: Setup, store: Store) -> Result<(Self, Recovered), RunError> {
        let client = client(&setup)?;
        let config = &setup.config;
        let archive = Archive::load(config.output.clone(), &config.state, &store).await?;
        let prices = budget::prices(config, &store).await?;
        let budget = budget::open_budget(&setup, &store, &prices).await?;
        let began = setup.clock.now();
        let (id, recovered) = store.begin_run(std::process::id(), began).await?;
        requeue_included(config, &store, began).await?;
        let open = match budget.is_capped() {
            true => store.open_submissions().await?,
            false => Vec::new(),
        };
        let spend = Spend::new(budget, prices, open);
        let admission = Arc::new(admission(&setup, recovered.pending));
        let lane = Lane::new(config, client, admission.clone(), spend);
        let tally = Arc::new(Tally::default());
        let clock = setup.clock.clone();
        let messages = Messages::new(setup.channels, id, began, clock, tally.clone());
        let journal = Arc::new(Journal {
            store,
            clock: setup.clock,
            signals: Arc::new(Signals::new(setup.stop)),
            admission,
            observers: vec![tally.clone(), setup.observer],
            messages: Arc::new(messages),
        });
        let importer = Importer::new(Arc::new(archive), journal.clone(), config.output.clone());
        let run = Self {
            reach: Arc::new(Reach::new(config, setup.only)),
            config: Arc::new(setup.config),
            journal,
            lane: Arc::new(lane),
            importer: Arc::new(importer),
            source_holds: Arc::default(),
            results: Arc::default(),
            write_failures: Arc::default(),
            ages: Arc::default(),
            tally,
        };
        Ok((run, recovered))
    }

    /// Returns the model and options of each source.
    pub(super) fn requests(&self) -> Vec<(String, Request)> {
        let sources = self.config.sources.iter();
        sources
            .map(|source| (source.name.clone(), source.request.clone()))
            .collect()
    }

    pub(super) fn discover(&self, comparer: Comparer) -> Discover {
        Discover {
            config: self.config.clone(),
            journal: self.journal.clone(),
            reach: self.reach.clone(),
            reported: ReportedProblems::default(),
            guard: Guard {
                reach: self.reach.clone(),
                importer: self.importer.clone(),
                source_holds: self.source_holds.clone(),
                comparer,
                queued_changes: OnceCell::new(),
            },
        }
    }

    pub(super) fn compare(&self) -> Compare {
        Compare {
            journal: self.journal.clone(),
            reach: self.reach.clone(),
            importer: self.importer.clone(),
            source_holds: self.source_holds.clone(),
            hash_slots: compare::slots(),
        }
    }

    pub(super) fn submit(&self, poller: Poller, comparer: Comparer) -> Submit {
        Submit {
            config: self.config.clone(),
            journal: self.journal.clone(),
            lane: self.lane.clone(),
            reach: self.reach.clone(),
            importer: self.importer.clone(),
            comparer,
            results: self.results.clone(),
            poller,
            ages: self.ages.clone(),
            preflight_slots: submit::preflight::slots(),
            lengths: Lengths::new(&self.config),
            sound_copies: SoundCopies::new(&self.config),
        }
    }

    pub(super) fn poll(&self) -> Poll {
        Poll {
            journal: self.journal.clone(),
            lane: self.lane.clone(),
            results: self.results.clone(),
        }
    }

    pub(super) fn recover(&self, poller: Poller) -> Recover {
        Recover {
            journal: self.journal.clone(),
            lane: self.lane.clone(),
            poller,
            ages: self.ages.clone(),
            failures: 0,
            has_log: false,
        }
    }

    pub(super) fn save(&self) -> Save {
        Save {
            journal: self.journal.clone(),
            output: self.config.output.clone(),
            has_hook: self.config.hooks.on_done.is_some(),
            rules: Arc::new(RuleBook::new(&self.config.sources)),
            results: self.results.clone(),
            write_failures: self.write_failures.clone(),
            name_rejected: AtomicBool::default(),
        }
    }

    pub(super) fn hooks(&self) -> Hooks {
        Hooks {
            config: self.config.clone(),
            journal: self.journal.clone(),
        }
    }

    pub(super) fn notify(&self) -> Notify {
        Notify {
            journal: self.journal.clone(),
            messages: self.journal.messages.clone(),
            prices: self.lane.spend.prices().clone(),
            backoff: self.lane.rules.backoff,
        }
    }

    pub(super) fn finish(&self) -> Finish {
        Finish {
            journal: self.journal.clone(),
            lane: self.lane.clone(),
            reach: self.reach.clone(),
            write_failures: self.write_failures.clone(),
            give_up_after: self.give_up_after(),
        }
    }

    /// Returns how long the service or a model may fail before `run --once` leaves its recordings to the next run.
    pub(super) fn give_up_after(&self) -> Duration {
        let retry = &self.config.retry;
        retry.max_backoff * retry.max_attempts
    }
}

/// Creates the client of the service.
fn client(setup: &Setup) -> Result<Client, ClientError> {
    let api = &setup.config.api;
    let client = Client::new(&api.client_settings(setup.key.clone()))?;
    Ok(match key_reader(&api.key) {
        Some(reader) => client.with_key_reader(reader),
        None => client,
    })
}

/// Creates the admission control. It counts `pending` generations until they are loaded.
fn admission(setup: &Setup, pending: u64) -> Admission {
    let config = &setup.config;
    let limits = AdmissionLimits {
        max_pending: config.limits.max_pending,
        polls_per_minute: config.limits.polls_per_minute.get(),
        retention: config.api.retention,
    };
    let backoff = outcome_rules(config).backoff;
    let backoff = backoff.capped_by_retention(config.api.retention);
    let window = SubmitWindow {
        hours: config.schedule.active_hours.clone(),
        until: setup.until,
        zone: setup.clock.zone(),
    };
    let state = AdmissionState::new(limits, backoff, window);
    let admission = Admission::new(state, setup.clock.clone());
    admission.update_pending(usize::try_from(pending).unwrap_or(usize::MAX), None);
    admission
}
