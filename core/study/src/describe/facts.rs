//! A study and its settings in one-line facts, which stand above tables.
use crate::spec::{file::Study, setting::Setting, training};

impl Study {
    /// One-line facts of a study: data, network, training, or one line for each of its settings;
    /// and the seeds if some keys are held.
    pub fn facts(&self) -> Vec<(String, String)> {
        let mut facts = match self.settings.as_slice() {
            [only @ Setting { name: None, .. }] => only.facts(),
            settings => {
                let line = |s: &Setting| {
                    let facts: Vec<String> = s.facts().into_iter().map(|f| f.1).collect();
                    (s.title.clone(), facts.join("; "))
                };
                settings.iter().map(line).collect()
            }
        };
        if let Some(precision) = self.scoring {
            let computed = format!("derivatives in {}", precision.describe());
            facts.push(("scores".to_owned(), computed));
        }
        let held = self.held.words();
        if !held.is_empty() {
            facts.push(("seeds".to_owned(), held.join(", ")));
        }
        facts
    }
}

impl Setting {
    /// One-line facts of a setting: data, network, training.
    pub fn facts(&self) -> Vec<(String, String)> {
        let d = &self.data;
        let a = &self.architecture;
        let [channels, height, width] = a.input;
        let data = format!(
            "{}, {} training and {} test images of {channels}×{height}×{width}, {} classes",
            d.set, d.train_rows, d.test_rows, a.classes
        );
        let weights = a.build().map_or(0, |n| n.prunable_weights());
        let network = format!(
            "{} of width {}, {weights} prunable weights",
            a.title(),
            a.width
        );
        let training = training::describe(&self.training, self.compute);
        vec![
            ("data".to_owned(), data),
            ("network".to_owned(), network),
            ("training".to_owned(), training),
        ]
    }
}
