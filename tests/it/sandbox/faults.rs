//! Requests that the sandbox rejects, and its faults.

use super::{client, create_generation, create_request, form, json_of, poll, sandbox};
use nightscribe_sandbox::{AccountState, Faults, Sandbox, Settings, Timestamp};
use reqwest::RequestBuilder;
use serde_json::json;
use std::time::Duration;

async fn with_fault(fault: &str) -> Sandbox {
    sandbox(|settings| settings.faults = fault.parse().unwrap()).await
}

#[tokio::test]
async fn keys_and_credit_are_checked() {
    let sandbox = sandbox(|settings| settings.key = Some("right".to_owned())).await;
    let url = format!("{}/stt/create", sandbox.base_url());
    let submit = |request: RequestBuilder| async {
        let response = request.multipart(form()).send().await.unwrap();
        response.status().as_u16()
    };
    let post = || client().post(&url);
    assert_eq!(submit(post()).await, 401);
    assert_eq!(submit(post().bearer_auth("wrong")).await, 401);
    assert_eq!(submit(post().basic_auth("right", Some("right"))).await, 401);
    assert_eq!(submit(post().bearer_auth("right")).await, 201);
    sandbox.set_account(AccountState::NoCredit);
    assert_eq!(submit(post().bearer_auth("right")).await, 403);
    sandbox.set_account(AccountState::KeyRefused);
    assert_eq!(submit(post().bearer_auth("right")).await, 401);
    let ledger = sandbox.ledger();
    assert_eq!(
        (ledger.accepted, ledger.refused[&401], ledger.refused[&403]),
        (1, 4, 1)
    );
    sandbox.stop().await;
}

#[tokio::test]
async fn requests_over_the_limit_get_retry_after() {
    let settings = Settings {
        submits_per_minute: Some(2),
        polls_per_minute: Some(1),
        delay: Duration::ZERO,
        ..Settings::default()
    };
    let frozen_clock = || Timestamp::from_millis(1_000);
    let sandbox = Sandbox::start_with_clock(settings, frozen_clock)
        .await
        .unwrap();
    let id = create_generation(&sandbox).await;
    create_generation(&sandbox).await;
    let response = create_request(&sandbox)
        .multipart(form())
        .send()
        .await
        .unwrap();
    assert_eq!(
        (
            response.status().as_u16(),
            response.headers()["retry-after"].as_bytes()
        ),
        (429, &b"60"[..])
    );
    assert_eq!(poll(&sandbox, &id).await.status(), 201);
    assert_eq!(poll(&sandbox, &id).await.status(), 429);
    let ledger = sandbox.ledger();
    assert_eq!(
        (
            ledger.over_limit,
            ledger.peak_submits_per_minute,
            ledger.accepted
        ),
        (2, 2, 2)
    );
    sandbox.stop().await;
}

#[tokio::test]
async fn only_drop_after_accepts_the_submission() {
    for (fault, accepted, cut) in [
        ("refuse=1", 0, 1),
        ("drop-before=1", 0, 1),
        ("drop-after=1", 1, 0),
    ] {
        let sandbox = with_fault(fault).await;
        create_request(&sandbox)
            .multipart(form())
            .send()
            .await
            .unwrap_err();
        let ledger = sandbox.ledger();
        assert_eq!((ledger.accepted, ledger.cut), (accepted, cut), "{fault}");
        sandbox.stop().await;
    }
}

#[tokio::test]
async fn error_responses_accept_nothing() {
    for (fault, statuses) in [
        ("error-json=1", &[500][..]),
        ("error-html=1", &[502, 503]),
        ("firewall=1", &[403, 407]),
        ("reject=1", &[400]),
        ("unauthorized=1", &[401]),
        ("no-credit=1", &[402, 403]),
        ("rate-limit=1", &[429]),
    ] {
        let sandbox = with_fault(fault).await;
        for _ in 0..8 {
            let response = create_request(&sandbox)
                .multipart(form())
                .send()
                .await
                .unwrap();
            let is_html = response.headers()["content-type"]
                .to_str()
                .unwrap()
                .starts_with("text/html");
            let sends_html = matches!(fault, "error-html=1" | "firewall=1");
            assert_eq!(is_html, sends_html);
            assert_eq!(
                response.headers().contains_key("retry-after"),
                fault == "rate-limit=1"
            );
        }
        let ledger = sandbox.ledger();
        assert_eq!(
            ledger.refused.into_keys().collect::<Vec<_>>(),
            statuses,
            "{fault}"
        );
        assert_eq!(ledger.accepted, 0);
        sandbox.stop().await;
    }
}

#[tokio::test]
async fn a_truncated_response_keeps_its_headers() {
    let sandbox = with_fault("truncate=1").await;
    let response = create_request(&sandbox)
        .multipart(form())
        .send()
        .await
        .unwrap();
    let id = response.headers()["x-inference-id"]
        .to_str()
        .unwrap()
        .to_owned();
    assert!(response.content_length().unwrap() > 20);
    response.bytes().await.unwrap_err();
    let response = poll(&sandbox, &id).await;
    assert_eq!(response.status(), 201);
    response.bytes().await.unwrap_err();
    assert!(!sandbox.ledger().generations[0].fetched);
    sandbox.set_faults(Faults::default());
    assert_eq!(
        json_of(poll(&sandbox, &id).await).await["status"],
        "completed"
    );
    sandbox.stop().await;
}

#[tokio::test]
async fn an_empty_response_has_the_id_in_its_headers() {
    let sandbox = with_fault("empty=1").await;
    let response = create_request(&sandbox)
        .multipart(form())
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 201);
    let id = response.headers()["x-inference-id"]
        .to_str()
        .unwrap()
        .to_owned();
    assert_eq!(response.bytes().await.unwrap(), "");
    assert_eq!(
        json_of(poll(&sandbox, &id).await).await["status"],
        "completed"
    );
    sandbox.stop().await;
}

#[tokio::test]
async fn a_slow_response_is_complete() {
    let sandbox = with_fault("slow=1").await;
    let id = create_generation(&sandbox).await;
    assert_eq!(
        json_of(poll(&sandbox, &id).await).await["status"],
        "completed"
    );
    assert!(sandbox.ledger().generations[0].fetched);
    sandbox.stop().await;
}

#[tokio::test]
async fn a_failed_generation_costs_nothing() {
    let sandbox = with_fault("fail=1").await;
    let id = create_generation(&sandbox).await;
    let body = json_of(poll(&sandbox, &id).await).await;
    assert_eq!(
        (&body["status"], &body["error"]["name"]),
        (&json!("error"), &json!("TranscriptionError"))
    );
    let ledger = sandbox.ledger();
    assert_eq!((ledger.accepted, ledger.paid), (1, 0));
    sandbox.stop().await;
}

#[tokio::test]
async fn an_early_404_ends_with_the_completion() {
    let early_404 = |settings: &mut Settings| {
        settings.faults = "early-404=1".parse().unwrap();
        settings.delay = Duration::from_secs(3600);
        settings.retention = Duration::from_secs(7200);
    };
    let unfinished = sandbox(early_404).await;
    let id = create_generation(&unfinished).await;
    assert_eq!(poll(&unfinished, &id).await.status(), 404);
    unfinished.set_faults(Faults::default());
    assert_eq!(
        json_of(poll(&unfinished, &id).await).await["status"],
        "waiting"
    );
    unfinished.stop().await;

    let completed = with_fault("early-404=1").await;
    let id = create_generation(&completed).await;
    assert_eq!(poll(&completed, &id).await.status(), 201);
    completed.stop().await;
}
