//! The metrics: one name and one line of help each.

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};

pub(super) const ENTITY_TRANSITIONS: &str = "maitre_entity_transitions_total";
pub(super) const ACCOUNTS_DEACTIVATED: &str = "maitre_accounts_deactivated_total";
pub(super) const ACCOUNTS_REGISTERED: &str = "maitre_accounts_registered_total";
pub(super) const TOKENS_REFRESHED: &str = "maitre_tokens_refreshed_total";
pub(super) const SYNC_FAILURES: &str = "maitre_sync_failures_total";
pub(super) const BATCHES_ADMITTED: &str = "maitre_batches_admitted_total";
pub(super) const EVENTS_ADMITTED: &str = "maitre_events_admitted_total";
pub(super) const ADMISSION_SECONDS: &str = "maitre_admission_seconds";
pub(super) const TURNS: &str = "maitre_turns_total";
pub(super) const TURN_SECONDS: &str = "maitre_turn_seconds";
pub(super) const ADMISSION_FAILURES: &str = "maitre_admission_failures_total";
pub(super) const IDENTITIES_FOREIGN: &str = "maitre_identities_foreign_total";
pub(super) const GAPS: &str = "maitre_gaps_total";
pub(super) const EVENTS_SEALED: &str = "maitre_events_sealed_total";
pub(super) const ROOM_ACTIONS: &str = "maitre_room_actions_total";
pub(super) const DEPARTURES: &str = "maitre_departures_total";
pub(super) const INVITES: &str = "maitre_invites_total";
pub(super) const PLAINTEXT_REFUSED: &str = "maitre_plaintext_refused_total";
pub(super) const TASK_DEATHS: &str = "maitre_task_deaths_total";
pub(super) const CONFIG_LOADS: &str = "maitre_config_loads_total";
pub(super) const CONFIG_RELOADS: &str = "maitre_config_reloads_total";
pub(super) const CONFIG_WARNINGS: &str = "maitre_config_warnings_total";
pub(super) const ANSWERS_FAILED: &str = "maitre_answers_failed_total";
pub(super) const TOOLS_USED: &str = "maitre_tools_used_total";
pub(super) const SKILLS_READ: &str = "maitre_skills_read_total";
pub(super) const DELIVERY_TROUBLES: &str = "maitre_delivery_troubles_total";
pub(super) const OUTBOX_FAILURES: &str = "maitre_outbox_failures_total";
pub(super) const MODEL_TROUBLES: &str = "maitre_model_troubles_total";
pub(super) const LANE_TROUBLES: &str = "maitre_lane_troubles_total";
pub(super) const MESSAGES_DECIDED: &str = "maitre_messages_decided_total";
pub(super) const DESK_TROUBLES: &str = "maitre_desk_troubles_total";
pub(super) const MESSAGES_ROUTED: &str = "maitre_messages_routed_total";
pub(super) const ROUTING_FAILURES: &str = "maitre_routing_failures_total";
pub(super) const TEAM_TROUBLES: &str = "maitre_team_troubles_total";
pub(super) const RESTARTS: &str = "maitre_entity_restarts_total";

pub(super) const HOMESERVER_UP: &str = "maitre_homeserver_up";
pub(super) const READY: &str = "maitre_ready";
pub(super) const ENTITIES: &str = "maitre_entities";
pub(super) const SYNC_AGE: &str = "maitre_sync_age_seconds";
pub(super) const ROOMS_TROUBLED: &str = "maitre_rooms_troubled";
pub(super) const JOURNAL_EVENTS: &str = "maitre_journal_events";
pub(super) const BUILD_INFO: &str = "maitre_build_info";
pub(super) const START_TIME: &str = "process_start_time_seconds";
pub(super) const RESIDENT_BYTES: &str = "process_resident_memory_bytes";
pub(super) const OPEN_FDS: &str = "process_open_fds";
pub(super) const TASKS: &str = "maitre_tasks";
pub(super) const LANES: &str = "maitre_lanes";

/// Upper bounds of the buckets for answers, in seconds.
pub(super) const TURN_BUCKETS: &[f64] = &[0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0];
/// Upper bounds of the admission histogram's buckets, in seconds.
pub(super) const ADMISSION_BUCKETS: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];

const COUNTERS: &[(&str, &str)] = &[
    (ENTITY_TRANSITIONS, "How often an entity came to a phase."),
    (ACCOUNTS_DEACTIVATED, "Accounts deactivated for good on the homeserver."),
    (ACCOUNTS_REGISTERED, "Accounts made on the homeserver."),
    (TOKENS_REFRESHED, "Pairs of tokens exchanged for new ones."),
    (SYNC_FAILURES, "Sync steps that failed, and loops that stalled."),
    (ADMISSION_FAILURES, "Batches that could not be written down; their loops bring them again."),
    (IDENTITIES_FOREIGN, "Accounts whose key backup was made by another client."),
    (BATCHES_ADMITTED, "Steps of sync streams that are in the store."),
    (EVENTS_ADMITTED, "Events admitted: fresh, known already, or healed."),
    (GAPS, "Gaps in timelines, closed or given up."),
    (EVENTS_SEALED, "Events that could not be read when they came."),
    (ROOM_ACTIONS, "What was done to rooms."),
    (DEPARTURES, "Memberships that ended."),
    (INVITES, "Invites accepted, declined or tried again."),
    (PLAINTEXT_REFUSED, "Messages held back because they would have gone unencrypted into an encrypted room."),
    (TASK_DEATHS, "Tasks that ended when they should not have."),
    (CONFIG_LOADS, "Configurations taken into use."),
    (CONFIG_RELOADS, "How often the configuration's files changed, by what became of it."),
    (CONFIG_WARNINGS, "Warnings that configurations gave."),
    (ANSWERS_FAILED, "Answers that could not be given; people were told why."),
    (TOOLS_USED, "Tools that agents used."),
    (SKILLS_READ, "Skills of agents that were read from the disk: once for each change."),
    (DELIVERY_TROUBLES, "Messages that were sent again or given up."),
    (OUTBOX_FAILURES, "Messages whose sending could not be written down."),
    (MODEL_TROUBLES, "Models that were asked again, replaced or left alone for a while."),
    (TURNS, "Answers that ended, by how."),
    (LANE_TROUBLES, "Messages refused because too many waited, and turns that could not be written down."),
    (MESSAGES_DECIDED, "Messages about which it was decided who answers, by rule."),
    (DESK_TROUBLES, "Decisions that had to be written down again, and events that were put aside."),
    (MESSAGES_ROUTED, "Messages whose responder was chosen, by the model, by their words, or by the person."),
    (ROUTING_FAILURES, "How often the model that picks a responder did not."),
    (TEAM_TROUBLES, "Plans and joined answers of teams that failed; what members did was delivered."),
    (RESTARTS, "How often an entity's sync loop was restarted."),
];

const GAUGES: &[(&str, Option<Unit>, &str)] = &[
    (HOMESERVER_UP, None, "Whether the homeserver answers."),
    (READY, None, "Whether everything that is configured is up."),
    (ENTITIES, None, "Entities by phase."),
    (SYNC_AGE, Some(Unit::Seconds), "Time since an entity's sync loop last made progress."),
    (ROOMS_TROUBLED, None, "Managed rooms that aren't as the configuration wants them."),
    (JOURNAL_EVENTS, None, "Events in the journal."),
    (BUILD_INFO, None, "The program's version."),
    (START_TIME, Some(Unit::Seconds), "When this process started, in seconds since 1970."),
    (RESIDENT_BYTES, Some(Unit::Bytes), "Memory in use."),
    (OPEN_FDS, None, "Open file descriptors."),
    (TASKS, None, "Tasks that have not ended."),
    (LANES, None, "Conversations that are kept in mind, one for each responder in it."),
];

/// Tells the recorder what each metric means.
pub(super) fn describe() {
    for (name, help) in COUNTERS {
        describe_counter!(*name, *help);
    }
    for (name, unit, help) in GAUGES {
        match unit {
            Some(unit) => describe_gauge!(*name, *unit, *help),
            None => describe_gauge!(*name, *help),
        }
    }
    describe_histogram!(TURN_SECONDS, Unit::Seconds, "How long an answer took, from its order to its last word.");
    describe_histogram!(ADMISSION_SECONDS, Unit::Seconds, "How long a batch waited for the store.");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_conventions_of_prometheus() {
        let plain = |name: &str| name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        for (name, help) in COUNTERS {
            assert!(plain(name) && name.starts_with("maitre_") && name.ends_with("_total"), "{name}");
            assert!(help.ends_with('.'), "{name}");
        }
        for (name, _, help) in GAUGES {
            assert!(plain(name) && !name.ends_with("_total"), "{name}");
            assert!(help.ends_with('.'), "{name}");
        }
    }
}
