//! How many weights a method of many rounds keeps after each.
use crate::{LayerConstraints, PruningScope, Sparsity, sparsity::half_even};
use serde::{Deserialize, Serialize};

/// How the density falls from 1 to what is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RoundSchedule {
    /// density^(r/R) after r of R rounds (SynFlow, FORCE).
    #[default]
    Exponential,
    /// 1 − sparsity·r/R after r of R rounds.
    Linear,
}

/// A method's rounds, all in one worker process: it is called with the mask so far, the host
/// selects from its scores, and so on.
///
/// An item that promises `nested` is selected from within the mask so far, any other from all
/// weights. With more than one round the key is folded with the round's number, from 0.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PruningRounds {
    /// How many rounds, from 1 to 10 000.
    pub count: u32,
    /// How the density falls from 1 to that of the sparsity.
    pub schedule: RoundSchedule,
    /// The sparsity that the last round reaches exactly.
    pub sparsity: Sparsity,
    /// Which layers are chosen from, every round.
    #[serde(default, skip_serializing_if = "PruningScope::is_all")]
    pub scope: PruningScope,
    /// What is kept whatever the scores say, every round.
    #[serde(
        default,
        rename = "reserve",
        skip_serializing_if = "LayerConstraints::is_nothing"
    )]
    pub constraints: LayerConstraints,
}

impl PruningRounds {
    /// The density after a round (from 0); the last is exactly the sparsity's.
    pub fn keep(&self, round: u32) -> f64 {
        if round + 1 >= self.count {
            return self.sparsity.density();
        }
        let share = f64::from(round + 1) / f64::from(self.count);
        match self.schedule {
            // Plain Rust: the same bits on every machine, which the system's is not bound to.
            RoundSchedule::Exponential => libm::pow(self.sparsity.density(), share),
            RoundSchedule::Linear => 1.0 - self.sparsity.as_f64() * share,
        }
    }

    /// Weights of `n` that are kept after each round: never rising, the last exactly what the
    /// sparsity keeps, halves rounded to even.
    pub fn counts(&self, n: u64) -> Vec<u64> {
        let last = self.sparsity.kept(n);
        let after = |round: u32| match self.schedule {
            _ if round + 1 >= self.count => last,
            RoundSchedule::Exponential => (n as f64 * self.keep(round)).round_ties_even() as u64,
            RoundSchedule::Linear => self.linear(n, round),
        };
        // A double may round one count below the exact last one.
        (0..self.count).map(|r| after(r).clamp(last, n)).collect()
    }

    /// n − n·sparsity·(round+1)/count, exactly.
    fn linear(&self, n: u64, round: u32) -> u64 {
        let (kept, digits) = self.sparsity.kept_fraction();
        let unit = 10u128.pow(digits);
        let (done, all) = (u128::from(round + 1), u128::from(self.count));
        // 64 bits of weights would overflow, but no network has 2^50 of them.
        half_even(
            u128::from(n) * (unit * all - (unit - kept) * done),
            unit * all,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rounds(count: u32, schedule: RoundSchedule, sparsity: &str) -> PruningRounds {
        PruningRounds {
            count,
            schedule,
            sparsity: Sparsity::try_from(sparsity.to_string()).unwrap(),
            scope: PruningScope::All,
            constraints: LayerConstraints::default(),
        }
    }

    #[test]
    fn counts_fall_by_the_schedule_to_exactly_the_sparsity() {
        use RoundSchedule::*;
        // By hand: 1000·0.01^(r/4), and 1000·(1 − 0.99·r/4).
        for (schedule, expected) in [
            (Exponential, [316, 100, 32, 10]),
            (Linear, [752, 505, 258, 10]),
        ] {
            assert_eq!(rounds(4, schedule, "0.99").counts(1000), expected);
        }
        // 247.5 and 742.5 fell on halves: 752.5 and 257.5 go to the even neighbour.
        for schedule in [Exponential, Linear] {
            for (count, text, n) in [(1, "0.5", 7), (100, "0.999", 20_000_000), (100, "0.3", 12)] {
                let rounds = rounds(count, schedule, text);
                let counts = rounds.counts(n);
                assert_eq!(counts.len(), count as usize);
                assert!(counts.windows(2).all(|w| w[0] >= w[1]), "{counts:?}");
                assert_eq!(counts.last(), Some(&rounds.sparsity.kept(n)));
                assert_eq!(rounds.keep(count - 1), rounds.sparsity.density());
                for (r, count) in counts.iter().enumerate() {
                    assert!((*count as f64 - n as f64 * rounds.keep(r as u32)).abs() <= 0.5001);
                }
            }
        }
    }

    #[test]
    fn what_is_as_before_is_not_written() {
        let plain = rounds(100, RoundSchedule::Exponential, "0.98");
        let text = serde_json::to_string(&plain).unwrap();
        assert_eq!(
            text,
            r#"{"count":100,"schedule":"exponential","sparsity":"0.98"}"#
        );
        assert_eq!(serde_json::from_str::<PruningRounds>(&text).unwrap(), plain);
    }
}
