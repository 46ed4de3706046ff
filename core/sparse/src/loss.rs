//! The loss of a batch and its gradient, in f64 from the logits.

/// Mean cross-entropy with label smoothing, and images right, of logits `[n][classes]`; the
/// logits become their gradients.
///
/// The loss is (1 − ε) times the cross-entropy with the label plus ε times the mean
/// cross-entropy with every class (Szegedy et al. 2016, as PyTorch computes it). An image is
/// right if its first largest logit is at its label and all of its logits are finite.
pub(crate) fn cross_entropy(
    logits: &mut [f32],
    labels: &[i64],
    classes: usize,
    smoothing: f64,
) -> (f64, u64) {
    let images = labels.len() as f64;
    let (mut loss, mut correct) = (0.0, 0);
    for (row, &label) in logits.chunks_exact_mut(classes).zip(labels) {
        let label = label as usize;
        let mut best = 0;
        for (class, x) in row.iter().enumerate() {
            if *x > row[best] {
                best = class;
            }
        }
        correct += u64::from(best == label && row.iter().all(|x| x.is_finite()));
        let largest = f64::from(row[best]);
        let from_largest = |x: &f32| f64::from(*x) - largest;
        let sum: f64 = row.iter().map(|x| libm::exp(from_largest(x))).sum();
        let log_sum = libm::log(sum);
        let every: f64 = row.iter().map(|x| log_sum - from_largest(x)).sum();
        let own = log_sum - from_largest(&row[label]);
        loss += (1.0 - smoothing) * own + smoothing * every / classes as f64;
        for (class, x) in row.iter_mut().enumerate() {
            let hard = if class == label { 1.0 - smoothing } else { 0.0 };
            let wanted = hard + smoothing / classes as f64;
            let probability = libm::exp(from_largest(x)) / sum;
            *x = ((probability - wanted) / images) as f32;
        }
    }
    (loss / images, correct)
}
