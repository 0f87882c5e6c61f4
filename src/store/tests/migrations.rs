//! Every form the database ever had comes to today's, with what was in it.

use std::path::Path;

use rusqlite::Connection;

use super::samples::{all_events, batch, event, event_id, names, room};
use crate::{
    model::Conversation,
    store::{Store, StoreError, folder, schema},
};

/// What a database of each form may hold, from form 1 on: rows that the next migrations must bring along.
const HOLDINGS: [&str; 8] = [
    "
    INSERT INTO events (room, event, sender, sent_at, standing, sealed, kind, json, entity, admitted_at)
    VALUES ('!lobby', '$old', '@ada:home.org', 1, 'live', 0, 'm.room.message', '{}', 'writer', 1);
    INSERT INTO facts VALUES ('homeserver', 'https://home.org');
    ",
    "
    INSERT INTO messages (ordinal, room, event, sender, sent_at, received_at, standing, sort, body, content, mentions)
    VALUES (1, '!lobby', '$old', '@ada:home.org', 1, 1, 'history', 'text', 'hi', '{}', '[]');
    ",
    "INSERT INTO turns (id, room, state, started_at) VALUES ('t', '!lobby', 'done', 1);",
    "INSERT INTO notices (id, entity, room, text, created_at) VALUES ('n', 'router', '!lobby', 'hi', 1);",
    "",
    "",
    "",
    "",
];

fn database_of_form(folder: &Path, form: usize) {
    let mut db = Connection::open(folder.join(folder::DATABASE)).unwrap();
    for (at, holding) in HOLDINGS.iter().enumerate().take(form) {
        schema::migrations().to_version(&mut db, at + 1).unwrap();
        db.execute_batch(holding).unwrap();
    }
}

#[test]
fn the_migrations_fit_together() {
    schema::migrations().validate().unwrap();
}

#[tokio::test]
async fn every_earlier_form_is_brought_to_todays() {
    for form in 0..=HOLDINGS.len() {
        let folder = tempfile::tempdir().unwrap();
        database_of_form(folder.path(), form);
        let store = Store::open(folder.path()).await.unwrap();
        store.admit(vec![batch("writer", 1, vec![event("lobby", "new")], vec![])]).await.unwrap();
        let events = all_events(&store, "lobby").await;
        let expected: &[&str] = if form == 0 { &["new"] } else { &["old", "new"] };
        assert_eq!(names(&events), expected, "from form {form}");
        assert_eq!(store.fact("homeserver").await.unwrap().is_some(), form > 0, "from form {form}");
        let due: Vec<_> = store.due(9).await.unwrap().into_iter().map(|event| event.event).collect();
        assert_eq!(due, [event_id("new")], "what came before somebody looked is history, from form {form}");
        let lobby = Conversation { room: room("lobby"), thread: None };
        assert_eq!(store.thread(&lobby, 9).await.unwrap().len(), usize::from(form > 1), "from form {form}");
        store.close().await;
    }
}

#[tokio::test]
async fn a_database_of_a_newer_form_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    database_of_form(folder.path(), HOLDINGS.len());
    let db = Connection::open(folder.path().join(folder::DATABASE)).unwrap();
    db.pragma_update(None, "user_version", 99).unwrap();
    drop(db);
    let error = Store::open(folder.path()).await.unwrap_err();
    let StoreError::Open { source, .. } = &error else { panic!("{error:?}") };
    assert!(
        matches!(**source, StoreError::Newer { found: 99, known } if known as usize == HOLDINGS.len()),
        "{source:?}"
    );
    assert!(source.to_string().contains("run the newer version again"), "{source}");
}

#[tokio::test]
async fn another_programs_database_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(folder::DATABASE);
    Connection::open(&file).unwrap().execute_batch("CREATE TABLE recipes (name TEXT)").unwrap();
    let error = Store::open(folder.path()).await.unwrap_err();
    assert!(matches!(&error, StoreError::Open { source, .. } if matches!(**source, StoreError::Foreign)), "{error:?}");
    let tables: u32 =
        Connection::open(&file).unwrap().query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).unwrap();
    assert_eq!(tables, 1);
}
