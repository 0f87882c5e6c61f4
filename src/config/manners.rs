//! How an entity talks: what it says itself, else what `defaults` says, else what is usual.

use std::time::Duration;

use super::{
    Handoff, Manners, Streaming, ThreadMode,
    compile::Compiler,
    fault::{Fault, VALUE},
    key_path::KeyPath,
    raw, raw_talk,
    values::Bounds,
};

const PLACEHOLDER_MIN: Duration = Duration::from_millis(100);
const PLACEHOLDER_MAX: Duration = Duration::from_mins(10);
/// More edits of one message than these are a burden to every client in the room.
const EDITS_MAX: u32 = 500;
const ROUTER_TIMEOUT: Bounds =
    Bounds { default: Duration::from_secs(8), allowed: Duration::from_millis(100)..=Duration::from_mins(2) };

/// How somebody talks, as typed.
#[derive(Default)]
pub(super) struct TypedManners<'a> {
    thread_mode: Option<raw_talk::ThreadMode>,
    streaming: Option<raw_talk::Streaming>,
    placeholder_after: Option<&'a str>,
    edits_max: Option<u64>,
    show_tool_calls: Option<bool>,
}

/// The same five keys stand in four sections.
macro_rules! typed_manners {
    ($($section:ident),*) => {
        $(impl raw::$section {
            pub(super) fn manners(&self) -> TypedManners<'_> {
                TypedManners {
                    thread_mode: self.thread_mode,
                    streaming: self.streaming,
                    placeholder_after: self.placeholder_after.as_deref(),
                    edits_max: self.edits_max,
                    show_tool_calls: self.show_tool_calls,
                }
            }
        })*
    };
}

typed_manners!(Agent, Team, Router, Defaults);

impl Compiler<'_> {
    /// How those talk who don't say otherwise.
    pub(super) fn default_manners(&mut self) -> Manners {
        let raw = &self.raw.defaults;
        let path = KeyPath::of(&["defaults"]);
        let mut typed = raw.manners();
        if let Some(seen) = raw.enable_streaming {
            let same = if seen { raw_talk::Streaming::Edits } else { raw_talk::Streaming::Final };
            if typed.streaming.is_some_and(|streaming| streaming != same) {
                let fault = Fault::value(&path.key("enable_streaming"), format!("{VALUE} contradicts `streaming`"));
                self.note(fault.hint("keep one of the two"));
            }
            typed.streaming = typed.streaming.or(Some(same));
        }
        // A direct chat is one conversation, unless somebody's own key says otherwise: `defaults` is about rooms.
        let usual = Manners::default();
        Manners { chat_mode: usual.chat_mode, ..self.manners(&typed, &path, &usual) }
    }

    /// How somebody talks whose keys stand under `path`.
    pub(super) fn manners(&mut self, typed: &TypedManners<'_>, path: &KeyPath, default: &Manners) -> Manners {
        let placeholder = Bounds { default: default.placeholder_after, allowed: PLACEHOLDER_MIN..=PLACEHOLDER_MAX };
        Manners {
            thread_mode: typed.thread_mode.map_or(default.thread_mode, thread_mode),
            chat_mode: typed.thread_mode.map_or(default.chat_mode, thread_mode),
            streaming: match typed.streaming {
                None => default.streaming,
                Some(raw_talk::Streaming::Edits) => Streaming::Edits,
                Some(raw_talk::Streaming::Final) => Streaming::Final,
            },
            placeholder_after: self.duration(typed.placeholder_after, &path.key("placeholder_after"), &placeholder),
            edits_max: self.number(typed.edits_max, &path.key("edits_max"), default.edits_max, 1..=EDITS_MAX),
            show_tool_calls: typed.show_tool_calls.unwrap_or(default.show_tool_calls),
        }
    }

    /// How long the router may take to pick.
    pub(super) fn router_timeout(&mut self) -> Duration {
        let path = KeyPath::of(&["router", "timeout"]);
        self.duration(self.raw.router.timeout.as_deref(), &path, &ROUTER_TIMEOUT)
    }
}

/// Where answers go.
pub(super) fn thread_mode(typed: raw_talk::ThreadMode) -> ThreadMode {
    match typed {
        raw_talk::ThreadMode::Thread => ThreadMode::Thread,
        raw_talk::ThreadMode::Room => ThreadMode::Room,
    }
}

/// How the router hands a message on.
pub(super) fn handoff(typed: Option<raw_talk::Handoff>) -> Handoff {
    match typed {
        None | Some(raw_talk::Handoff::Silent) => Handoff::Silent,
        Some(raw_talk::Handoff::Message) => Handoff::Message,
    }
}
