//! The screen as it is drawn: what is there, and where.

use ratatui::{
    Frame,
    layout::{Constraint, Layout, Margin, Position, Rect},
    style::{Color, Modifier, Style},
    text::{Line, Span},
    widgets::{Block, Borders, Clear, Paragraph},
};

use super::{
    rows::wrap,
    state::{Overlay, Screen},
};
use crate::cli::demo::room::Room;

/// How wide the list of rooms and people is.
const ROOMS_WIDTH: u16 = 24;
/// From how many columns on there is one.
const WITH_ROOMS_FROM: u16 = 64;
/// How much the frame of what is shown over everything takes, in each direction.
const OVERLAY_FRAME: u16 = 4;
/// Stands before what is typed.
const PROMPT: &str = "> ";
const HINT: &str = "/help · Tab: names, rooms · ↑↓ select · Ctrl-S 🛑 · Ctrl-Y ✅ · Ctrl-C leave";

/// Where everything stands.
pub(super) struct Areas {
    rooms: Rect,
    title: Rect,
    pub(super) messages: Rect,
    typing: Rect,
    line: Rect,
    hint: Rect,
}

/// Where everything stands on a screen of this size.
pub(super) fn areas((columns, lines): (u16, u16)) -> Areas {
    let whole = Rect::new(0, 0, columns, lines);
    let rooms_width = if columns < WITH_ROOMS_FROM { 0 } else { ROOMS_WIDTH };
    let [body, line, hint] =
        Layout::vertical([Constraint::Min(3), Constraint::Length(2), Constraint::Length(1)]).areas(whole);
    let [rooms, room] = Layout::horizontal([Constraint::Length(rooms_width), Constraint::Min(1)]).areas(body);
    let [title, messages, typing] =
        Layout::vertical([Constraint::Length(1), Constraint::Min(1), Constraint::Length(1)]).areas(room);
    Areas { rooms, title, messages, typing, line, hint }
}

/// Draws everything.
pub(super) fn draw(frame: &mut Frame<'_>, screen: &Screen) {
    let size = frame.area();
    let areas = areas((size.width, size.height));
    draw_rooms(frame, screen, areas.rooms);
    draw_room(frame, screen, &areas);
    draw_line(frame, screen, areas.line);
    let note = screen.note.as_deref().map(|note| Span::styled(note.replace('\n', " "), Style::new().fg(Color::Yellow)));
    frame.render_widget(Line::from(note.unwrap_or_else(|| Span::styled(HINT, dim()))), areas.hint);
    if let Some(overlay) = &screen.overlay {
        draw_overlay(frame, overlay, size);
    }
}

fn draw_rooms(frame: &mut Frame<'_>, screen: &Screen, area: Rect) {
    if area.width == 0 {
        return;
    }
    let here = screen.hall.here();
    let mut lines = vec![Line::styled("Rooms", bold())];
    for (index, room) in screen.hall.rooms().iter().enumerate() {
        let is_here = here.is_some_and(|here| here.id == room.id);
        let mark = if is_here { "›" } else { " " };
        let mut spans = vec![Span::styled(
            format!("{mark}{} {}", index + 1, room.name),
            if is_here || room.unread > 0 { bold() } else { Style::new() },
        )];
        if room.unread > 0 {
            spans.push(Span::styled(format!(" ● {}", room.unread), Style::new().fg(Color::Yellow)));
        }
        lines.push(Line::from(spans));
    }
    lines.push(Line::default());
    lines.push(Line::styled("Here", bold()));
    let mut names: Vec<String> =
        here.into_iter().flat_map(|room| room.members.keys().map(|user| room.name_of(user))).collect();
    names.sort_by_key(|name| name.to_lowercase());
    lines.extend(names.into_iter().map(|name| Line::raw(format!("  {name}"))));
    frame.render_widget(Paragraph::new(lines).block(Block::new().borders(Borders::RIGHT).border_style(dim())), area);
}

fn draw_room(frame: &mut Frame<'_>, screen: &Screen, areas: &Areas) {
    let title = screen.hall.here().map_or("You are in no room", |room| room.name.as_str());
    frame.render_widget(Line::styled(format!(" {title}"), bold().add_modifier(Modifier::REVERSED)), areas.title);
    let window = screen.window();
    let shown = window.rows.into_iter().skip(window.start).take(window.height);
    frame.render_widget(Paragraph::new(shown.map(|row| row.line).collect::<Vec<_>>()), areas.messages);
    let typing = screen.hall.here().map(typing).unwrap_or_default();
    frame.render_widget(Line::styled(format!("  {typing}"), dim()), areas.typing);
}

/// Who is typing, in words.
fn typing(room: &Room) -> String {
    let names: Vec<String> = room.typing.iter().map(|user| room.name_of(user)).collect();
    match names.as_slice() {
        [] => String::new(),
        [one] => format!("{one} is typing…"),
        [one, other] => format!("{one} and {other} are typing…"),
        [one, rest @ ..] => format!("{one} and {} others are typing…", rest.len()),
    }
}

fn draw_line(frame: &mut Frame<'_>, screen: &Screen, area: Rect) {
    let [above, below] = Layout::vertical([Constraint::Length(1), Constraint::Length(1)]).areas(area);
    frame.render_widget(Block::new().borders(Borders::TOP).border_style(dim()).title(purpose(screen)), above);
    let one_line = |text: &str| text.replace('\n', "⏎");
    let (text, before) = (one_line(screen.line.text()), one_line(screen.line.before()));
    let width = usize::from(below.width).saturating_sub(PROMPT.len() + 1).max(1);
    // The part of the line that holds the cursor, as a page of a book.
    let pages = wrap(&before.replace(' ', "\u{a0}"), width, width);
    let skipped: usize = pages.iter().rev().skip(1).map(|page| page.chars().count()).sum();
    let column = pages.last().map_or(0, |page| Span::raw(page.as_str()).width());
    let shown: String = text.chars().skip(skipped).collect();
    frame.render_widget(Line::from(vec![Span::styled(PROMPT, bold()), Span::raw(shown)]), below);
    let x = u16::try_from(PROMPT.len() + column).unwrap_or(u16::MAX);
    frame.set_cursor_position(Position::new(below.x.saturating_add(x).min(below.right().saturating_sub(1)), below.y));
}

/// What will become of what is typed, where that isn't a new message in the room.
fn purpose(screen: &Screen) -> String {
    if screen.editing.is_some() {
        return " changing your message · Esc leaves it ".to_owned();
    }
    let selected = screen.selected.as_ref().and_then(|event| screen.hall.here()?.message(event));
    match selected {
        Some(_) => " in the thread of the selected message · Esc: in the room ".to_owned(),
        None => String::new(),
    }
}

fn draw_overlay(frame: &mut Frame<'_>, overlay: &Overlay, whole: Rect) {
    let inside = usize::from(whole.width.saturating_sub(OVERLAY_FRAME)).max(1);
    let lines = wrap(overlay.text.trim(), inside, inside);
    let width = lines.iter().map(|line| Span::raw(line.as_str()).width()).max().unwrap_or_default();
    let framed = |length: usize| u16::try_from(length).unwrap_or(u16::MAX).saturating_add(OVERLAY_FRAME);
    let area = whole.centered(Constraint::Max(framed(width)), Constraint::Max(framed(lines.len())));
    let block = Block::bordered().title(format!(" {} ", overlay.title)).title_bottom(" any key ");
    frame.render_widget(Clear, area);
    frame.render_widget(block, area);
    let text: Vec<Line<'_>> = lines.into_iter().map(Line::raw).collect();
    frame.render_widget(Paragraph::new(text), area.inner(Margin::new(2, 2)));
}

fn bold() -> Style {
    Style::new().add_modifier(Modifier::BOLD)
}

fn dim() -> Style {
    Style::new().add_modifier(Modifier::DIM)
}
