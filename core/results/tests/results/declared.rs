//! The analysis plan in `study.lock`: written before the first training, and whatever is changed
//! after that is told with the verdicts that it touches.

use crate::support::{ALL, QUICK, libtorch, plugins, pretend};
use jackpot_results::{PlanChanges, plan_changes};
use jackpot_store::Store;
use jackpot_study::{DeclaredAnalysis, LOCK, Lock, LockEntry, Plan, Study, declare, plan};
use std::path::PathBuf;

/// A study's folder beside a store.
struct Place {
    folder: tempfile::TempDir,
    store: Store,
}

impl Place {
    fn new() -> Place {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::create(&folder.path().join("store")).unwrap();
        std::fs::create_dir(folder.path().join("quick")).unwrap();
        Place { folder, store }
    }

    fn study(&self) -> PathBuf {
        self.folder.path().join("quick")
    }

    /// What the shipped study plans with these seeds and this `[analysis]`.
    fn plan(&self, seeds: &str, analysis: &str) -> Plan {
        let text = QUICK.replacen("seeds = [1, 2, 3]", &format!("seeds = {seeds}"), 1);
        let text = format!("{text}\n[analysis]\n{analysis}\n");
        std::fs::write(self.study().join("study.toml"), text).unwrap();
        plan(Study::load(&self.study()).unwrap(), plugins(1), libtorch()).unwrap()
    }

    fn declare(&self, plan: &Plan) -> Option<DeclaredAnalysis> {
        declare(plan, &self.store).unwrap()
    }

    /// As if every action of it had been run.
    fn run(&self, plan: &Plan) {
        while pretend(plan, &self.store, ALL) > 0 {}
    }

    fn lock(&self) -> Lock {
        Lock::read(&self.study()).unwrap().unwrap()
    }

    /// What a report of this plan says of how it came to be.
    fn changes(&self, plan: &Plan) -> PlanChanges {
        let study = &plan.study;
        plan_changes(&self.lock().analysis, &study.analysis, &study.seeds).unwrap()
    }

    /// As if a report had been drawn.
    fn report(&self) {
        let mut lock = self.lock();
        let digest = jackpot_store::Digest::of(b"");
        lock.output.push(LockEntry {
            path: "README.md".into(),
            inputs: digest,
            sha256: digest,
        });
        lock.write(&self.study()).unwrap();
    }
}

#[test]
fn the_plan_is_written_once_before_the_first_training() {
    let place = Place::new();
    let plan = place.plan("[1, 2, 3]", "");
    let declared = place.declare(&plan).unwrap();
    assert_eq!((declared.done, declared.seen), (0, false));
    assert_eq!(declared.of, 75, "{declared:?}");
    assert_eq!(declared.seeds, [1, 2, 3]);
    assert_eq!(declared.when(), "before the first training");
    // Anybody can hash it, and it is what the study's analysis says.
    let digest = jackpot_store::Digest::of(declared.plan.as_bytes()).to_string();
    assert_eq!(digest, declared.sha256);
    assert_eq!(declared.plan, plan.study.analysis.to_json().unwrap());
    assert_eq!(place.lock().analysis, [declared]);

    // The same plan again, before and after trainings, writes nothing.
    let before = std::fs::read(place.study().join(LOCK)).unwrap();
    assert_eq!(place.declare(&plan), None);
    place.run(&plan);
    assert_eq!(place.declare(&plan), None);
    assert_eq!(std::fs::read(place.study().join(LOCK)).unwrap(), before);
    let changes = place.changes(&plan);
    assert!(
        changes.is_declared && changes.changes.is_empty(),
        "{changes:?}"
    );
}

#[test]
fn a_change_before_the_first_training_is_none_and_one_after_it_is_told() {
    let place = Place::new();
    place.declare(&place.plan("[1, 2, 3]", "")).unwrap();
    let narrow = place.plan("[1, 2, 3]", "margin = 0.25");
    // Not recorded yet: the report says so.
    let changes = place.changes(&narrow);
    assert!(!changes.is_declared);
    assert!(
        changes.changes[0]
            .what
            .contains("another analysis than was declared")
    );
    assert_eq!(place.declare(&narrow).unwrap().done, 0);
    assert!(place.changes(&narrow).changes.is_empty());

    place.run(&narrow);
    place.report();
    let wide = place.plan("[1, 2, 3]", "margin = 1");
    let declared = place.declare(&wide).unwrap();
    assert_eq!((declared.done, declared.seen), (declared.of, true));
    assert_eq!(place.lock().analysis.len(), 3);
    let changes = place.changes(&wide);
    assert!(changes.is_declared);
    assert_eq!(changes.first.as_ref().unwrap().done, 0);
    let [change] = changes.changes.as_slice() else {
        panic!("{changes:?}");
    };
    for words in [
        "the analysis plan was changed when",
        "trainings were done and a report had been drawn",
        "margin of accuracy: 0.25 → 1",
    ] {
        assert!(change.what.contains(words), "`{words}`: {}", change.what);
    }
    // A margin touches every verdict.
    for contrast in &wide.study.analysis.contrasts {
        assert_eq!(changes.touching(contrast), [1]);
    }
}

#[test]
fn every_rule_that_changes_is_named() {
    let place = Place::new();
    let first = place.plan("[1, 2, 3]", "looks = [3, 5]");
    place.declare(&first).unwrap();
    place.run(&first);
    let last = place.plan(
        "[1, 2, 3]",
        "looks = [3, 10]\nspending = \"pocock\"\nvariance = \"pooled\"\ncollapsed = \"excluded\"\nloss_margin = 0.1",
    );
    place.declare(&last).unwrap();
    let what = &place.changes(&last).changes[0].what;
    for words in [
        "margin of loss: 0.02 → 0.1",
        "variance: ",
        "collapsed runs: ",
        "looks: [3, 5] → [3, 10]",
        "spending: ",
    ] {
        assert!(what.contains(words), "`{words}`: {what}");
    }
    assert!(!what.contains("margin of accuracy"), "{what}");
}

#[test]
fn more_seeds_as_planned_are_no_change_and_others_are() {
    let place = Place::new();
    let three = place.plan("[1, 2, 3]", "looks = [3, 5]");
    place.declare(&three).unwrap();
    place.run(&three);
    place.report();
    let five = place.plan("[1, 2, 3, 4, 5]", "looks = [3, 5]");
    assert_eq!(place.declare(&five), None);
    let changes = place.changes(&five);
    assert!(
        changes.is_declared && changes.changes.is_empty(),
        "{changes:?}"
    );

    // Other seeds under the same plan: which of them were kept is a choice.
    let others = place.plan("[1, 2, 4]", "looks = [3, 5]");
    place.declare(&others).unwrap();
    let changes = place.changes(&others);
    assert!(
        changes.changes[0]
            .what
            .contains("seeds: [1, 2, 3] → [1, 2, 4]"),
        "{changes:?}"
    );
    assert_eq!(changes.changes[0].families, None);
}

#[test]
fn seeds_added_without_a_planned_look_are_told() {
    let place = Place::new();
    let three = place.plan("[1, 2, 3]", "");
    place.declare(&three).unwrap();
    place.run(&three);
    let four = place.plan("[1, 2, 3, 4]", "");
    let declared = place.declare(&four).unwrap();
    assert!(
        declared.done > 0 && declared.done < declared.of,
        "{declared:?}"
    );
    let what = &place.changes(&four).changes[0].what;
    assert!(
        what.contains("looks: [3] → [4]") && what.contains("seeds: [1, 2, 3] → [1, 2, 3, 4]"),
        "{what}"
    );
}

#[test]
fn a_contrast_that_is_added_touches_its_family_alone() {
    let place = Place::new();
    let first = place.plan("[1, 2, 3]", "");
    place.declare(&first).unwrap();
    place.run(&first);
    let more = place.plan(
        "[1, 2, 3]",
        "[[analysis.contrast]]\nclaim = \"superiority\"\nfamily = \"late\"\nplus = \"grasp\"\nminus = \"uniform\"",
    );
    place.declare(&more).unwrap();
    let changes = place.changes(&more);
    assert!(
        changes.changes[0]
            .what
            .ends_with("added grasp − uniform (late)"),
        "{changes:?}"
    );
    for contrast in &more.study.analysis.contrasts {
        let touched = if contrast.family == "late" {
            vec![1]
        } else {
            vec![]
        };
        assert_eq!(changes.touching(contrast), touched, "{}", contrast.name());
    }
    // Back again: the study's first plan is what counts as the first.
    place.declare(&first).unwrap();
    let changes = place.changes(&first);
    assert!(
        changes.changes[1]
            .what
            .contains("removed grasp − uniform (late)"),
        "{changes:?}"
    );
}

#[test]
fn a_plan_that_came_late_or_never_is_told() {
    let place = Place::new();
    let plan = place.plan("[1, 2, 3]", "");
    let none = plan_changes(&[], &plan.study.analysis, &plan.study.seeds).unwrap();
    assert!(!none.is_declared);
    assert!(
        none.changes[0]
            .what
            .contains("no analysis plan was declared"),
        "{none:?}"
    );
    place.run(&plan);
    let declared = place.declare(&plan).unwrap();
    assert_eq!(declared.done, declared.of);
    let changes = place.changes(&plan);
    let what = &changes.changes[0].what;
    assert!(
        what.contains("was declared when") && what.contains("trainings were done"),
        "{what}"
    );
    assert!(changes.is_declared);
}

#[test]
fn a_plan_that_was_changed_by_hand_is_refused() {
    let place = Place::new();
    let plan = place.plan("[1, 2, 3]", "");
    place.declare(&plan).unwrap();
    let mut lock = place.lock();
    lock.analysis[0].plan = lock.analysis[0].plan.replace("\"0.5\"", "\"2.5\"");
    lock.write(&place.study()).unwrap();
    let study = &plan.study;
    let told = plan_changes(&place.lock().analysis, &study.analysis, &study.seeds);
    let told = told.unwrap_err().to_string();
    assert!(
        told.contains("changed by hand") && told.contains("study.lock"),
        "{told}"
    );

    // A lock that cannot be read stops the run before anything is trained.
    std::fs::write(place.study().join(LOCK), "format = 1\nstudy = 3\n").unwrap();
    let told = declare(&plan, &place.store).unwrap_err().to_string();
    assert!(told.contains(LOCK), "{told}");
}

/// A default that changes between releases changes no plan that was declared: what is not written
/// goes on as declared, for as long as the seeds do.
#[test]
fn a_declared_variance_outlives_a_change_of_the_default() {
    use jackpot_stats::Variance;
    let place = Place::new();
    let pooled = place.plan("[1, 2, 3]", "variance = \"pooled\"\nlooks = [3, 5]");
    let declared = place.declare(&pooled).unwrap();
    place.run(&pooled);
    let variance = |seeds: &str, section: &str| {
        let plan = place.plan(seeds, &format!("{section}looks = [3, 5]"));
        plan.study.analysis.variance
    };
    assert_eq!(variance("[1, 2, 3]", ""), Variance::Pooled);
    assert_eq!(variance("[1, 2, 3, 4, 5]", ""), Variance::Pooled);
    let goes_on = place.plan("[1, 2, 3]", "looks = [3, 5]");
    let digest = goes_on.study.analysis.digest().unwrap().to_string();
    assert_eq!(digest, declared.sha256);
    assert_eq!(place.declare(&goes_on), None);
    assert!(place.changes(&goes_on).changes.is_empty());
    // Other seeds are another study; and who wants another variance says so, which is recorded.
    assert_eq!(variance("[4, 5, 6]", ""), Variance::Cell);
    assert_eq!(
        variance("[1, 2, 3]", "variance = \"cell\"\n"),
        Variance::Cell
    );
    let other = place.plan("[1, 2, 3]", "variance = \"cell\"\nlooks = [3, 5]");
    place.declare(&other).unwrap();
    let what = &place.changes(&other).changes[0].what;
    assert!(what.contains("variance: Pooled → Cell"), "{what}");
}

/// The reports that were declared and drawn before the default changed are judged as declared.
#[test]
fn the_shipped_reports_keep_the_plan_that_they_declared() {
    let reports = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../reports");
    let mut declared = 0;
    for entry in std::fs::read_dir(reports).unwrap() {
        let folder = entry.unwrap().path();
        if !folder.join(LOCK).is_file() {
            continue;
        }
        let lock = Lock::read(&folder).unwrap();
        let Some(last) = lock.and_then(|mut lock| lock.analysis.pop()) else {
            continue;
        };
        let study = Study::load(&folder).unwrap();
        let digest = study.analysis.digest().unwrap().to_string();
        assert_eq!(digest, last.sha256, "{}", folder.display());
        declared += 1;
    }
    assert!(declared >= 4, "{declared}");
}
