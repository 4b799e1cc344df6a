//! `nightscribe sandbox`

use super::args;
use super::exit::{CommandError, Exit};
use super::signals::stop_on_signal;
use nightscribe_sandbox::{Sandbox, Settings};
use std::io::Write;

pub(super) async fn sandbox(args: args::SandboxArgs) -> Result<Exit, CommandError> {
    let stop = stop_on_signal(|| ())?;
    let settings = Settings {
        listen: args.listen,
        delay: args.delay,
        retention: args.retention,
        faults: args.faults.into_iter().collect(),
        submits_per_minute: args.submits_per_minute,
        polls_per_minute: args.polls_per_minute,
        key: args.key,
        seed: rand::random(),
        ..Settings::default()
    };
    let listen = args.listen;
    let sandbox = Sandbox::start(settings).await.map_err(|error| {
        CommandError::new(Exit::Usage, format!("cannot listen on {listen}: {error}"))
    })?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", sandbox.base_url())?;
    out.flush()?;
    drop(out);
    stop.cancelled().await;
    sandbox.stop().await;
    Ok(Exit::Done)
}
