//! The schema of the queue, as the list of its changes.

use sqlx::SqlStr;
use sqlx::migrate::{Migration, MigrationType, Migrator};

/// Version, description and statements of each file in `migrations/`.
///
/// Every database records the description and a checksum of the statements. Neither changes after a release.
const CHANGES: &[(i64, &str, &str)] = &[
    (
        1,
        "queue",
        include_str!("../../../migrations/0001_queue.sql"),
    ),
    (
        2,
        "hold kinds",
        include_str!("../../../migrations/0002_hold_kinds.sql"),
    ),
    (
        3,
        "warnings",
        include_str!("../../../migrations/0003_warnings.sql"),
    ),
    (
        4,
        "imports",
        include_str!("../../../migrations/0004_imports.sql"),
    ),
    (
        5,
        "written content",
        include_str!("../../../migrations/0005_written_content.sql"),
    ),
    (
        6,
        "model key",
        include_str!("../../../migrations/0006_model_key.sql"),
    ),
    (
        7,
        "service lists",
        include_str!("../../../migrations/0007_service_lists.sql"),
    ),
    (
        9,
        "source holds",
        include_str!("../../../migrations/0009_source_holds.sql"),
    ),
    (
        10,
        "budget waits",
        include_str!("../../../migrations/0010_budget_waits.sql"),
    ),
    (
        13,
        "names and quality",
        include_str!("../../../migrations/0013_names_and_quality.sql"),
    ),
    (
        14,
        "sound",
        include_str!("../../../migrations/0014_sound.sql"),
    ),
    (
        15,
        "lengths and exclusions",
        include_str!("../../../migrations/0015_lengths_and_exclusions.sql"),
    ),
    (
        16,
        "quality retries",
        include_str!("../../../migrations/0016_quality_retries.sql"),
    ),
    (
        17,
        "webhook texts",
        include_str!("../../../migrations/0017_webhook_texts.sql"),
    ),
    (
        18,
        "sent copies",
        include_str!("../../../migrations/0018_sent_copies.sql"),
    ),
    (
        19,
        "search",
        include_str!("../../../migrations/0019_search.sql"),
    ),
    (
        20,
        "results by language",
        include_str!("../../../migrations/0020_results_by_language.sql"),
    ),
    (
        21,
        "search beginnings",
        include_str!("../../../migrations/0021_search_beginnings.sql"),
    ),
    (
        25,
        "tripped models",
        include_str!("../../../migrations/0025_tripped_models.sql"),
    ),
    (
        26,
        "results by length",
        include_str!("../../../migrations/0026_results_by_length.sql"),
    ),
];

/// Returns what brings a database to the newest schema.
///
/// The list is written by hand because the macro of sqlx costs a second build of its SQLite driver and of tokio.
pub(super) fn migrator() -> Migrator {
    let migrations = CHANGES.iter().map(|&(version, description, statements)| {
        let statements = SqlStr::from_static(statements);
        Migration::new(
            version,
            description.into(),
            MigrationType::Simple,
            statements,
            false,
        )
    });
    Migrator::with_migrations(migrations.collect())
}

#[cfg(test)]
mod tests {
    use super::CHANGES;
    use std::path::Path;

    #[test]
    fn every_file_is_in_the_list() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
        let mut files: Vec<_> = (folder.read_dir().unwrap())
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        files.sort_unstable();
        let listed: Vec<_> = (CHANGES.iter())
            .map(|(version, description, _)| {
                format!("{version:04}_{}.sql", description.replace(' ', "_"))
            })
            .collect();
        assert_eq!(listed, files);
    }
}
