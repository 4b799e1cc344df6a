//! What `scripts/bench` measures nightscribe against, and what it measures it with.

mod bare;
mod lives;
mod service;
mod walk;

use clap::Parser;

/// Whatever goes wrong ends the program: a measurement with an error in it is none.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// What can be typed.
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
