//! One step of the sync stream and one page of history, translated.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use matrix_sdk::{
    Client,
    config::{SyncSettings, SyncToken as SdkToken},
    deserialized_responses::TimelineEvent,
    room::{IncludeRelations, MessagesOptions, RelationsOptions},
    ruma::{
        OwnedUserId, UInt,
        api::Direction,
        api::client::{
            filter::{FilterDefinition, LazyLoadOptions, create_filter},
            sync::sync_events::v3::{Filter, JoinedRoom, Request, Response},
        },
        events::relation::RelationType,
        presence::PresenceState,
        serde::Raw,
    },
    sync::{JoinedRoomUpdate, LeftRoomUpdate, State, SyncResponse},
};

use super::{
    client::ruma_user,
    failure,
    feed::{Reader, introduces, stirs},
    line::{Hears, Line},
    presence::ruma_event,
    translate::{departure, slip, state_change},
};
use crate::{
    matrix::{HistoryPage, Keys, MatrixError, Page, RoomPage, Slip, Unplaced, marks::Marks},
    model::{Change, Content, Departure, EventId, RoomId, SyncToken, UserId},
    observe,
};

/// How many events of one room a response may bring before the rest must be fetched.
const TIMELINE_EVENTS_MAX: u32 = 50;
/// How many events one page of history brings.
const HISTORY_EVENTS_MAX: u32 = 100;
/// Says who is typing.
const TYPING: &str = "m.typing";

/// Waits up to `wait` for news after `since`. The library takes in what concerns it; the rest we read by ourselves.
pub(super) async fn step(line: &Arc<Line>, since: Option<SyncToken>, wait: Duration) -> Result<Page, MatrixError> {
    match (reader(line).await, since) {
        (Reader::Us, Some(since)) => read(line, since, wait).await,
        (Reader::LibraryInTurn, since) => {
            let page = take_in(line, since, wait).await?;
            if !stirs(&page) {
                line.put_library_away().await;
            }
            Ok(page)
        }
        (Reader::Us | Reader::Library, since) => take_in(line, since, wait).await,
    }
}

/// One response, read by us; where the library must have it, it asks once more.
async fn read(line: &Arc<Line>, since: SyncToken, wait: Duration) -> Result<Page, MatrixError> {
    let response = look(line, &since, wait).await?;
    if !line.feed.must_have(&response) && !follows_any(line, &new_devices(line.user(), &response)).await? {
        return Ok(Page { keys: line.new_keys().await, ..seen(line.user(), response)? });
    }
    let page = take_in(line, Some(since), Duration::ZERO).await?;
    line.feed.note_keys(&response);
    Ok(page)
}

/// Who reads the next response.
async fn reader(line: &Line) -> Reader {
    match line.loaded().await {
        Some(library) if hears_ciphers(&library.client, &line.marks) => Reader::Library,
        Some(_) => line.feed.reader(),
        None => Reader::Us,
    }
}

/// Who may have new devices. Homeservers say so of everybody whom they introduce; that an account introduces itself with its
/// own words is no news.
fn new_devices(own: &UserId, response: &Response) -> Vec<OwnedUserId> {
    let introduced = response.rooms.join.values().any(|room| introduces(room, own));
    let is_news = |user: &&OwnedUserId| !(introduced && user.as_str() == own.as_str());
    response.device_lists.changed.iter().filter(is_news).cloned().collect()
}

/// Whether the library follows the devices of any of these users. Of others than those the library keeps nothing.
async fn follows_any(line: &Arc<Line>, users: &[OwnedUserId]) -> Result<bool, MatrixError> {
    if users.is_empty() {
        return Ok(false);
    }
    if line.loaded().await.is_none()
        && let Some(follows) = line.notes.follows_any(users)
    {
        return Ok(follows);
    }
    match &line.loaded_now().await?.devices {
        Some(devices) => Ok(devices.follows_any(users).await),
        None => Ok(true),
    }
}

/// Whether any of the account's rooms is encrypted. Most that it hears is the library's then, and asking twice would cost more
/// than a look spares.
fn hears_ciphers(client: &Client, marks: &Marks) -> bool {
    client.joined_rooms().iter().any(|room| {
        let marked = RoomId::parse(room.room_id().as_str()).is_ok_and(|room| marks.of(&room).encrypted);
        marked || room.encryption_state().is_encrypted()
    })
}

/// One response, past the library. The homeserver keeps what devices send to each other until it is shown a later position,
/// so a response that is the library's can be asked for again.
async fn look(line: &Arc<Line>, since: &SyncToken, wait: Duration) -> Result<Response, MatrixError> {
    let mut request = Request::new();
    request.filter = Some(named_filter(line).await?);
    request.since = Some(since.as_str().to_owned());
    request.set_presence = PresenceState::Offline;
    request.timeout = Some(wait);
    request.use_state_after = true;
    let response = line.ask_within(request, line.shared.request_timeout + wait).await;
    if matches!(response, Err(MatrixError::Refused { .. })) {
        // Should it be for the filter, the next step makes it anew.
        line.notes.forget_filters();
    }
    response
}

/// Our filter as the homeserver knows it by name: to read it anew would cost it as much as the rest of an answer.
async fn named_filter(line: &Arc<Line>) -> Result<Filter, MatrixError> {
    let filter = filter(line.hears());
    let content = serde_json::to_string(&filter).map_err(|error| MatrixError::Nonsense { cause: error.to_string() })?;
    if let Some(known) = line.notes.filter(&content) {
        return Ok(Filter::FilterId(known));
    }
    let asked = line.ask(create_filter::v3::Request::new(ruma_user(line.user())?, filter)).await?;
    line.notes.note_filter(content, asked.filter_id.clone());
    Ok(Filter::FilterId(asked.filter_id))
}

/// One response, through the library, which then asks the homeserver what it has to.
async fn take_in(line: &Arc<Line>, since: Option<SyncToken>, wait: Duration) -> Result<Page, MatrixError> {
    let filter = named_filter(line).await?;
    let library = line.loaded_now().await?;
    let settings = SyncSettings::new()
        .token(since.map_or(SdkToken::NoToken, |token| SdkToken::Specific(token.as_str().to_owned())))
        .filter(filter)
        .set_presence(PresenceState::Offline)
        .timeout(wait);
    let response = library.client.sync_once(settings).await.map_err(|error| failure::verb(&error))?;
    mark_renamed(&line.marks, &response);
    let page = page(line.user(), response)?;
    mark_all(&line.marks, &page);
    line.feed.fed(&page);
    Ok(Page { keys: library.new_keys(), ..page })
}

/// Fetches a piece of `room`'s past, newest first.
pub(super) async fn history(
    line: &Arc<Line>,
    room: RoomId,
    from: Option<String>,
    until: Option<SyncToken>,
) -> Result<HistoryPage, MatrixError> {
    let library = line.library().await?;
    let mut options = MessagesOptions::backward();
    options.from = from;
    options.to = until.map(|token| token.as_str().to_owned());
    options.limit = UInt::from(HISTORY_EVENTS_MAX);
    let messages = library.room(&room)?.messages(options).await.map_err(|error| failure::verb(&error))?;
    let slips = slips(line.user(), &room, &messages.chunk);
    slips.iter().filter_map(change_of).for_each(|change| mark(&line.marks, change));
    Ok(HistoryPage { slips, older: messages.end })
}

/// The account's own newest events in a thread or in the room, newest first.
pub(super) async fn own_events(
    line: &Arc<Line>,
    room: &RoomId,
    thread: Option<&EventId>,
) -> Result<Vec<Unplaced>, MatrixError> {
    let library = line.library().await?;
    let (own, handle) = (line.user(), library.room(room)?);
    let events = if let Some(thread) = thread {
        let options = RelationsOptions {
            dir: Direction::Backward,
            limit: Some(UInt::from(HISTORY_EVENTS_MAX)),
            include_relations: IncludeRelations::RelationsOfType(RelationType::Thread),
            ..RelationsOptions::default()
        };
        handle.relations(ruma_event(thread)?, options).await.map_err(|error| failure::verb(&error))?.chunk
    } else {
        let mut options = MessagesOptions::backward();
        options.limit = UInt::from(HISTORY_EVENTS_MAX);
        handle.messages(options).await.map_err(|error| failure::verb(&error))?.chunk
    };
    let own_and_clear = |slip| match slip {
        Slip::Event(event) if event.sender == *own && matches!(event.content, Content::Clear { .. }) => Some(event),
        Slip::Event(_) | Slip::Change(_) | Slip::OwnJoin | Slip::OwnLeave => None,
    };
    Ok(slips(own, room, &events).into_iter().filter_map(own_and_clear).collect())
}

/// Members are named as they speak, presence stays away, and so does typing unless it is heard. Rooms and senders are *not* filtered: that would
/// hide state, and with it the moment a room becomes encrypted.
fn filter(hears: Hears) -> FilterDefinition {
    let mut filter = FilterDefinition::with_lazy_loading();
    filter.presence.types = Some(Vec::new());
    filter.room.ephemeral.types = Some(match hears {
        Hears::Words => Vec::new(),
        Hears::TypingToo => vec![TYPING.to_owned()],
    });
    filter.room.timeline.limit = Some(UInt::from(TIMELINE_EVENTS_MAX));
    filter.room.timeline.lazy_load_options = LazyLoadOptions::Enabled { include_redundant_members: false };
    filter
}

fn page(own: &UserId, response: SyncResponse) -> Result<Page, MatrixError> {
    let token = token(response.next_batch)?;
    let (mut rooms, mut changes) = (Vec::new(), Vec::new());
    for (id, update) in response.rooms.joined {
        if let Ok(room) = RoomId::parse(id.as_str()) {
            rooms.push(joined(own, room, update));
        }
    }
    for (id, update) in response.rooms.left {
        if let Ok(room) = RoomId::parse(id.as_str()) {
            changes.push(left(own, room, &update));
        }
    }
    for (id, update) in response.rooms.invited {
        let by = update.invite_state.events.iter().find_map(|event| inviter(own, event));
        if let (Ok(room), Some((by, direct))) = (RoomId::parse(id.as_str()), by) {
            changes.push(Change::Invited { room, by, direct });
        }
    }
    Ok(Page { token, received_at: observe::now(), rooms, changes, keys: Keys::Of(BTreeSet::new()) })
}

/// What a response says in which nothing is the library's.
fn seen(own: &UserId, response: Response) -> Result<Page, MatrixError> {
    let token = token(response.next_batch)?;
    let mut rooms = Vec::new();
    for (id, update) in response.rooms.join {
        if let Ok(room) = RoomId::parse(id.as_str()) {
            rooms.push(seen_in(own, room, update));
        }
    }
    Ok(Page { token, received_at: observe::now(), rooms, changes: Vec::new(), keys: Keys::Of(BTreeSet::new()) })
}

fn seen_in(own: &UserId, room: RoomId, update: JoinedRoom) -> RoomPage {
    let events: Vec<TimelineEvent> = update.timeline.events.into_iter().map(TimelineEvent::from_plaintext).collect();
    let timeline = slips(own, &room, &events);
    let typing = update.ephemeral.events.iter().rev().find_map(typists);
    RoomPage { room, timeline, state: Vec::new(), gap: None, typing }
}

fn token(next_batch: String) -> Result<SyncToken, MatrixError> {
    SyncToken::parse(next_batch)
        .map_err(|_| MatrixError::Nonsense { cause: "a sync response without a position".to_owned() })
}

fn joined(own: &UserId, room: RoomId, update: JoinedRoomUpdate) -> RoomPage {
    let timeline = slips(own, &room, &update.timeline.events);
    let (State::Before(state) | State::After(state)) = update.state;
    let state = state.iter().filter_map(|event| state_change(own, &room, event)).collect();
    let gap = if update.timeline.limited { update.timeline.prev_batch } else { None };
    let typing = update.ephemeral.iter().rev().find_map(typists);
    RoomPage { room, timeline, state, gap, typing }
}

/// Who is typing, if an event says so.
fn typists<T>(event: &Raw<T>) -> Option<BTreeSet<UserId>> {
    let event: serde_json::Value = serde_json::from_str(event.json().get()).ok()?;
    let users = event["content"]["user_ids"].as_array().filter(|_| event["type"] == TYPING)?;
    Some(users.iter().filter_map(|user| UserId::parse(user.as_str()?).ok()).collect())
}

fn slips(own: &UserId, room: &RoomId, events: &[TimelineEvent]) -> Vec<Slip> {
    events.iter().filter_map(|event| slip(own, room, event)).collect()
}

fn left(own: &UserId, room: RoomId, update: &LeftRoomUpdate) -> Change {
    let (State::Before(state) | State::After(state)) = &update.state;
    let in_state = state.iter().filter_map(|event| departure(own, event));
    let in_timeline = update.timeline.events.iter().filter_map(|event| departure(own, event.raw()));
    match in_state.chain(in_timeline).last() {
        Some((by, how)) => Change::Departed { room, by: Some(by), how },
        None => Change::Departed { room, by: None, how: Departure::Left },
    }
}

/// Who invited us, and whether it is meant as a direct chat, from one event of an invitation.
fn inviter<T>(own: &UserId, event: &Raw<T>) -> Option<(UserId, bool)> {
    let event: serde_json::Value = serde_json::from_str(event.json().get()).ok()?;
    let own_invitation = event["type"] == "m.room.member"
        && event["state_key"] == own.as_str()
        && event["content"]["membership"] == "invite";
    if !own_invitation {
        return None;
    }
    let direct = event["content"]["is_direct"].as_bool().unwrap_or(false);
    Some((UserId::parse(event["sender"].as_str()?).ok()?, direct))
}

/// Notes in which rooms somebody may have another name than before: a new name alone is no change to anybody else.
fn mark_renamed(marks: &Marks, response: &SyncResponse) {
    for (id, update) in &response.rooms.joined {
        let renamed = update.timeline.limited || update.timeline.events.iter().any(is_membership);
        if let (true, Ok(room)) = (renamed, RoomId::parse(id.as_str())) {
            marks.names_changed(&room);
        }
    }
}

fn is_membership(event: &TimelineEvent) -> bool {
    event.raw().get_field::<String>("type").is_ok_and(|kind| kind.as_deref() == Some("m.room.member"))
}

/// Tells all other accounts what this one saw, before anything else happens with the page.
fn mark_all(marks: &Marks, page: &Page) {
    let in_rooms =
        page.rooms.iter().flat_map(|room| room.state.iter().chain(room.timeline.iter().filter_map(change_of)));
    in_rooms.chain(&page.changes).for_each(|change| mark(marks, change));
}

fn mark(marks: &Marks, change: &Change) {
    match change {
        Change::Encrypted { room } => marks.encrypted(room),
        Change::MembersChanged { room } | Change::Departed { room, .. } => marks.members_changed(room),
        Change::Invited { .. } | Change::Joined { .. } | Change::Missed { .. } | Change::Upgraded { .. } => {}
    }
}

fn change_of(slip: &Slip) -> Option<&Change> {
    match slip {
        Slip::Change(change) => Some(change),
        Slip::Event(_) | Slip::OwnJoin | Slip::OwnLeave => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn typing_is_heard_where_it_is_wanted() {
        let types = |hears: Hears| filter(hears).room.ephemeral.types;
        assert_eq!((types(Hears::Words), types(Hears::TypingToo)), (Some(vec![]), Some(vec![TYPING.to_owned()])));
        let check = |kind: &str, expected: Option<&[&str]>| {
            let event = json!({"type": kind, "content": {"user_ids": ["@b:s", "nobody", "@a:s"]}});
            let found = typists(&Raw::<serde_json::Value>::from_json_string(event.to_string()).unwrap());
            let expected = expected.map(|users| users.iter().map(|user| UserId::parse(*user).unwrap()).collect());
            assert_eq!(found, expected, "{kind}");
        };
        check("m.typing", Some(&["@a:s", "@b:s"]));
        check("m.receipt", None);
    }

    #[test]
    fn an_invitation_names_who_invites() {
        let own = UserId::parse("@me:s").unwrap();
        let event = |content: serde_json::Value, key: &str| {
            let event = json!({"type": "m.room.member", "sender": "@a:s", "state_key": key, "content": content});
            Raw::<serde_json::Value>::from_json_string(event.to_string()).unwrap()
        };
        let invite = json!({"membership": "invite", "is_direct": true});
        assert_eq!(inviter(&own, &event(invite.clone(), "@me:s")), Some((UserId::parse("@a:s").unwrap(), true)));
        assert_eq!(inviter(&own, &event(invite, "@b:s")), None);
        assert_eq!(inviter(&own, &event(json!({"membership": "join"}), "@me:s")), None);
    }
}
