//! Baseline: a well-written loop without a queue.
//!
//! It uploads, waits, polls and writes, with many files in flight. A crash loses paid transcripts.

use crate::Failure;
use reqwest::multipart::{Form, Part};
use reqwest::{Client, RequestBuilder};
use serde_json::Value;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::task::JoinSet;

const MODEL: &str = "#g1_nova-2-general";
/// Time between polls, after the first one.
const POLL_AGAIN: Duration = Duration::from_millis(20);

/// Transcribe every file of a folder in a bare loop, without a queue
#[derive(clap::Args)]
pub(crate) struct Bare {
    /// URL prefix before /stt
    #[arg(long)]
    base_url: String,
    /// Folder of recordings
    #[arg(long)]
    recordings: PathBuf,
    /// Folder of transcripts
    #[arg(long)]
    out: PathBuf,
    /// Files in flight
    #[arg(long, default_value_t = 64)]
    tasks: usize,
    /// Time from the response to a submission to its first poll
    #[arg(long, default_value = "0s", value_parser = humantime::parse_duration)]
    wait: Duration,
    /// Sync each transcript before renaming it
    #[arg(long)]
    sync: bool,
}

impl Bare {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let _installed = rustls::crypto::ring::default_provider().install_default();
        let paths = fs::read_dir(&self.recordings)?
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<Result<Vec<_>, _>>()?;
        let client = Client::builder()
            .no_proxy()
            .pool_max_idle_per_host(self.tasks)
            .build()?;
        let (bare, remaining) = (Arc::new(self), Arc::new(Mutex::new(paths)));
        let mut tasks = JoinSet::new();
        for _ in 0..bare.tasks {
            let (bare, remaining, client) = (bare.clone(), remaining.clone(), client.clone());
            tasks.spawn(async move {
                while let Some(path) = next(&remaining) {
                    bare.transcribe(&client, &path).await?;
                }
                Ok::<_, Failure>(())
            });
        }
        while let Some(result) = tasks.join_next().await {
            result??;
        }
        Ok(())
    }

    async fn transcribe(&self, client: &Client, path: &Path) -> Result<(), Failure> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let audio = Part::bytes(tokio::fs::read(path).await?).file_name(name.clone().into_owned());
        let form = Form::new().text("model", MODEL).part("audio", audio);
        let create = client.post(format!("{}/stt/create", self.base_url));
        let created = send(create.multipart(form)).await?;
        let id = created["generation_id"].as_str().ok_or("no generation")?;
        tokio::time::sleep(self.wait).await;
        let url = format!("{}/stt/{id}", self.base_url);
        loop {
            let polled = send(client.get(&url)).await?;
            match polled["status"].as_str() {
                Some("completed") => return self.write(&name, &polled["result"]),
                Some("waiting" | "active") => tokio::time::sleep(POLL_AGAIN).await,
                other => return Err(format!("{name}: {other:?}").into()),
            }
        }
    }

    fn write(&self, name: &str, result: &Value) -> Result<(), Failure> {
        let text = &result["results"]["channels"][0]["alternatives"][0]["transcript"];
        let text = text.as_str().ok_or("no transcript")?;
        self.put(&format!("{name}.txt"), text.as_bytes())?;
        self.put(&format!("{name}.json"), result.to_string().as_bytes())
    }

    /// Writes to a staging file and renames it.
    fn put(&self, name: &str, content: &[u8]) -> Result<(), Failure> {
        let staging = self.out.join(format!(".{name}"));
        let mut file = File::create(&staging)?;
        file.write_all(content)?;
        if self.sync {
            file.sync_data()?;
        }
        fs::rename(staging, self.out.join(name))?;
        Ok(())
    }
}

fn next(remaining: &Mutex<Vec<PathBuf>>) -> Option<PathBuf> {
    remaining
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .pop()
}

async fn send(request: RequestBuilder) -> Result<Value, Failure> {
    let response = request.bearer_auth("bench").send().await?;
    Ok(response.error_for_status()?.json().await?)
}
