//! MindRoom's settings that Maitre knows by name but doesn't have: they are ignored with a warning, never an error.

use std::collections::BTreeMap;

use super::{
    fault::Fault,
    key_path::KeyPath,
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
            "compaction",
            "compress_tool_results",
            "context_files",
            "delegate_to",
            "include_default_tools",
            "knowledge_bases",
            "learning",
            "learning_mode",
            "markdown",
            "max_tool_calls_from_history",
            "memory_backend",
            "memory_search",
            "num_history_messages",
            "num_history_runs",
            "private",
            "room_thread_modes",
            "show_tool_calls",
            "skills",
            "thread_mode",
            "tools",
            "worker_scope",
            "worker_tools",
        ],
    ),
    ("teams.*", &["compaction", "max_tool_calls_from_history", "num_history_messages", "num_history_runs"]),
    ("models.*", &["extra_kwargs"]),
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
            "enable_streaming",
            "learning",
            "learning_mode",
            "markdown",
            "max_preload_chars",
            "max_tool_calls_from_history",
            "num_history_messages",
            "num_history_runs",
            "show_stop_button",
            "show_tool_calls",
            "streaming",
            "thread_summary_first_threshold",
            "thread_summary_model",
            "thread_summary_subsequent_interval",
            "thread_summary_temperature",
            "tool_output_auto_save_threshold_bytes",
            "tools",
            "worker_grantable_credentials",
            "worker_scope",
            "worker_tools",
        ],
    ),
];

/// Takes the settings out of the tree that Maitre doesn't have, with one warning for each, however often it stands there.
pub(super) fn set_aside(root: &mut Node, faults: &mut Vec<Fault>) {
    for (pattern, keys) in UNSUPPORTED {
        let steps: Vec<&str> = pattern.split('.').filter(|step| !step.is_empty()).collect();
        let mut found = BTreeMap::new();
        take(root, &steps, keys, &mut found);
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

/// Takes `keys` out of every section that the steps lead to, and keeps where each stood first.
fn take(node: &mut Node, steps: &[&str], keys: &[&'static str], found: &mut BTreeMap<&'static str, Span>) {
    let Value::Map(entries) = &mut node.value else { return };
    for entry in entries {
        match steps.split_first() {
            Some((step, rest)) if *step == "*" || *step == &*entry.key => take(&mut entry.node, rest, keys, found),
            Some(_) => {}
            None => {
                if let Some(key) = keys.iter().find(|key| **key == &*entry.key) {
                    found.entry(key).or_insert(entry.key_span);
                    entry.node.value = Value::Gone;
                }
            }
        }
    }
}
