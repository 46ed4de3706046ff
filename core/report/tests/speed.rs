//! The tables and the figure of measured speeds: ratios computed by hand, and errors that name what
//! is missing.

#![allow(clippy::unwrap_used)] // the helpers of a test are a test

use serde_json::{Value, json};

fn times(median: f64) -> Value {
    json!({
        "least": 0.9 * median, "quarter": 0.95 * median, "median": median,
        "three_quarters": 1.1 * median, "steps": 20,
    })
}

fn row(engine: &str, storage: &str, ms: f64, sparsity: Option<&str>) -> Value {
    json!({
        "network": "ResNet-8", "batch": 128, "engine": engine, "storage": storage, "isa": "best",
        "allocation": sparsity.map(|_| "smart-ratio"), "sparsity": sparsity,
        "multiply_adds": sparsity.map(|_| 0.047), "ms": times(ms),
        "process_mib": 10.0 * ms, "training_mib": 2.0 * ms,
    })
}

/// The measurements of one network at one sparsity.
fn measured() -> Value {
    let workers = |engine, storage, alone, ms: [f64; 2]| {
        let sparsity = (engine == "sparse").then_some("0.98");
        let mut row = row(engine, storage, alone, sparsity);
        row["together_ms"] = json!(ms.map(times));
        row
    };
    json!({
        "format": 1, "libtorch": "2.13.0", "quick": false,
        "machine": { "cpu": "A processor", "cores": 2, "memory_gib": 24 },
        "parts": {
            "ResNet-8, smart-ratio": { "load_before": 0.25, "rows": [
                row("libtorch", "f32", 60.0, None), row("libtorch", "bf16", 42.0, None),
                row("stock libtorch", "f32", 75.0, None),
                row("sparse", "f32", 12.0, Some("0.98")), row("sparse", "bf16", 6.0, Some("0.98")),
            ] },
            "ResNet-8, avx2": { "load_before": 0.5, "rows": [
                row("libtorch", "f32", 90.0, None), row("sparse", "f32", 15.0, Some("0.98")),
            ] },
            "ResNet-8, two workers": { "load_before": 0.5, "rows": [
                workers("sparse", "f32", 12.0, [12.6, 13.2]),
                workers("sparse", "bf16", 6.0, [6.0, 6.06]),
                workers("memory", "f32", 2.0, [4.0, 3.9]),
            ] },
        },
    })
}

fn drawn(measured: &Value) -> jackpot_report::ReportFiles {
    jackpot_report::render_speed(measured.to_string().as_bytes()).unwrap()
}

#[test]
fn ratios_are_those_of_medians_in_quartiles() {
    let files = drawn(&measured());
    let text = String::from_utf8(files["speed.md"].clone()).unwrap();
    // 60 / 12, 57 / 13.2, 66 / 11.4; 60 / 6; 42 / 6; 90 / 15; 75 / 12, 75 / 6; 24 and 12 of
    // 150 MiB; 13.2 of 12 ms, 6.06 of 6, 4 of 2.
    let expected = "| ResNet-8 | 5.0 (4.3 to 5.8) | 10.0 (8.6 to 11.6) | 7.0 (6.0 to 8.1) \
                    | 6.0 (5.2 to 6.9) | 6.2, 12.5 | 16 %, 8 % | 10 %, 1 %, –, 100 % |";
    assert!(text.contains(expected), "{text}");
    assert!(
        text.contains("| ResNet-8 | smart-ratio | 98 % | 4.7 % | 12.0 |"),
        "{text}"
    );
    assert!(text.contains("load before a part at most 0.5"), "{text}");
    let csv = String::from_utf8(files["speed.csv"].clone()).unwrap();
    // Two workers are two rows more than one.
    assert_eq!(csv.lines().count(), 1 + 5 + 2 + 3 * 3, "{csv}");
    assert!(
        csv.lines().all(|line| line.split(',').count() == 16),
        "{csv}"
    );
    assert_eq!(&files["speed.png"][1..4], b"PNG");
    let svg = String::from_utf8(files["speed.svg"].clone()).unwrap();
    assert!(svg.contains("<title>Times faster than libtorch</title>"));
}

#[test]
fn the_figure_moves_with_a_number_and_with_nothing_else() {
    let files = drawn(&measured());
    assert_eq!(files, drawn(&measured()));
    let mut slower = measured();
    slower["parts"]["ResNet-8, smart-ratio"]["rows"][3]["ms"] = times(20.0);
    let slower = drawn(&slower);
    for file in ["speed.md", "speed.csv", "speed.svg", "speed.png"] {
        assert_ne!(files[file], slower[file], "{file}");
    }
}

#[test]
fn what_lacks_is_a_dash_or_named() {
    let mut narrow = measured();
    narrow["parts"]
        .as_object_mut()
        .unwrap()
        .remove("ResNet-8, avx2");
    let rows = narrow["parts"]["ResNet-8, smart-ratio"]["rows"]
        .as_array_mut()
        .unwrap();
    rows.retain(|row| row["storage"] == "f32");
    let text = String::from_utf8(drawn(&narrow)["speed.md"].clone()).unwrap();
    assert!(
        text.contains("| – | – | – | 6.2, – | 16 %, – | 10 %, 1 %, –, 100 % |"),
        "{text}"
    );

    let mut alone = measured();
    let rows = alone["parts"]["ResNet-8, smart-ratio"]["rows"]
        .as_array_mut()
        .unwrap();
    rows.remove(0);
    let refused = |measured: &Value| {
        let bytes = measured.to_string();
        jackpot_report::render_speed(bytes.as_bytes())
            .unwrap_err()
            .to_string()
    };
    let told = refused(&alone);
    assert!(
        told.contains("ResNet-8, smart-ratio") && told.contains("libtorch in f32"),
        "{told}"
    );
    let told = refused(&json!({ "machine": 1 }));
    assert!(
        told.contains("speed.json") && told.contains("cargo xtask bench"),
        "{told}"
    );
}
