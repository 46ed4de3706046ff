use super::*;

fn param(name: &str, default: ConfigValue, min: f64, max: f64, choices: &[&str]) -> Param {
    Param {
        name: name.into(),
        doc: String::new(),
        default,
        min,
        max,
        choices: choices.iter().map(|c| c.to_string()).collect(),
    }
}

fn item() -> PluginItem {
    PluginItem {
        id: "snip".into(),
        version: "1".into(),
        summary: String::new(),
        kind: Kind::Method,
        output: Output::Scores,
        needs: abi::JKP_NEEDS_GRAD | abi::JKP_NEEDS_INPUTS,
        promises: 0,
        params: vec![
            param("batches", ConfigValue::Int(1), 1.0, 100.0, &[]),
            param("temperature", ConfigValue::Float(1.0), 0.0, 0.0, &[]),
            param("augment", ConfigValue::Bool(true), 0.0, 0.0, &[]),
            param(
                "shape",
                ConfigValue::Text("cubic".into()),
                0.0,
                0.0,
                &["cubic", "linear"],
            ),
        ],
        rounds_hint: 0,
    }
}

#[test]
fn each_need_is_its_own_bit() {
    let asked = |needs: u32| {
        let item = PluginItem { needs, ..item() };
        [
            item.needs_rng(),
            item.needs_scores(),
            item.needs_donor(),
            item.needs_reference(),
        ]
    };
    assert_eq!(asked(abi::JKP_NEEDS_RNG), [true, false, false, false]);
    assert_eq!(asked(abi::JKP_NEEDS_SCORES), [false, true, false, false]);
    assert_eq!(asked(abi::JKP_NEEDS_DONOR), [false, false, true, false]);
    assert_eq!(asked(abi::JKP_NEEDS_REF), [false, false, false, true]);
    assert_eq!(asked(abi::JKP_NEEDS_WEIGHTS), [false; 4]);
}

/// JSON in, the whole configuration or the message out.
fn configured(given: &str) -> String {
    let given = serde_json::from_str(given).unwrap();
    match item().configure(&given) {
        Ok(config) => serde_json::to_string(&config).unwrap(),
        Err(failure) => failure.message,
    }
}

#[test]
fn defaults_are_filled_in_and_integers_widen() {
    assert_eq!(
        configured(r#"{"temperature": 200, "batches": 10}"#),
        r#"{"augment":true,"batches":10,"shape":"cubic","temperature":200.0}"#
    );
}

#[test]
fn what_does_not_fit_is_named() {
    for (given, message) in [
        (
            r#"{"batchs": 2}"#,
            "`snip` has no parameter `batchs`: did you mean `batches`?",
        ),
        (
            r#"{"whatever": 2}"#,
            "`snip` has no parameter `whatever`: it has `batches`, `temperature`, `augment`, `shape`",
        ),
        (
            r#"{"batches": 0}"#,
            "parameter `batches` of `snip`: expected 1 to 100, found 0",
        ),
        (
            r#"{"batches": "many"}"#,
            "parameter `batches` of `snip`: expected an integer, found `many`, text",
        ),
        (
            r#"{"batches": 1.0}"#,
            "parameter `batches` of `snip`: expected an integer, found `1`, a number",
        ),
        (
            r#"{"augment": 1}"#,
            "parameter `augment` of `snip`: expected true or false, found `1`, an integer",
        ),
        (
            r#"{"shape": "square"}"#,
            "parameter `shape` of `snip`: expected one of `cubic`, `linear`, found `square`",
        ),
    ] {
        assert_eq!(configured(given), message);
    }
}

#[test]
fn what_an_item_is_given_follows_from_what_it_declares() {
    let with = |needs| PluginItem { needs, ..item() };
    assert!(item().needs_data() && item().needs_weights() && item().needs_autodiff());
    let synflow = with(abi::JKP_NEEDS_GRAD);
    assert!(!synflow.needs_data() && synflow.needs_weights());
    let magnitude = with(abi::JKP_NEEDS_WEIGHTS);
    assert!(magnitude.needs_weights() && !magnitude.needs_autodiff() && !magnitude.needs_rng());
    assert!(!with(abi::JKP_NEEDS_RNG).needs_weights());
}
