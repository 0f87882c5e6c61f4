//! What the router says in a room where nothing was said before.

use super::{markdown::escape, mentions::pill};
use crate::model::UserId;

/// Somebody who answers in the room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// Whom to mention.
    pub user: UserId,
    /// What people see as the name.
    pub name: String,
    /// What it is for, in a sentence. May be empty.
    pub purpose: String,
}

/// The greeting in both forms that clients show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Greeting {
    /// For clients that show plain text.
    pub plain: String,
    /// For clients that show HTML.
    pub html: String,
}

/// Says who is here, what each is for, and how to address them.
#[must_use]
pub fn greeting(hosts: &[Host]) -> Greeting {
    if hosts.is_empty() {
        let text = "Welcome! Nobody here answers yet: invite an agent.";
        return Greeting { plain: text.to_owned(), html: format!("<p>{text}</p>") };
    }
    let plain: Vec<String> =
        hosts.iter().map(|host| format!("• {} ({}){}", host.name, host.user, dash(&host.purpose))).collect();
    let html: Vec<String> = hosts.iter().map(html_line).collect();
    let how = "Mention one of them by name to ask it directly, or just write: the right one will answer.";
    Greeting {
        plain: format!("Welcome! Here with you:\n{}\n{how}", plain.join("\n")),
        html: format!("<p>Welcome! Here with you:</p><ul>{}</ul><p>{how}</p>", html.concat()),
    }
}

fn dash(purpose: &str) -> String {
    if purpose.is_empty() { String::new() } else { format!(" – {purpose}") }
}

fn html_line(host: &Host) -> String {
    format!("<li>{}{}</li>", pill(&host.user, &host.name), escape(&dash(&host.purpose)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(name: &str, purpose: &str) -> Host {
        Host { user: UserId::parse("@ada:home").unwrap(), name: name.to_owned(), purpose: purpose.to_owned() }
    }

    /// I6: who is here, what each is for, how to address them.
    #[test]
    fn a_greeting_names_everybody_and_says_how() {
        let Greeting { plain, html } = greeting(&[host("Ada", "Answers questions")]);
        assert!(plain.contains("• Ada (@ada:home) – Answers questions"), "{plain}");
        assert!(plain.contains("Mention one of them"), "{plain}");
        assert!(html.contains("<a href=\"https://matrix.to/#/@ada:home\">Ada</a> – Answers questions"), "{html}");
    }

    #[test]
    fn names_can_bring_no_markup() {
        let Greeting { html, .. } = greeting(&[host("<b>Eve</b>", "\"&\"")]);
        assert!(!html.contains("<b>"), "{html}");
        assert!(html.contains("&quot;&amp;&quot;"), "{html}");
    }

    #[test]
    fn an_empty_room_is_said_to_be_so() {
        assert!(greeting(&[]).plain.contains("invite an agent"));
    }
}
