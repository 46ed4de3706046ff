//! `jackpot describe`: published totals, by name and by study; what is refused.
use crate::support::call;

fn total(arguments: &[&str], field: &str) -> u64 {
    let (code, out, err) = call(&[&["describe", "--json"], arguments].concat());
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    let value: serde_json::Value = serde_json::from_str(&out).unwrap();
    value[field].as_u64().unwrap()
}

#[test]
fn totals_are_the_published_ones() {
    for (arguments, parameters) in [
        (&["resnet50"][..], 25_557_032),
        (&["wrn-28-10"], 36_479_194),
        (&["wrn", "--depth", "16", "--widen", "8"], 10_961_370),
        (&["mobilenetv2"], 3_504_872),
        (&["lenet-5"], 431_080),
        (
            &["resnet18", "--stem", "small", "--classes", "10"],
            11_173_962,
        ),
    ] {
        assert_eq!(total(arguments, "parameters"), parameters, "{arguments:?}");
    }
    let basic = ["resnet56", "--block", "basic", "--width", "16"];
    let bottleneck = ["resnet56", "--width", "16"];
    assert!(total(&basic, "prunable") < 900_000);
    assert_ne!(total(&bottleneck, "prunable"), total(&basic, "prunable"));
}

fn refused(arguments: &[&str], expected: &str) {
    let (code, out, err) = call(arguments);
    assert_eq!((code, out.as_str()), (2, ""), "{err}");
    assert!(err.contains(expected), "{err}");
}

#[test]
fn what_is_no_network_is_said() {
    refused(&["describe", "resnet32x"], "did you mean `resnet`?");
    refused(&["describe", "vgg16", "--widen", "2"], "only a `wrn`");
    refused(&["describe", "wrn"], "--depth");
    refused(
        &["describe", "resnet34", "--input", "3x32x32"],
        "the stem `small`",
    );
}
