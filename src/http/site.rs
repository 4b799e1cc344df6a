//! State that all routes share.

use super::changes::Changes;
use super::guard::access::Access;
use super::kept::Kept;
use super::metrics::totals::Totals;
use crate::app::budget_use::CapUse;
use crate::app::live::SnapshotLoader;
use crate::app::session::Session;
use crate::app::timeline::Timeline;
use crate::media::playback::player::Player;
use crate::media::sound_track::Ffmpeg;
use crate::pipeline::optional_tool::OptionalTool;
use crate::store::sqlite::request_totals::SourceCount;
use std::net::IpAddr;
use std::sync::Arc;
use tokio::sync::{Mutex, Semaphore};
use tokio_util::sync::CancellationToken;

/// Number of searches at the same time. Others wait.
const MAX_SEARCHES: usize = 2;
/// Number of streams of events at the same time.
const MAX_STREAMS: usize = 128;

/// Folder in the state folder for what is made of recordings to play them.
const PLAYBACK_FOLDER: &str = "playback";
/// Warning for an ffmpeg that does not work.
const NO_FFMPEG: &str = "ffmpeg does not work; some recordings cannot be played";

/// Address of the client of a connection.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peer(pub(super) IpAddr);

/// State that all routes share.
pub(super) struct Site {
    /// Configuration and queue.
    pub(super) session: Session,
    /// Who may call the server.
    pub(super) access: Access,
    /// Changes of the queue.
    pub(super) changes: Changes,
    /// Loader of what *Tonight* shows.
    pub(super) live: Mutex<SnapshotLoader>,
    /// The last day, for *Tonight*.
    pub(super) timeline: Kept<Timeline>,
    /// Use of the budget, for *Tonight*.
    pub(super) budget: Kept<Vec<CapUse>>,
    /// Number of jobs by source and state, for the metrics.
    pub(super) by_source: Kept<Vec<SourceCount>>,
    /// Totals of the submissions counted so far.
    pub(super) totals: Mutex<Totals>,
    /// Opens recordings for players.
    pub(super) player: Arc<Player>,
    /// ffmpeg, for recordings that no browser plays as they are.
    pub(super) ffmpeg: OptionalTool<Ffmpeg>,
    /// Permits for searches. One may read many transcripts.
    pub(super) searches: Semaphore,
    /// Permits for streams of events.
    pub(super) streams: Arc<Semaphore>,
    /// Cancelled when the server stops, so that streams of events end.
    pub(super) stop: CancellationToken,
}

impl Site {
    /// Creates the state of a server.
    pub(super) fn new(session: Session, access: Access, stop: CancellationToken) -> Self {
        Self {
            live: Mutex::new(SnapshotLoader::start(&session.config.sources)),
            access,
            changes: Changes::default(),
            timeline: Kept::default(),
            budget: Kept::default(),
            by_source: Kept::default(),
            totals: Mutex::default(),
            player: Arc::new(Player::new(session.config.state.dir.join(PLAYBACK_FOLDER))),
            ffmpeg: OptionalTool::new(&session.config.media.ffmpeg, &session.config, NO_FFMPEG),
            searches: Semaphore::new(MAX_SEARCHES),
            streams: Arc::new(Semaphore::new(MAX_STREAMS)),
            stop,
            session,
        }
    }

    /// Returns the path before every path of the server: empty, or a `/` and names.
    pub(super) fn base(&self) -> &str {
        &self.session.config.http.base_path
    }
}
