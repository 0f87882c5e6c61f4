//! The suite that every adapter passes: each case is written once and run on both.

use super::{
    accounts, admission, commits, ears, invites, lookups, memos, messages, notices, outbox, retention, rooms,
    stage::Stage, turns,
};

macro_rules! conformance {
    ($($topic:ident: $($case:ident),+;)+) => {
        mod memory {
            $(mod $topic {
                $(#[tokio::test]
                async fn $case() {
                    let mut stage = super::super::Stage::memory();
                    super::super::$topic::$case(&mut stage).await;
                    stage.end().await;
                })+
            })+
        }
        mod file {
            $(mod $topic {
                $(#[tokio::test]
                async fn $case() {
                    let mut stage = super::super::Stage::file().await;
                    super::super::$topic::$case(&mut stage).await;
                    stage.end().await;
                })+
            })+
        }
    };
}

conformance! {
    commits:
        what_was_answered_outlives_a_crash,
        what_was_closed_opens_again,
        a_closed_store_says_so,
        many_at_once_are_all_kept,
        a_failing_job_is_undone_alone,
        what_nobody_waits_for_is_made_all_the_same;
    ears:
        an_ear_hears_its_room,
        a_late_ear_hears_at_least_once;
    accounts:
        an_account_comes_back_as_it_was,
        an_account_may_know_little_at_first,
        a_newer_account_replaces_the_older,
        tokens_are_kept_before_they_are_used,
        a_recovery_key_leaves_newer_tokens_alone,
        the_end_of_an_account_is_kept,
        there_are_no_tokens_without_an_account;
    admission:
        an_event_is_kept_once_whoever_brings_it,
        events_come_back_in_order_of_arrival,
        batches_are_admitted_whole_or_not_at_all,
        a_batch_without_a_token_leaves_the_position,
        a_sealed_event_is_replaced_in_its_place,
        a_readable_event_is_never_sealed_again,
        sealed_events_are_found_again_after_a_crash,
        live_wins_over_history,
        a_senders_clock_is_not_believed,
        a_gap_given_up_is_in_the_audit,
        counters_tell_what_a_count_would;
    rooms:
        a_room_behind_a_key_is_kept,
        a_room_that_was_made_stays_made_by_us,
        a_successor_takes_over,
        a_circle_of_successors_ends,
        an_upgrade_comes_up_once,
        encryption_is_never_undone,
        memberships_follow_the_stream,
        who_was_put_out_is_in_the_audit,
        a_welcome_stands_once,
        the_audit_shows_the_newest_first,
        facts_are_replaced;
    memos:
        a_fact_is_found_by_its_words,
        a_fact_is_found_where_it_belongs,
        the_same_is_kept_once,
        what_came_from_a_deleted_message_goes,
        what_is_deleted_meanwhile_is_not_kept,
        what_was_kept_of_a_deleted_answer_goes,
        a_summary_is_kept_until_what_it_covers_goes;
    invites:
        an_invitation_waits_until_it_is_settled,
        an_invitation_tells_of_a_direct_chat,
        a_repeated_invitation_is_no_new_work,
        an_invitation_after_a_departure_is_new_work,
        an_invitation_by_somebody_else_is_new_work,
        joining_settles_the_invitation,
        a_withdrawn_invitation_is_gone,
        a_late_answer_misses_the_newer_invitation,
        a_deferred_invitation_says_when;
    lookups:
        an_answer_is_found_by_the_beginning_of_its_id,
        failed_answers_are_told_newest_first,
        senders_of_sealed_messages_are_told,
        notices_on_sealed_messages_are_found;
    outbox:
        an_attempt_finds_what_went_before,
        a_letter_that_was_sent_is_a_part,
        leftovers_of_ended_turns_wait,
        a_given_up_turn_keeps_its_offer,
        leftovers_go_ahead_of_the_next_answer,
        the_newest_content_is_sent_once,
        the_outbox_forgets_what_is_settled;
    retention:
        what_is_settled_and_old_goes,
        what_is_not_settled_stays,
        a_living_thread_stays,
        a_deletion_is_kept_as_long_as_what_it_is_about,
        a_deleted_question_leaves_no_words_in_its_answers;
    notices:
        a_notice_waits_until_it_is_seen,
        a_new_wording_waits_until_it_is_seen,
        a_question_is_answered_once;
    turns:
        a_message_goes_to_a_responder_once,
        what_waits_comes_back_as_it_was,
        a_turn_answers_several_messages,
        a_message_is_taken_once,
        a_crash_leaves_a_turn_unfinished,
        an_ended_turn_is_finished,
        a_suspended_turn_is_unfinished,
        a_turn_is_given_again,
        what_was_taken_back_is_no_part_of_an_answer,
        what_waits_can_be_cancelled,
        deleted_messages_are_not_answered,
        a_withdrawn_question_is_not_gone_on_with,
        a_turn_can_be_forgotten,
        a_refusal_is_kept_with_its_notice,
        a_tool_call_is_kept_before_it_is_made;
    messages:
        what_came_in_is_due_until_it_is_settled,
        history_that_turns_out_live_is_due_again,
        a_message_that_becomes_readable_is_due,
        a_message_comes_back_as_it_was,
        the_newest_edit_of_the_sender_counts_in_any_order,
        a_deleted_message_has_no_words_in_any_order,
        a_deleted_edit_leaves_the_first_wording,
        a_thread_begins_with_its_root,
        an_answer_is_known_before_it_comes_back,
        an_answer_that_was_taken_back_is_not_known,
        a_reply_finds_its_thread_through_others,
        what_somebody_said_before_is_found,
        a_settlement_is_whole_or_nothing,
        a_decision_takes_the_place_of_an_earlier_one,
        decisions_come_newest_first_with_the_roots,
        a_setting_holds_for_its_place_alone;
}
