//! What paired runs say: intervals, tests, verdicts, and what a number of seeds can settle.
//!
//! Two arms that share a seed share what the seed gave to both, so the unit is the difference of
//! a seed. [`estimates`] turns the cells of one table into means, intervals and p-values;
//! [`judge`] corrects them for their number and gives each its [`Verdict`].
//!
//! ```
//! use jackpot_stats::{Comparison, Claim, Pair, Rules, Verdict, estimates, judge};
//! let pair = |(i, d): (usize, f64)| Pair { seed: i as u64, plus: 80.0 + d, minus: 80.0, margin: Some(0.5) };
//! let cell = Comparison {
//!     arms: [0, 1],
//!     claim: Claim::Equivalence,
//!     family: "data".into(),
//!     pool: Some("0.9".into()),
//!     pairs: [0.05, -0.1, 0.08, 0.0, -0.03].into_iter().enumerate().map(pair).collect(),
//!     ..Comparison::default()
//! };
//! let rules = Rules::default();
//! let outcomes = judge(&[cell.clone()], &estimates(&[cell], &rules), &rules);
//! assert_eq!(outcomes[0].verdict, Verdict::Insensitive { small_but_real: false });
//! ```
//!
//! **Invariant**: pure functions of their arguments. Nothing here reads a store, a file or a
//! clock, draws a random number, or knows what a ticket is.

mod effects;
mod estimate;
mod homogeneity;
mod images;
mod multiplicity;
mod power;
mod sample;
mod spending;
mod student;
mod verdict;

pub use effects::{Effects, Share, effects};
pub use estimate::{Comparison, Control, Estimate, Pair, Rules, Variance, estimates};
pub use homogeneity::{BrownForsythe, brown_forsythe};
pub use images::{ImageDifference, churn, images};
pub use multiplicity::holm;
pub use power::{POWER, power, smallest_margin};
pub use sample::{Group, Spread, correlation, mean, own, pooled, sample_sd};
pub use spending::{Spending, level, spent};
pub use student::{half_width, p_greater, p_two_sided, t_quantile};
pub use verdict::{
    Better, Claim, Direction, LEAST_SEEDS, Outcome, Uncontrolled, Verdict, Why, is_enough, judge,
};
