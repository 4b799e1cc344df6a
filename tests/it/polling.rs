//! When a transcript is asked for.

use crate::house::{House, settings};
use sqlx::{ConnectOptions, Connection, Executor};

/// Makes everything pending twenty minutes older.
fn age(house: &House) {
    let options =
        sqlx::sqlite::SqliteConnectOptions::new().filename(house.path("state/nightscribe.db"));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut database = options.connect().await.unwrap();
        let older = "UPDATE jobs SET accepted_at = accepted_at - 1200000, expires_at = expires_at - 1200000";
        database.execute(older).await.unwrap();
        database.close().await.unwrap();
    });
}

#[test]
fn what_was_pending_over_a_restart_tells_nothing_of_how_long_the_service_takes() {
    let house = House::with_recordings(settings(), 1);
    let mut killed = house.command(&["run"]);
    killed
        .env("NIGHTSCRIBE__POLLING__INTERVAL", "1h")
        .env("NIGHTSCRIBE__POLLING__MAX_INTERVAL", "1h");
    let mut killed = killed.spawn().unwrap();
    house.wait_until("the submission", |house| house.count("pending") == 1);
    killed.kill().unwrap();
    killed.wait().unwrap();
    age(&house);
    let mut daemon = house.start(&["run"]);
    house.wait_until("the first", |house| house.count("done") == 1);
    house.record("later.wav", 2);
    house.wait_until("the second", |house| house.count("done") == 2);
    daemon.signal("TERM");
    assert_eq!(daemon.code(), 0);
}
