//! Baselines and tools for `scripts/bench`.

mod bare;
mod lives;
mod service;
mod walk;

use clap::Parser;

/// Any error. It ends the program, because a measurement with an error is invalid.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Baselines and tools for scripts/bench
#[derive(Parser)]
enum Command {
    Bare(bare::Bare),
    Lives(lives::Lives),
    Service(service::Service),
    Walk(walk::Walk),
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    match Command::parse() {
        Command::Bare(bare) => bare.run().await,
        Command::Lives(lives) => lives.run().await,
        Command::Service(service) => service.run().await,
        Command::Walk(walk) => walk.run(),
    }
}
