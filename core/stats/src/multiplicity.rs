//! Many tests at once.

/// Holm's step-down adjustment (Holm 1979): with all p-values of a family below 0.05 after it,
/// the chance of one false rejection among them is at most 0.05, however they depend on each other.
/// The adjusted p-values come in the order given.
pub fn holm(p: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|a, b| p[*a].total_cmp(&p[*b]));
    let mut adjusted = vec![0.0; p.len()];
    let mut largest: f64 = 0.0;
    for (rank, &i) in order.iter().enumerate() {
        largest = largest.max((p.len() - rank) as f64 * p[i]).min(1.0);
        adjusted[i] = largest;
    }
    adjusted
}
