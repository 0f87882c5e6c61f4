//! What people do about what was said before: they reword it, take it back, stop its answer or want it anew.

use maitre::model::{EventId, RoomId, TURN_KEY, UserId};
use serde_json::{Value, json};

use crate::{
    ledger::{Asked, Due, tag},
    model::ASK,
    people::{Crowd, Thread},
};

impl Crowd {
    pub(crate) fn some_thread(&self) -> Option<Thread> {
        let threads = self.threads.borrow();
        // The newest ones are where things happen.
        let recent = threads.len().saturating_sub(4);
        (!threads.is_empty()).then(|| self.dice.pick(&threads[recent..]).clone())
    }

    fn some_asked(&self) -> Option<Asked> {
        let all = self.ledger.all();
        let meant = |asked: &&Asked| !asked.deleted && matches!(asked.due, Due::By(_));
        let asked: Vec<&Asked> = all.iter().rev().filter(meant).take(5).collect();
        (!asked.is_empty()).then(|| (*self.dice.pick(&asked)).clone())
    }

    /// S7: says it in other words.
    pub(crate) fn edit(&self) {
        let Some(asked) = self.some_asked() else { return };
        let edits = asked.edits + 1;
        let new = wording(&asked.text, &tag(asked.number, edits), &asked.mentions);
        let body = format!("* {}", new["body"].as_str().unwrap_or_default());
        let content = json!({
            "msgtype": "m.text", "body": body, "m.mentions": {}, "m.new_content": new,
            "m.relates_to": { "rel_type": "m.replace", "event_id": asked.event.as_str() },
        });
        drop(self.world.say(&asked.room, &asked.sender, content));
        self.ledger.change(asked.number, |asked| asked.edits = edits);
        self.trace.say(format!("{} rewords {}", asked.sender, tag(asked.number, edits)));
    }

    /// S8: takes it back.
    pub(crate) fn delete(&self) {
        let Some(asked) = self.some_asked().filter(|asked| !self.held.borrow().contains(&asked.event)) else { return };
        self.world.redact(&asked.room, &asked.sender, &asked.event);
        let place = self.rooms.borrow().iter().find(|place| place.room == asked.room).cloned();
        self.ledger.delete(asked.number, &place.map(|place| place.agents).unwrap_or_default());
        let mut threads = self.threads.borrow_mut();
        for thread in threads.iter_mut().filter(|thread| thread.root == asked.event || thread.last == asked.event) {
            // Whoever was asked by it alone has no part in the thread any more.
            thread.by = None;
            thread.last = thread.root.clone();
        }
        for thread in threads.iter_mut().filter(|thread| Some(&thread.root) == asked.thread.as_ref()) {
            thread.by = None;
        }
        self.trace.say(format!("{} deletes {}", asked.sender, asked.tag()));
    }

    /// S4: stops what is being said in a thread, by tap or by word.
    pub(crate) fn stop(&self) {
        let Some(thread) = self.some_thread() else { return };
        let place = self.place(thread.place);
        let within = |asked: &Asked| asked.is_in(&thread.root);
        let answer = self.last_answer(&place.room, &thread.root);
        if let (Some(answer), true) = (answer, self.dice.chance(0.6)) {
            self.world.react(&place.room, &thread.owner, &answer, "🛑");
            self.trace.say(format!("{} taps 🛑 on {answer}", thread.owner));
        } else {
            drop(self.say(&thread.owner, &place, Some(&thread), Due::House, ("!stop".to_owned(), Vec::new())));
        }
        self.ledger.stopped(&place.room, within);
    }

    /// S9: has an answer given anew.
    pub(crate) fn again(&self) {
        let Some(thread) = self.some_thread() else { return };
        let place = self.place(thread.place);
        let Some(answer) = self.last_answer(&place.room, &thread.root) else { return };
        self.world.react(&place.room, &thread.owner, &answer, "🔁");
        self.ledger.stopped(&place.room, |_| false);
        let within = |asked: &Asked| asked.is_in(&thread.root);
        let numbers: Vec<usize> =
            self.ledger.all().iter().filter(|asked| within(asked)).map(|asked| asked.number).collect();
        for number in numbers {
            self.ledger.change(number, |asked| asked.again = true);
        }
        self.trace.say(format!("{} taps 🔁 on {answer}", thread.owner));
    }

    /// The newest message of an answer in a thread.
    fn last_answer(&self, room: &RoomId, thread: &EventId) -> Option<EventId> {
        let timeline = self.world.timeline(room);
        let stands = timeline.iter().rev().find(|seen| {
            let relation = &seen.content["m.relates_to"];
            seen.content.get(TURN_KEY).is_some()
                && relation["rel_type"] == "m.thread"
                && relation["event_id"] == thread.as_str()
        });
        stands.map(|seen| seen.event.clone())
    }
}

/// What a message says.
pub(crate) fn wording(text: &str, tag: &str, mentions: &[UserId]) -> Value {
    let mentioned: Vec<&str> = mentions.iter().map(UserId::as_str).collect();
    let mentioned = if mentioned.is_empty() { json!({}) } else { json!({ "user_ids": mentioned }) };
    let body = if text.starts_with('!') { text.to_owned() } else { format!("{text} {ASK}{tag}") };
    json!({ "msgtype": "m.text", "body": body, "m.mentions": mentioned })
}
