//! Which rows a training meets, step by step, and which it never meets.
use crate::{Error, error::invalid};
use jackpot_net::{Order, held_back};
use jackpot_rng::Key;

/// The training rows of a data object, divided.
#[derive(Debug, PartialEq)]
pub(crate) struct Split {
    /// Trained on, in stored order.
    pub trained: Vec<u32>,
    /// Held back to choose an epoch on, in stored order.
    pub validation: Vec<u32>,
}

impl Split {
    /// Holds `validation` of the rows back: of each class that there is as many, the
    /// first classes one more where it does not divide. A class gives rows evenly spaced over
    /// its own, so that the choice is a function of the labels alone and no stored order of a
    /// class (by file name, by difficulty) ends up on one side.
    ///
    /// # Errors
    /// A class that would have no row left to train on.
    pub fn of(labels: &[i64], classes: u32, validation: u32) -> Result<Split, Error> {
        let mut by_class = vec![Vec::new(); classes as usize];
        for (row, &label) in labels.iter().enumerate() {
            match usize::try_from(label)
                .ok()
                .and_then(|y| by_class.get_mut(y))
            {
                Some(rows) => rows.push(row as u32),
                None => return invalid(format!("row {row} has the label {label}")),
            }
        }
        let sizes: Vec<u64> = by_class.iter().map(|rows| rows.len() as u64).collect();
        let counts = held_back(validation, &sizes)?;
        let mut held = vec![false; labels.len()];
        for (rows, count) in by_class.iter().zip(counts) {
            let count = count as usize;
            for i in 0..count {
                // The middle of the i-th of `count` equal parts.
                held[rows[(2 * i + 1) * rows.len() / (2 * count)] as usize] = true;
            }
        }
        let side = |wanted: bool| {
            let rows = 0..labels.len() as u32;
            rows.filter(|&row| held[row as usize] == wanted).collect()
        };
        Ok(Split {
            trained: side(false),
            validation: side(true),
        })
    }

    /// The rows of one pass in the order in which they are met. `epoch` counts from the
    /// schedule's first one, `pass` from 0 within the epoch.
    pub fn pass(&self, order: Order, order_key: Key, epoch: u32, pass: u64) -> Vec<u32> {
        match order {
            Order::Stored => self.trained.clone(),
            Order::Shuffled => {
                let key = pass_key(order_key, pass);
                let places = jackpot_data::epoch_order(key, epoch, self.trained.len());
                let rows = places.iter().map(|&place| self.trained[place as usize]);
                rows.collect()
            }
        }
    }
}

/// The key of an epoch's further pass; the first pass has the training's own. Epochs and
/// rows, which keys are folded with too, are below 2³².
pub(crate) fn pass_key(key: Key, pass: u64) -> Key {
    match pass {
        0 => key,
        _ => key.fold((1 << 32) + pass),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn validation_is_balanced_spread_and_never_trained_on() {
        // Class 2 is absent; class 0 has the rows 0, 3, 6, …
        let labels: Vec<i64> = (0..60).map(|row| [0, 1, 3][row % 3]).collect();
        let rows = Split::of(&labels, 4, 8).unwrap();
        assert_eq!((rows.validation.len(), rows.trained.len()), (8, 52));
        let of = |class: i64| {
            let rows = rows
                .validation
                .iter()
                .filter(|&&r| labels[r as usize] == class);
            rows.copied().collect::<Vec<_>>()
        };
        // Three parts of twenty rows: their middles are the places 3, 10 and 16.
        assert_eq!(of(0), [9, 30, 48]);
        assert_eq!((of(1).len(), of(3).len()), (3, 2));
        let mut all = [rows.validation.clone(), rows.trained.clone()].concat();
        all.sort_unstable();
        assert_eq!(all, (0..60).collect::<Vec<_>>());
        for pass in [0, 1, 5] {
            let mut met = rows.pass(Order::Shuffled, Key::from_seed(1), 3, pass);
            assert_ne!(met, rows.trained);
            met.sort_unstable();
            assert_eq!(met, rows.trained);
        }
    }

    #[test]
    fn no_class_is_emptied() {
        let labels = [0, 0, 0, 1, 1];
        assert!(Split::of(&labels, 2, 2).is_ok());
        let error = Split::of(&labels, 2, 4).unwrap_err().to_string();
        assert!(error.contains("class 1 would give 2 of its 2"), "{error}");
    }

    #[test]
    fn the_first_pass_is_the_epochs_own_order_and_the_next_another() {
        let rows = Split::of(&[0; 50], 1, 0).unwrap();
        let key = Key::from_seed(7);
        let first = rows.pass(Order::Shuffled, key, 2, 0);
        assert_eq!(first, jackpot_data::epoch_order(key, 2, 50));
        assert_ne!(first, rows.pass(Order::Shuffled, key, 2, 1));
        assert_ne!(
            rows.pass(Order::Shuffled, key, 2, 1),
            rows.pass(Order::Shuffled, key, 2, 2)
        );
        let stored: Vec<u32> = (0..50).collect();
        assert_eq!(rows.pass(Order::Stored, key, 2, 1), stored);
    }
}
