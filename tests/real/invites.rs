//! Who may ask entities into rooms.

use serde_json::json;

use crate::house::{DEADLINE, Maitre, Person, shared, wait_for};

/// A direct chat to which somebody asks one entity.
async fn ask(person: &Person, user: &str) -> String {
    person.create_room(json!({ "is_direct": true, "preset": "trusted_private_chat", "invite": [user] })).await
}

/// Waits until somebody stands to a room like this.
async fn wait_membership(admin: &Person, room: &str, user: &str, expected: &str) {
    wait_for(&format!("{user} to be {expected} in {room}"), DEADLINE, async || {
        let found = admin.memberships_in(room).await.remove(user);
        if found.as_deref() == Some(expected) { Ok(()) } else { Err(found) }
    })
    .await;
}

/// I5, A1: an authorized person's invitation is accepted, anybody else's is declined with a line in the audit; where an
/// entity accepts none, all are declined; and each is answered once, over restarts, also if it came in between.
#[tokio::test]
async fn invitations_are_answered_by_who_sends_them() {
    let ada = Person::new_admin(shared(), "ada").await;
    let mut bob = Person::new(shared(), "bob").await;
    let config = format!(
        r#"
agents:
  alpha: {{role: "Begins."}}
  beta: {{role: "Goes on.", accept_invites: false}}
authorization: {{global_users: ["{}"]}}
"#,
        ada.user
    );
    let mut maitre = Maitre::new(shared(), &config);
    maitre.start_ready().await;
    let (alpha, beta) = (maitre.user("alpha"), maitre.user("beta"));
    let welcome = ask(&ada, &alpha).await;
    let closed = ask(&ada, &beta).await;
    let stranger = ask(&bob, &alpha).await;
    bob.send_text(&stranger, "psst, alpha!").await;
    wait_membership(&ada, &welcome, &alpha, "join").await;
    wait_membership(&ada, &closed, &beta, "leave").await;
    wait_membership(&ada, &stranger, &alpha, "leave").await;
    let declined = async || {
        let journal = maitre.journal();
        wait_for("the audit's lines", DEADLINE, async || {
            let lines = journal.audit().into_iter().filter(|line| line.kind == "invite_declined");
            let lines: Vec<_> =
                lines.map(|line| (line.entity.unwrap(), line.room.unwrap(), line.who.unwrap())).collect();
            if lines.len() == 2 { Ok(lines) } else { Err(lines) }
        })
        .await
    };
    let mut lines = declined().await;
    lines.sort();
    let line = |entity: &str, room: &str, who: &str| (entity.to_owned(), room.to_owned(), who.to_owned());
    assert_eq!(lines, [line("alpha", &stranger, &bob.user), line("beta", &closed, &ada.user)]);

    assert!(maitre.stop().await.success());
    let meanwhile = ask(&ada, &alpha).await;
    maitre.start_ready().await;
    wait_membership(&ada, &meanwhile, &alpha, "join").await;
    for (room, user, expected) in [(&welcome, &alpha, "join"), (&closed, &beta, "leave"), (&stranger, &alpha, "leave")]
    {
        assert_eq!(ada.memberships_in(room).await[user], expected);
    }
    let lines = maitre.journal().audit();
    assert_eq!(lines.iter().filter(|line| line.kind == "invite_declined").count(), 2, "{lines:#?}");
    assert_eq!(ada.said_in(&stranger).await.len(), 1, "a stranger gets no answer");
    assert!(maitre.stop().await.success());
}
