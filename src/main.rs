//! The `nightscribe` command.

fn main() -> std::process::ExitCode {
    nightscribe::cli::main()
}
