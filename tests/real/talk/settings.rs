//! The configuration is seen and changed from a chat.

use std::fs;

use crate::house::{Act, Client, Post, Shown, Sort, Stub, shared};

use super::{
    hall::{Hall, config},
    stage::{Stage, topic},
};

/// What alpha is for in the hall's configuration.
const ROLE: &str = "Writes and reviews Rust programs.";

/// A house of its own in which admins may see and change the configuration.
async fn hall() -> Hall {
    let stub = Stub::start().await;
    let text = config(&stub).replace("authorization: {", "authorization: {config_in_chat: true, ");
    Hall::open(shared(), stub, &text).await
}

impl Hall {
    fn file(&self) -> String {
        fs::read_to_string(self.maitre.config()).unwrap()
    }
}

impl Stage<'_> {
    async fn command(&mut self, who: &mut Client, body: &str, words: &[&str]) -> Shown {
        self.post_by(who, &Post::text(body)).await;
        self.notice("router", words).await
    }

    /// Waits until the router asks whether to make this change.
    async fn asked(&mut self, who: &mut Client, body: &str, words: &[&str]) -> Shown {
        self.command(who, body, words).await;
        let router = self.user("router");
        let holds = |message: &Shown| words.iter().all(|word| message.body.contains(word));
        let is_it = |message: &Shown| message.sender == router && holds(message) && message.taps.len() >= 2;
        self.see("the question whether to write it", is_it).await
    }
}

/// Conversation 90. X10: as long as nobody switched it on, admins are told how that is done, and others that it isn't for them.
#[tokio::test]
async fn the_configuration_is_not_for_chats() {
    let mut stage = Stage::open(Sort::Open, &["alpha"]).await;
    stage.say("!config show agents.alpha").await;
    let refused = stage.notice("router", &["`!config", "is for the admins of this house"]).await;
    let mut admin = stage.guest("friend-admin").await;
    let off = stage.command(&mut admin, "!config set agents.alpha.role Sings.", &["config_in_chat: true"]).await;
    stage.only(&[&refused, &off]).await;
}

/// Conversation 91. X10, H3: an admin sees what a change would do, and it is made once they say yes, and nobody else: in place,
/// with everything around it as it was. What came of it is told there, and the next answer goes by it.
#[tokio::test]
async fn a_value_is_changed_by_tap() {
    let hall = hall().await;
    let mut stage = Stage::open_in(&hall, Sort::Open, &["alpha"]).await;
    let mut admin = stage.guest("friend-admin").await;
    let commented = format!("# Who is who.\n{}\n# The end.\n", hall.file());
    fs::write(hall.maitre.config(), &commented).unwrap();
    let set = "!config set agents.alpha.role \"Sings about Rust.\"";
    let would = ["- \"Writes", "+ \"Sings about Rust.\"", "~ agent alpha: role from its next answer on"];
    stage.say(set).await;
    stage.notice("router", &["is for the admins of this house"]).await;
    stage.command(&mut admin, "!config get agents.alpha.role", &[ROLE]).await;
    stage.command(&mut admin, "!config plan", &["nothing would change"]).await;
    let asked = stage.asked(&mut admin, set, &would).await;
    stage.tap(&asked.event, "✅").await;
    let topic = topic();
    hall.stub.when_asks("alpha", &[&topic], Act::say("Yes."));
    stage.ask(&["alpha"], &topic).await;
    stage.answer("alpha", "Yes.").await;
    assert!(hall.stub.asked(&topic)[0].system.contains(ROLE), "somebody else's tap is nothing");
    assert_eq!(hall.file(), commented);

    admin.tap(&stage.room.clone(), &asked.event, "✅").await;
    let written = stage.notice("router", &["`agents.alpha.role` is written into `config.yaml`"]).await;
    let told =
        stage.notice("router", &["The configuration changed", "~ agent alpha: role from its next answer on"]).await;
    assert_eq!((&written.root, &told.root), (&asked.root, &asked.root));
    assert_eq!(hall.file(), commented.replace(ROLE, "Sings about Rust."));
    let topic = super::stage::topic();
    hall.stub.when_asks("alpha", &[&topic], Act::say("La."));
    stage.ask(&["alpha"], &topic).await;
    stage.answer("alpha", "La.").await;
    assert!(hall.stub.asked(&topic)[0].system.contains("Sings about Rust."));
    stage.command(&mut admin, "!config get agents.alpha.role", &["`agents.alpha.role`: `\"Sings about Rust.\"`"]).await;
}

/// Conversation 92. X10, H2, H6: secrets are neither shown nor taken, what can't be used or can't change is told with the reason
/// and isn't asked, and a change isn't made where somebody says no, or where the file was changed since.
#[tokio::test]
async fn what_should_not_be_changed_is_not() {
    let hall = hall().await;
    let mut stage = Stage::open_in(&hall, Sort::Open, &["alpha"]).await;
    let mut admin = stage.guest("friend-admin").await;
    let before = hall.file();
    let accounts = stage.command(&mut admin, "!config show accounts", &["•••"]).await;
    assert!(!accounts.body.contains("secret: \""), "{}", accounts.body);
    stage.command(&mut admin, "!config get agents.alpha.rol", &["Did you mean `agents.alpha.role`?"]).await;
    stage.command(&mut admin, "!config get agents.alpha.streaming", &["its default counts"]).await;
    let secret = "!config set models.alpha.api_key hunter2";
    stage.command(&mut admin, secret, &["it is a secret", "`${NAME}`"]).await;
    let broken = stage.command(&mut admin, "!config set teams.duo.mode both", &["couldn't be used", "^^^^"]).await;
    let refused = "!config set homeserver.logins_max 2";
    let refused = stage.command(&mut admin, refused, &["can't be changed while", "! homeserver.logins_max"]).await;
    let asked = stage.asked(&mut admin, "!config set agents.alpha.role Sings.", &["+ Sings."]).await;
    admin.tap(&stage.room.clone(), &asked.event, "❌").await;
    stage.notice("router", &["Nothing was changed."]).await;
    let asked = stage.asked(&mut admin, "!config set agents.alpha.role Dances.", &["+ Dances."]).await;
    let elsewhere = before.replace("Cooks, and", "Bakes, and");
    fs::write(hall.maitre.config(), &elsewhere).unwrap();
    admin.tap(&stage.room.clone(), &asked.event, "✅").await;
    stage.notice("router", &["was changed in the meantime"]).await;
    assert_eq!(hall.file(), elsewhere);
    for message in [broken, refused] {
        assert!(stage.now(&message).await.taps.is_empty(), "nobody is asked");
    }
}
