//! Statistics of arm means, for [`Bootstrap`](super::Bootstrap): `means[arm][column]`, the treated arm first.

/// The mean of one arm.
pub fn mean([[mean]]: &[[f64; 1]; 1]) -> f64 {
    *mean
}

/// The difference of two arms' means, first less second.
pub fn difference([[first], [second]]: &[[f64; 1]; 2]) -> f64 {
    first - second
}

/// The lift of the first arm's mean relative to the second's, first / second − 1.
pub fn relative_lift([[first], [second]]: &[[f64; 1]; 2]) -> f64 {
    first / second - 1.0
}

/// A ratio metric: the mean of the first column over that of the second.
pub fn ratio([[numerator, denominator]]: &[[f64; 2]; 1]) -> f64 {
    numerator / denominator
}

/// The difference of two arms' ratio metrics, first less second.
pub fn ratio_difference([first, second]: &[[f64; 2]; 2]) -> f64 {
    first[0] / first[1] - second[0] / second[1]
}
