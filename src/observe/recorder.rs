//! The recorder behind the metrics: installed once, rendered for whoever asks.

use std::sync::OnceLock;

use metrics::{counter, gauge};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use super::{metric, process};
use crate::model::{Phase, Status};

/// Every phase, so that one without entities reads as zero rather than as its last figure.
const PHASES: [Phase; 5] = [Phase::Starting, Phase::Ready, Phase::BackingOff, Phase::Down, Phase::Stopped];

static INSTALLED: OnceLock<Option<PrometheusHandle>> = OnceLock::new();

/// What has been counted, for whoever wants to read it.
#[derive(Debug, Clone)]
pub struct Metrics(PrometheusHandle);

/// Somebody else records this process' metrics already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("another recorder of metrics is installed in this process")]
pub struct MetricsTaken;

/// Starts counting; facts emitted before are not counted. A second call gives the same figures.
///
/// Whoever starts it must [`tidy`](Metrics::tidy) now and then: without a reader, histograms would grow.
///
/// # Errors
/// [`MetricsTaken`] when a recorder is installed that isn't ours.
pub fn start_metrics() -> Result<Metrics, MetricsTaken> {
    let handle = INSTALLED.get_or_init(|| {
        let handle = builder().install_recorder().ok();
        if handle.is_some() {
            metric::describe();
        }
        handle
    });
    handle.clone().map(Metrics).ok_or(MetricsTaken)
}

/// The recorder's settings.
pub(super) fn builder() -> PrometheusBuilder {
    PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Full(metric::TURN_SECONDS.to_owned()), metric::TURN_BUCKETS)
        .and_then(|builder| {
            builder
                .set_buckets_for_metric(Matcher::Full(metric::ADMISSION_SECONDS.to_owned()), metric::ADMISSION_BUCKETS)
        })
        .expect("there are buckets")
}

impl Metrics {
    /// The text that Prometheus reads, with `status` as the source of what is rather than what was counted.
    #[must_use]
    pub fn render(&self, status: &Status) -> String {
        set_gauges(status);
        self.0.render()
    }

    /// Folds what was recorded into its final form, which bounds its size.
    pub fn tidy(&self) {
        self.0.run_upkeep();
    }
}

#[expect(clippy::cast_precision_loss, reason = "gauges are floats; figures of this size lose nothing that matters")]
fn set_gauges(status: &Status) {
    gauge!(metric::BUILD_INFO, "version" => status.version.clone()).set(1.0);
    gauge!(metric::START_TIME).set(status.started_at.0 as f64 / 1000.0);
    gauge!(metric::READY).set(f64::from(u8::from(status.ready)));
    for phase in PHASES {
        let number = status.entities.iter().filter(|entity| entity.phase == phase).count();
        gauge!(metric::ENTITIES, "phase" => phase.as_str()).set(number as f64);
    }
    for entity in &status.entities {
        let name = entity.name.to_string();
        if let Some(synced_at) = entity.synced_at {
            let age = super::now().since(synced_at);
            gauge!(metric::SYNC_AGE, "entity" => name.clone()).set(age.as_secs_f64());
        }
        counter!(metric::RESTARTS, "entity" => name).absolute(entity.restarts);
    }
    let troubled = status.rooms.iter().filter(|room| room.trouble.is_some()).count();
    gauge!(metric::ROOMS_TROUBLED).set(troubled as f64);
    let counts = status.counts;
    for (kind, number) in
        [("live", counts.live), ("history", counts.history), ("sealed", counts.sealed), ("healed", counts.healed)]
    {
        gauge!(metric::JOURNAL_EVENTS, "kind" => kind).set(number as f64);
    }
    if let Some(bytes) = process::resident_bytes() {
        gauge!(metric::RESIDENT_BYTES).set(bytes as f64);
    }
    if let Some(number) = process::open_fds() {
        gauge!(metric::OPEN_FDS).set(number as f64);
    }
    if let Some(number) = process::tasks() {
        gauge!(metric::TASKS).set(number as f64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Counts, EntityKind, EntityName, EntityStatus, Millis, RoomStatus};

    fn status() -> Status {
        let entity = |name: &str, phase, restarts, synced_at| EntityStatus {
            name: EntityName::parse(name).unwrap(),
            kind: EntityKind::Agent,
            user: None,
            phase,
            reason: None,
            restarts,
            next_try_at: None,
            synced_at,
        };
        Status {
            version: "1.2.3".to_owned(),
            started_at: Millis(1_700_000_000_500),
            taken_at: Millis(1_700_000_001_000),
            homeserver: "http://localhost".to_owned(),
            ready: false,
            doing: "running".to_owned(),
            entities: vec![
                entity("ada", Phase::Ready, 3, Some(super::super::now())),
                entity("bob", Phase::Down, 0, None),
            ],
            rooms: vec![RoomStatus { key: "lobby".to_owned(), room: None, trouble: Some("gone".to_owned()) }],
            counts: Counts { live: 7, history: 5, sealed: 2, healed: 1, rooms: 1 },
            parked: crate::model::Parked::default(),
            reloads: Vec::new(),
        }
    }

    #[test]
    fn what_is_shown_follows_the_status() {
        let recorder = builder().build_recorder();
        let text = metrics::with_local_recorder(&recorder, || {
            metric::describe();
            Metrics(recorder.handle()).render(&status())
        });
        for line in [
            "maitre_build_info{version=\"1.2.3\"} 1",
            "process_start_time_seconds 1700000000.5",
            "maitre_ready 0",
            "maitre_entities{phase=\"ready\"} 1",
            "maitre_entities{phase=\"down\"} 1",
            "maitre_entities{phase=\"starting\"} 0",
            "maitre_entity_restarts_total{entity=\"ada\"} 3",
            "maitre_rooms_troubled 1",
            "maitre_journal_events{kind=\"sealed\"} 2",
            "# TYPE maitre_entities gauge",
            "# HELP maitre_entities Entities by phase.",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is missing in:\n{text}");
        }
        assert!(text.contains("maitre_sync_age_seconds{entity=\"ada\"}"), "{text}");
        assert!(!text.contains("maitre_sync_age_seconds{entity=\"bob\"}"), "it never synced");
    }
}
