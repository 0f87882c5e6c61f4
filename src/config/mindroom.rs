//! MindRoom's settings that Maitre knows by name but doesn't have: they are ignored with a warning, never an error.

use std::collections::BTreeMap;

use super::{
    fault::Fault,
    key_path::KeyPath,
    mindroom_tools::set_tools_aside,
    node::{Node, Span, Value},
};

/// The settings, by path; `*` stands for any key.
const UNSUPPORTED: &[(&str, &[&str])] = &[
    (
        "",
        &[
            "calls",
            "cultures",
            "debug",
            "event_journal",
            "external_trigger_policy",
            "knowledge_bases",
            "matrix_sync",
            "mcp_servers",
            "memory",
            "plugins",
            "prompts",
            "room_thread_summary_models",
            "tool_approval",
            "voice",
        ],
    ),
    (
        "agents.*",
        &[
            "allow_self_config",
            "boot_file",
            "bootstrap_file",
            "compaction",
            "compress_tool_results",
            "context_files",
            "delegate_to",
            "enable_session_summaries",
            "knowledge_bases",
            "learning",
            "learning_mode",
            "markdown",
            "max_tool_calls_from_history",
            "memory_backend",
            "memory_file_path",
            "memory_search",
            "num_history_messages",
            "num_history_runs",
            "private",
            "room_thread_modes",
            "sandbox_tools",
            "startup_thread_prewarm",
            "worker_scope",
            "worker_tools",
        ],
    ),
    ("teams.*", &["compaction", "max_tool_calls_from_history", "num_history_messages", "num_history_runs"]),
    ("models.*", &["api", "display_name", "extra_kwargs", "icon"]),
    ("router", &["judgment"]),
    ("authorization", &["config_command_enabled"]),
    ("authorization.agent_reply_permissions.*", &["joined_rooms"]),
    (
        "matrix_room_access",
        &[
            "invite_only_rooms",
            "mode",
            "multi_user_join_rule",
            "publish_to_room_directory",
            "reconcile_existing_rooms",
            "room_admins",
        ],
    ),
    (
        "defaults",
        &[
            "allow_self_config",
            "auto_resume_after_restart",
            "coalescing",
            "compaction",
            "compress_tool_results",
            "file_access",
            "large_message_strategy",
            "learning",
            "learning_mode",
            "markdown",
            "max_preload_chars",
            "max_tool_calls_from_history",
            "max_tool_calls_per_turn",
            "num_history_messages",
            "num_history_runs",
            "show_stop_button",
            "thread_summary_first_threshold",
            "thread_summary_model",
            "thread_summary_subsequent_interval",
            "thread_summary_temperature",
            "tool_output_auto_save_threshold_bytes",
            "worker_grantable_credentials",
            "worker_scope",
            "worker_tools",
        ],
    ),
];

/// Settings that are a section in MindRoom, and something else here.
const SECTIONS: &[(&str, &[&str])] = &[("defaults", &["streaming"])];

/// Takes the settings out of the tree that Maitre doesn't have, with one warning for each, however often it stands there.
pub(super) fn set_aside(root: &mut Node, faults: &mut Vec<Fault>) {
    set_all_aside(root, UNSUPPORTED, |_| true, faults);
    set_all_aside(root, SECTIONS, |value| matches!(value, Value::Map(_)), faults);
    set_tools_aside(root, faults);
}

fn set_all_aside(
    root: &mut Node,
    table: &[(&str, &[&'static str])],
    fits: fn(&Value) -> bool,
    faults: &mut Vec<Fault>,
) {
    for (pattern, keys) in table {
        let steps: Vec<&str> = pattern.split('.').filter(|step| !step.is_empty()).collect();
        let mut found = BTreeMap::new();
        take(root, &steps, &Wanted { keys, fits }, &mut found);
        for (key, span) in found {
            let fault = Fault::at(
                span,
                &KeyPath::of(&steps).key(key),
                "this MindRoom setting has no effect here, at least not yet",
            );
            faults.push(fault.hint("it may stay; Maitre ignores it").warning());
        }
    }
}

/// What is taken out of a section.
struct Wanted<'a> {
    keys: &'a [&'static str],
    fits: fn(&Value) -> bool,
}

/// Takes what is wanted out of every section that the steps lead to, and keeps where each stood first.
fn take(node: &mut Node, steps: &[&str], wanted: &Wanted<'_>, found: &mut BTreeMap<&'static str, Span>) {
    let Value::Map(entries) = &mut node.value else { return };
    for entry in entries {
        match steps.split_first() {
            Some((step, rest)) if *step == "*" || *step == &*entry.key => take(&mut entry.node, rest, wanted, found),
            Some(_) => {}
            None => {
                let key = wanted.keys.iter().find(|key| **key == &*entry.key);
                if let Some(key) = key.filter(|_| (wanted.fits)(&entry.node.value)) {
                    found.entry(key).or_insert(entry.key_span);
                    entry.node.value = Value::Gone;
                }
            }
        }
    }
}
