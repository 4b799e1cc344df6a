//! Names of the speakers of recordings, as given by a user.

use crate::domain::RecordingId;
use crate::domain::speaker_names::SpeakerNames;
use crate::store::error::StoreError;
use crate::store::sqlite::open::Store;
use crate::store::sqlite::row;
use crate::store::sqlite::writer::Change;
use sqlx::{Row, SqliteConnection};
use std::collections::HashMap;

impl Store {
    /// Returns the names of the speakers of these recordings. Recordings without names are left out.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn speaker_names(
        &self,
        recordings: &[RecordingId],
    ) -> Result<HashMap<RecordingId, SpeakerNames>, StoreError> {
        let rows = sqlx::query(
            "SELECT recording_id, speaker, name FROM speaker_names
             WHERE recording_id IN (SELECT value FROM json_each(?1))",
        )
        .bind(row::json_ids(
            recordings.iter().map(|recording| recording.0),
        ))
        .fetch_all(self.readers())
        .await?;
        let mut names: HashMap<_, SpeakerNames> = HashMap::new();
        for found in &rows {
            let recording = RecordingId(found.try_get("recording_id")?);
            let (speaker, name): (&str, &str) = (found.try_get("speaker")?, found.try_get("name")?);
            let set = names.entry(recording).or_default().set(speaker, name);
            set.map_err(|_| StoreError::Content { column: "name" })?;
        }
        Ok(names)
    }

    /// Replaces the names of the speakers of a recording. The change is stored completely or not at all.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn set_speaker_names(
        &self,
        recording: RecordingId,
        names: SpeakerNames,
    ) -> Result<(), StoreError> {
        self.writer().write(SetNames { recording, names }).await
    }
}

struct SetNames {
    recording: RecordingId,
    names: SpeakerNames,
}

impl Change for SetNames {
    type Reply = ();

    async fn apply(&self, connection: &mut SqliteConnection) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM speaker_names WHERE recording_id = ?1")
            .bind(self.recording.0)
            .execute(&mut *connection)
            .await?;
        for (speaker, name) in self.names.iter() {
            sqlx::query(
                "INSERT INTO speaker_names (recording_id, speaker, name) VALUES (?1, ?2, ?3)",
            )
            .bind(self.recording.0)
            .bind(speaker)
            .bind(name)
            .execute(&mut *connection)
            .await?;
        }
        Ok(())
    }
}
