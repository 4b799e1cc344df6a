//! Baseline of a scan: a walk that reads the size and time of each file and stores nothing.

use crate::Failure;
use std::path::PathBuf;
use walkdir::WalkDir;

/// Walk a folder, and stat each file
#[derive(clap::Args)]
pub(crate) struct Walk {
    folder: PathBuf,
}

impl Walk {
    pub(crate) fn run(&self) -> Result<(), Failure> {
        let (mut files, mut bytes) = (0_u64, 0_u64);
        for entry in WalkDir::new(&self.folder) {
            let entry = entry?;
            if entry.file_type().is_file() {
                let metadata = entry.metadata()?;
                std::hint::black_box(metadata.modified()?);
                files += 1;
                bytes += metadata.len();
            }
        }
        println!("{files} files, {bytes} bytes");
        Ok(())
    }
}
