//! Two factors, every level of one with every level of the other: how much of what varies between
//! their cells each of them explains.

use crate::sample::mean;
use crate::student::t_quantile;

/// The share that one term explains of the variance between the true means of a table's cells.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Share {
    /// Without bias from the noise of single runs, and so by chance a little below 0 where the
    /// term explains nothing.
    pub estimate: f64,
    /// 95 %, from the jackknife over seeds.
    pub interval: [f64; 2],
}

/// The main effects of both factors and their interaction; their shares sum to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Effects {
    /// The main effect of the factor whose levels are the rows.
    pub rows: Share,
    /// The main effect of the factor whose levels are the columns.
    pub columns: Share,
    /// What neither factor explains alone.
    pub interaction: Share,
    /// Standard deviation of the true means of the cells, in the unit of the values.
    pub sd: f64,
}

/// The orthogonal parts of one table: effects of rows, of columns, and the rest, each as long as the
/// table so that their mean squares add up to its variance.
struct Parts([Vec<f64>; 3]);

impl Parts {
    fn of(table: &[Vec<f64>]) -> Parts {
        let (rows, columns) = (table.len(), table[0].len());
        let sum: f64 = table.iter().flatten().sum();
        let grand = sum / (rows * columns) as f64;
        let of_rows: Vec<f64> = table.iter().map(|row| mean_of(row) - grand).collect();
        let of_column =
            |c: usize| table.iter().map(|row| row[c]).sum::<f64>() / rows as f64 - grand;
        let of_columns: Vec<f64> = (0..columns).map(of_column).collect();
        let mut parts = [Vec::new(), Vec::new(), Vec::new()];
        for (row, of_row) in table.iter().zip(&of_rows) {
            for (value, of_column) in row.iter().zip(&of_columns) {
                parts[0].push(*of_row);
                parts[1].push(*of_column);
                parts[2].push(value - grand - of_row - of_column);
            }
        }
        Parts(parts)
    }
}

fn mean_of(values: &[f64]) -> f64 {
    mean(values).expect("a table has at least two columns")
}

/// The shares of the variance between cells, from one table a seed: `tables[seed][row][column]`.
///
/// Each variance is the mean over pairs of seeds of the product of their effects: the noise of one
/// seed has nothing to do with another's, so it adds nothing on average, where the square of one
/// seed's effect would hold its own noise. The interval is that of the jackknife's pseudo-values
/// (Tukey 1958), with Student's t on one degree of freedom less than there are seeds.
///
/// None under three seeds or two levels of a factor, where tables differ in shape, where a value is
/// not finite, or where nothing is left of the variance when the noise is taken off.
pub fn effects(tables: &[Vec<Vec<f64>>]) -> Option<Effects> {
    let (rows, columns) = (tables.first()?.len(), tables.first()?.first()?.len());
    let is_whole = |table: &Vec<Vec<f64>>| {
        let fits = |row: &Vec<f64>| row.len() == columns && row.iter().all(|x| x.is_finite());
        table.len() == rows && table.iter().all(fits)
    };
    if tables.len() < 3 || rows < 2 || columns < 2 || !tables.iter().all(is_whole) {
        return None;
    }
    let parts: Vec<Parts> = tables.iter().map(|table| Parts::of(table)).collect();
    let all = variances(&parts.iter().collect::<Vec<_>>());
    let whole = shares(&all)?;
    let n = parts.len() as f64;
    let without = |left_out: usize| {
        let kept = parts
            .iter()
            .enumerate()
            .filter(|(seed, _)| *seed != left_out);
        shares(&variances(
            &kept.map(|(_, parts)| parts).collect::<Vec<_>>(),
        ))
    };
    let without: Vec<[f64; 3]> = (0..parts.len()).map(without).collect::<Option<_>>()?;
    let share = |term: usize| {
        let pseudo: Vec<f64> = without
            .iter()
            .map(|w| n * whole[term] - (n - 1.0) * w[term])
            .collect();
        let centre = pseudo.iter().sum::<f64>() / n;
        let squares: f64 = pseudo.iter().map(|p| (p - centre).powi(2)).sum();
        let half = t_quantile(0.975, n - 1.0) * (squares / (n - 1.0) / n).sqrt();
        Share {
            estimate: whole[term],
            interval: [whole[term] - half, whole[term] + half],
        }
    };
    Some(Effects {
        rows: share(0),
        columns: share(1),
        interaction: share(2),
        sd: all.iter().sum::<f64>().sqrt(),
    })
}

/// The variances of rows, columns and their interaction: the mean over pairs of seeds of their
/// products.
fn variances(parts: &[&Parts]) -> [f64; 3] {
    let mut sums = [0.0; 3];
    let mut pairs = 0.0;
    for (i, one) in parts.iter().enumerate() {
        for other in &parts[..i] {
            for (sum, (a, b)) in sums.iter_mut().zip(one.0.iter().zip(&other.0)) {
                let product: f64 = a.iter().zip(b).map(|(a, b)| a * b).sum();
                *sum += product / a.len() as f64;
            }
            pairs += 1.0;
        }
    }
    sums.map(|sum| sum / pairs)
}

fn shares(variances: &[f64; 3]) -> Option<[f64; 3]> {
    let all: f64 = variances.iter().sum();
    (all > 0.0).then(|| variances.map(|v| v / all))
}
