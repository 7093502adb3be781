//! Scores before anything is known of a user.

/// Log popularity of each item and of an item without events, from counts or rates.
///
/// Half of the smallest positive rate is added to all, so that an item nobody liked stands below the least liked one; an item without events starts there too.
/// The logs are centred on their mean over items with a positive rate.
#[must_use]
pub fn log_popularity(rates: &[f64]) -> (Vec<f32>, f32) {
    let floor = rates.iter().copied().filter(|&rate| rate > 0.0).fold(f64::INFINITY, f64::min);
    if !floor.is_finite() {
        return (vec![0.0; rates.len()], 0.0);
    }
    let log = |rate: f64| (rate.max(0.0) + floor / 2.0).ln();
    let positive: Vec<f64> = rates.iter().filter(|&&rate| rate > 0.0).map(|&rate| log(rate)).collect();
    let centre = positive.iter().sum::<f64>() / positive.len() as f64;
    (rates.iter().map(|&rate| (log(rate) - centre) as f32).collect(), (log(0.0) - centre) as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logs_keep_the_order_of_rates() {
        let (logs, cold) = log_popularity(&[4.0, 0.0, 1.0, 2.0]);
        assert!(logs[0] > logs[3] && logs[3] > logs[2] && logs[2] > logs[1]);
        assert_eq!(logs[1], cold);
    }

    #[test]
    fn without_any_like_all_are_equal() {
        assert_eq!(log_popularity(&[0.0, 0.0]), (vec![0.0, 0.0], 0.0));
    }
}
