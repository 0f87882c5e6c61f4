//! What a line means that the person typed.

/// What the person wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Input {
    /// Nothing: the line is empty.
    Nothing,
    /// To say this in the current room.
    Say(String),
    /// To see the rooms.
    Rooms,
    /// To go to another room, by its number or its name.
    Join(String),
    /// To see who is in the current room.
    Who,
    /// To see how other clients get in.
    Access,
    /// To see what can be typed.
    Help,
    /// To leave.
    Quit,
    /// Something with a slash that nobody knows.
    Unknown(String),
}

/// Reads a line. What begins with a slash is for us; a second slash makes it a message again.
pub(super) fn input(line: &str) -> Input {
    let line = line.trim_end();
    let Some(command) = line.strip_prefix('/') else {
        return if line.trim().is_empty() { Input::Nothing } else { Input::Say(line.to_owned()) };
    };
    if command.starts_with('/') {
        return Input::Say(command.to_owned());
    }
    let (word, rest) = command.split_once(char::is_whitespace).unwrap_or((command, ""));
    let rest = rest.trim();
    let is_number = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
    match (word, rest) {
        ("rooms", "") => Input::Rooms,
        ("who", "") => Input::Who,
        ("access", "") => Input::Access,
        ("help", "") => Input::Help,
        ("quit" | "exit", "") => Input::Quit,
        ("join", room) if !room.is_empty() => Input::Join(room.to_owned()),
        (number, "") if is_number => Input::Join(number.to_owned()),
        _ => Input::Unknown(line.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_message_or_a_command() {
        let check = |line: &str, expected: Input| assert_eq!(input(line), expected, "{line:?}");
        let say = |text: &str| Input::Say(text.to_owned());
        let join = |room: &str| Input::Join(room.to_owned());
        let unknown = |line: &str| Input::Unknown(line.to_owned());
        check("", Input::Nothing);
        check("  \t\r\n", Input::Nothing);
        check("hello\r\n", say("hello"));
        check("  two spaces", say("  two spaces"));
        check("a /quit", say("a /quit"));
        check("//etc/passwd", say("/etc/passwd"));
        check("/rooms\n", Input::Rooms);
        check("/who ", Input::Who);
        check("/access", Input::Access);
        check("/help", Input::Help);
        check("/quit", Input::Quit);
        check("/exit", Input::Quit);
        check("/join 2", join("2"));
        check("/join  Work shop ", join("Work shop"));
        check("/2", join("2"));
        check("/join", unknown("/join"));
        check("/", unknown("/"));
        check("/dance now", unknown("/dance now"));
        check("/quit now", unknown("/quit now"));
        check("/2 3", unknown("/2 3"));
        check("/Ω", unknown("/Ω"));
    }
}
