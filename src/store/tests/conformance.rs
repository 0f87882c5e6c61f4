//! The suite that every adapter passes: each case is written once and run on both.

use super::{accounts, admission, commits, invites, rooms, stage::Stage};

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
    accounts:
        an_account_comes_back_as_it_was,
        an_account_may_know_little_at_first,
        a_newer_account_replaces_the_older,
        tokens_are_kept_before_they_are_used,
        a_recovery_key_leaves_newer_tokens_alone,
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
    invites:
        an_invitation_waits_until_it_is_settled,
        a_repeated_invitation_is_no_new_work,
        an_invitation_after_a_departure_is_new_work,
        an_invitation_by_somebody_else_is_new_work,
        joining_settles_the_invitation,
        a_withdrawn_invitation_is_gone,
        a_late_answer_misses_the_newer_invitation,
        a_deferred_invitation_says_when;
}
