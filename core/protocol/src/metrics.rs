//! `metrics.json`: what a training or an evaluation reports.
use serde::{Deserialize, Serialize};

/// One epoch. Losses are means over images, accuracies percent.
///
/// Fields stand in the order of their names and floats are written as strings in Rust's
/// shortest `{:e}`, so that the JSON of these structs is already in the one canonical
/// spelling of recipes and results.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Epoch {
    /// From 1.
    pub epoch: u32,
    /// Kept weights: all prunable ones without a mask.
    pub kept: u64,
    /// Learning rate of the epoch's last step.
    #[serde(with = "exponent")]
    pub lr: f64,
    /// With running statistics, after the epoch.
    #[serde(with = "exponent")]
    pub test_accuracy: f64,
    /// With running statistics, after the epoch.
    #[serde(with = "exponent")]
    pub test_loss: f64,
    /// Over the epoch's batches, each as it was met.
    #[serde(with = "exponent")]
    pub train_accuracy: f64,
    /// Over the epoch's batches, each as it was met; label smoothing included.
    #[serde(with = "exponent")]
    pub train_loss: f64,
    /// Of the rows held back, with running statistics, after the epoch; none are: absent.
    #[serde(
        with = "maybe_exponent",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub validation_accuracy: Option<f64>,
    /// As `validation_accuracy`, without label smoothing.
    #[serde(
        with = "maybe_exponent",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub validation_loss: Option<f64>,
}

/// A whole training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// The first epoch with the highest test accuracy; 0 when the first one diverged, or there
    /// is none.
    pub best_epoch: u32,
    /// Percent; without an epoch that of the last weights.
    #[serde(with = "exponent")]
    pub best_test_accuracy: f64,
    /// The epoch whose loss was no longer a number, where the training ended. It is not
    /// among `epochs`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diverged_at_epoch: Option<u32>,
    /// In order.
    pub epochs: Vec<Epoch>,
    /// Kept weights at the end.
    pub kept: u64,
    /// The first epoch with the highest validation accuracy; absent without validation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selected_epoch: Option<u32>,
    /// Percent, of the test rows after that epoch.
    #[serde(
        with = "maybe_exponent",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub selected_test_accuracy: Option<f64>,
    /// Percent, of the last weights.
    #[serde(with = "exponent")]
    pub test_accuracy: f64,
    /// Test images classified rightly by the last weights.
    pub test_correct: u64,
    /// Mean over the test images, of the last weights; null when it is no finite number.
    #[serde(with = "maybe_exponent")]
    pub test_loss: Option<f64>,
    /// Test images.
    pub test_rows: u64,
}

impl Metrics {
    /// Canonical JSON: keys sorted bytewise, no white space, floats as `{:e}` strings.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("numbers and strings always serialise")
    }
}

mod exponent {
    use serde::{Deserialize, Deserializer, Serializer, de::Error, ser};

    pub fn text(x: f64) -> Option<String> {
        // −0 + 0 is +0: a mean of exact zeros may come out negative.
        x.is_finite().then(|| format!("{:e}", x + 0.0))
    }

    pub fn serialize<S: Serializer>(x: &f64, to: S) -> Result<S::Ok, S::Error> {
        match text(*x) {
            Some(text) => to.serialize_str(&text),
            None => Err(ser::Error::custom("a metric is not finite")),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

mod maybe_exponent {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(x: &Option<f64>, to: S) -> Result<S::Ok, S::Error> {
        match x.and_then(super::exponent::text) {
            Some(text) => to.serialize_str(&text),
            None => to.serialize_none(),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<f64>, D::Error> {
        let text = Option::<String>::deserialize(from)?;
        text.map(|t| t.parse().map_err(D::Error::custom))
            .transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_spelling_is_the_canonical_one_and_reads_back() {
        let epoch = Epoch {
            epoch: 1,
            kept: 7,
            lr: 0.1,
            test_accuracy: 50.0,
            test_loss: -0.0,
            train_accuracy: 12.5,
            train_loss: 1.0 / 3.0,
            validation_accuracy: None,
            validation_loss: None,
        };
        let metrics = Metrics {
            best_epoch: 1,
            best_test_accuracy: 50.0,
            diverged_at_epoch: Some(2),
            epochs: vec![epoch],
            kept: 7,
            selected_epoch: None,
            selected_test_accuracy: None,
            test_accuracy: 0.0,
            test_correct: 0,
            test_loss: None,
            test_rows: 4,
        };
        let json = metrics.to_json();
        assert_eq!(
            String::from_utf8(json.clone()).unwrap(),
            r#"{"best_epoch":1,"best_test_accuracy":"5e1","diverged_at_epoch":2,"epochs":[{"epoch":1,"kept":7,"lr":"1e-1","test_accuracy":"5e1","test_loss":"0e0","train_accuracy":"1.25e1","train_loss":"3.333333333333333e-1"}],"kept":7,"test_accuracy":"0e0","test_correct":0,"test_loss":null,"test_rows":4}"#
        );
        assert_eq!(serde_json::from_slice::<Metrics>(&json).unwrap(), metrics);
        let mut validated = metrics;
        validated.epochs[0].validation_accuracy = Some(25.0);
        validated.epochs[0].validation_loss = Some(2.0);
        validated.selected_epoch = Some(1);
        validated.selected_test_accuracy = Some(50.0);
        let text = String::from_utf8(validated.to_json()).unwrap();
        for part in [
            r#""train_loss":"3.333333333333333e-1","validation_accuracy":"2.5e1","validation_loss":"2e0"}]"#,
            r#""kept":7,"selected_epoch":1,"selected_test_accuracy":"5e1","test_accuracy""#,
        ] {
            assert!(text.contains(part), "{text}");
        }
        assert_eq!(serde_json::from_str::<Metrics>(&text).unwrap(), validated);
    }
}
