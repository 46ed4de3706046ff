//! Learning rates by hand, and hyperparameters that are refused.

use jackpot_net::{AdamSettings, Augment, Optimizer, Schedule, Training};

fn training(schedule: Schedule, warmup_epochs: f64) -> Training {
    Training {
        epochs: 8,
        lr: 0.2,
        schedule,
        warmup_epochs,
        ..Training::su2020()
    }
}

fn check(training: &Training, steps_per_epoch: u64, expect: &[(u64, f64)]) {
    for &(step, lr) in expect {
        let got = training.lr_at(step, steps_per_epoch);
        assert!((got - lr).abs() <= 1e-15, "step {step}: {got} is not {lr}");
    }
}

#[test]
fn su2020_is_the_published_protocol() {
    let published = Training::su2020();
    published.validate().unwrap();
    let steps = 782; // 50,000 images in batches of 64
    let [first, second] = [80 * steps, 120 * steps];
    let expect = [
        (0, 0.1),
        (first - 1, 0.1),
        (first, 0.01),
        (second - 1, 0.01),
        (second, 0.001),
        (160 * steps - 1, 0.001),
    ];
    check(&published, steps, &expect);
    assert_eq!((published.epochs, published.batch), (160, 64));
    assert_eq!((published.momentum, published.weight_decay), (0.9, 1e-4));
    assert_eq!(
        published.augment,
        Augment {
            crop_padding: 4,
            flip: true,
            crop: None,
            resized_crop: None,
        }
    );
}

#[test]
fn warm_up_is_linear_and_ends_at_the_peak() {
    let constant = training(Schedule::Constant, 1.0);
    check(
        &constant,
        100,
        &[(0, 0.002), (49, 0.1), (99, 0.2), (100, 0.2), (799, 0.2)],
    );
    let half = training(Schedule::Constant, 0.5);
    check(&half, 100, &[(0, 0.004), (49, 0.2), (50, 0.2)]);
    let none = training(Schedule::Constant, 0.0);
    check(&none, 100, &[(0, 0.2)]);
}

/// 0.2 · ½(1 + cos π(s − 100)/700), from Python.
#[test]
fn the_cosine_falls_over_the_rest_of_the_run() {
    let cosine = training(Schedule::Cosine, 1.0);
    let expect = [
        (99, 0.2),
        (100, 0.2),
        (450, 0.10000000000000003),
        (799, 1.0071007994771897e-06),
    ];
    check(&cosine, 100, &expect);
    check(&cosine, 100, &[(800, 0.0), (5000, 0.0)]);
}

#[test]
fn every_rate_is_a_finite_number() {
    for schedule in [
        Schedule::Cosine,
        Schedule::Constant,
        Training::su2020().schedule,
    ] {
        for warmup in [0.0, 0.3, 8.0] {
            for (step, steps_per_epoch) in [(0, 0), (0, 1), (7, 1), (u64::MAX, 3)] {
                let lr = training(schedule.clone(), warmup).lr_at(step, steps_per_epoch);
                assert!(
                    (0.0..=0.2).contains(&lr),
                    "{schedule:?} {warmup} {step}: {lr}"
                );
            }
        }
    }
}

#[test]
fn what_does_not_fit_names_the_field() {
    let refused = |change: &dyn Fn(&mut Training), expect: &str| {
        let mut training = Training::su2020();
        change(&mut training);
        let error = training.validate().expect_err(expect);
        assert_eq!(error.to_string(), format!("training {expect}"));
    };
    refused(&|t| t.epochs = 0, "`epochs`: expected at least 1, found 0");
    refused(&|t| t.batch = 0, "`batch`: expected at least 1, found 0");
    refused(
        &|t| t.lr = 0.0,
        "`lr`: expected a number above 0, at most 3.4e38, found 0",
    );
    refused(
        &|t| t.lr = f64::NAN,
        "`lr`: expected a number above 0, at most 3.4e38, found NaN",
    );
    refused(
        &|t| t.lr = f64::INFINITY,
        "`lr`: expected a number above 0, at most 3.4e38, found inf",
    );
    refused(
        &|t| t.warmup_epochs = 161.0,
        "`warmup_epochs`: expected 0 to `epochs` = 160, found 161",
    );
    refused(
        &|t| t.momentum = 1.0,
        "`momentum`: expected 0 to below 1, found 1",
    );
    refused(
        &|t| t.weight_decay = -0.0,
        "`weight_decay`: expected 0 to at most 3.4e38, found -0",
    );
    let step = |milestones: &[u32], factor| Schedule::Step {
        milestones: milestones.to_vec(),
        factor,
    };
    refused(
        &|t| t.schedule = step(&[80], 0.0),
        "`schedule.factor`: expected a number above 0, at most 3.4e38, found 0",
    );
    refused(
        &|t| t.schedule = step(&[120, 80], 0.1),
        "`schedule.milestones`: expected increasing epochs from 1, found 80 after 120",
    );
    refused(
        &|t| t.schedule = step(&[80, 160], 0.1),
        "`schedule.milestones`: 160 is never reached: `epochs` is 160",
    );
}

#[test]
fn an_offset_starts_the_schedule_later_and_ends_it_with_the_training() {
    // Epochs 3 to 8 of a schedule of 8.
    let whole = training(Schedule::Cosine, 1.0);
    let rest = Training {
        epochs: 5,
        offset_epochs: 3,
        ..whole.clone()
    };
    for step in [0, 1, 99, 499] {
        assert_eq!(rest.lr_at(step, 100), whole.lr_at(300 + step, 100));
    }
    let mut published = Training::su2020();
    published.offset_epochs = 100;
    published.epochs = 60;
    published.validate().unwrap();
    check(
        &published,
        10,
        &[(0, 0.01), (199, 0.01), (200, 0.001), (599, 0.001)],
    );
    published.offset_epochs = 10;
    let error = published.validate().unwrap_err().to_string();
    assert!(
        error.contains("80 is never reached: `offset_epochs` + `epochs` is 10 + 60"),
        "{error}"
    );
    published.offset_epochs = u32::MAX;
    let error = published.validate().unwrap_err().to_string();
    assert!(error.contains("`offset_epochs`"), "{error}");
}

#[test]
fn the_steps_of_a_training_are_counted() {
    let mut training = training(Schedule::Constant, 0.0);
    training.batch = 64;
    assert_eq!(
        (training.steps_in_epoch(50_000), training.steps(50_000)),
        (782, 6_256)
    );
    training.validation_rows = 5_000;
    assert_eq!(training.steps_in_epoch(50_000), 704);
    training.steps_per_epoch = Some(10);
    training.until = Some(35);
    assert_eq!(
        (training.steps_in_epoch(50_000), training.steps(50_000)),
        (10, 35)
    );
    training.until = Some(0);
    let error = training.validate().unwrap_err().to_string();
    assert!(
        error.contains("`until`: expected at least 1 step"),
        "{error}"
    );
}

#[test]
fn an_optimizer_is_spelled_by_name_or_with_its_settings() {
    let read = |json: &str| serde_json::from_str::<Optimizer>(json);
    assert_eq!(read(r#""sgd""#).unwrap(), Optimizer::Sgd);
    let adam = read(r#""adam""#).unwrap();
    assert_eq!(adam, Optimizer::Adam(AdamSettings::default()));
    let json = serde_json::to_string(&adam).unwrap();
    assert_eq!(
        json,
        r#"{"adam":{"beta1":0.9,"beta2":0.999,"epsilon":1e-8}}"#
    );
    assert_eq!(read(&json).unwrap(), adam);
    assert_eq!(
        serde_json::to_string(&Optimizer::Nesterov).unwrap(),
        r#""nesterov""#
    );
    for (wrong, expected) in [
        (r#""lamb""#, "unknown variant `lamb`"),
        ("{}", "expected one optimizer, found none"),
        (r#"{"adam":{},"adamw":{}}"#, "found `adam` and `adamw`"),
        ("7", "an optimizer's name"),
    ] {
        let error = read(wrong).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    let mut training = Training::su2020();
    training.optimizer = Optimizer::Nesterov;
    training.momentum = 0.0;
    assert!(
        training
            .validate()
            .unwrap_err()
            .to_string()
            .contains("above 0")
    );
    training.optimizer = read(r#"{"adam":{"beta1":1.0}}"#).unwrap();
    let error = training.validate().unwrap_err().to_string();
    assert!(
        error.contains("`optimizer.adam.beta1`: expected 0 to below 1, found 1"),
        "{error}"
    );
}

/// What a training says as before, it leaves out: no old key moves.
#[test]
fn a_training_without_options_is_spelled_as_before() {
    let json = serde_json::to_value(Training::su2020()).unwrap();
    let fields: Vec<&String> = json.as_object().unwrap().keys().collect();
    assert_eq!(fields.len(), 9, "{fields:?}");
    assert_eq!(
        serde_json::from_value::<Training>(json).unwrap(),
        Training::su2020()
    );
}
