//! Pareto/NBD: a customer may leave for good at any time.
//!
//! Orders come at a rate λ ~ Gamma(r, α) for a lifetime that is exponential with rate μ ~ Gamma(s, β).
//!
//! The published likelihood is a difference of two of Gauss's hypergeometric functions, which loses digits where
//! the last order was recent. It is computed here as the integral over the time of leaving that the difference
//! stands for, of a positive function of ln(time + min(α, β)), where it has no singularity within π of the real
//! axis. The derivatives by the parameters are integrals over the same nodes.

use statrs::function::gamma::{digamma, ln_gamma};

use super::history::History;
use super::numeric::panels;

/// A model with its parameters.
#[derive(Debug, Clone, Copy)]
pub(super) struct ParetoNbd {
    pub(super) r: f64,
    pub(super) alpha: f64,
    pub(super) s: f64,
    pub(super) beta: f64,
}

/// What the likelihood of customers with the same number of repeat orders has in common.
#[derive(Debug, Clone, Copy)]
pub(super) struct Group {
    /// x.
    repeats: f64,
    /// ln of Γ(r + x) / Γ(r) · α^r β^s, and its derivative by r.
    constant: f64,
    by_r: f64,
}

/// The weights of being alive at T and of having left before, relative to (α + t_x)^−(r + x) (β + t_x)^−s, and
/// sums over the time y until which orders could come, T or earlier, weighted in the same way.
#[derive(Debug, Clone, Copy)]
struct Weights {
    alive: f64,
    left: f64,
    /// Of ln((α + y) / (α + t_x)) and of ln((β + y) / (β + t_x)).
    ln_alpha: f64,
    ln_beta: f64,
    /// Of 1 / (α + y), and of s / (β + y) where alive and (s + 1) / (β + y) where not.
    over_alpha: f64,
    over_beta: f64,
}

impl ParetoNbd {
    pub(super) fn group(&self, repeats: u32) -> Group {
        let &Self { r, alpha, s, beta } = self;
        let x = f64::from(repeats);
        Group {
            repeats: x,
            constant: ln_gamma(r + x) - ln_gamma(r) + r * alpha.ln() + s * beta.ln(),
            by_r: digamma(r + x) - digamma(r) + alpha.ln(),
        }
    }

    fn weights(&self, history: &History) -> Weights {
        let &Self { r, alpha, s, beta } = self;
        let shape = r + f64::from(history.repeats());
        let (alpha_last, beta_last) = (alpha + history.last(), beta + history.last());
        let (alpha_end, beta_end) = (alpha + history.observed(), beta + history.observed());
        let (ln_alpha_end, ln_beta_end) = ((alpha_end / alpha_last).ln(), (beta_end / beta_last).ln());
        let alive = (-shape * ln_alpha_end - s * ln_beta_end).exp();

        // s ∫ (α + y)^−(r + x) (β + y)^−(s + 1) dy from t_x to T, in u = ln((near + y) / (near + t_x)).
        let beta_is_near = beta < alpha;
        let (near, far, near_exponent, far_exponent, scale, length) = if beta_is_near {
            (beta_last, alpha_last, s, shape, s, ln_beta_end)
        } else {
            (alpha_last, beta_last, shape - 1.0, s + 1.0, s * alpha_last / beta_last, ln_alpha_end)
        };
        let gap = far - near;
        let (mut left, mut ln_near, mut ln_far, mut over_near, mut over_far) = (0.0, 0.0, 0.0, 0.0, 0.0);
        // With u the near time grows evenly, and the far one at most by the share that the near one has of it at
        // the end.
        let near_end = near + (history.observed() - history.last());
        let far_share = near_end / (near_end + gap);
        for panel in panels(length, near_exponent.abs() + far_exponent * far_share) {
            let mut newest = 0.0;
            for (u, width) in panel.nodes() {
                let to_near = near * u.exp();
                let to_far = to_near + gap;
                let ln_ratio = (to_far / far).ln();
                newest = scale * width * (-near_exponent * u - far_exponent * ln_ratio).exp();
                left += newest;
                ln_near += newest * u;
                ln_far += newest * ln_ratio;
                over_near += newest / to_near;
                over_far += newest / to_far;
            }
            // The logarithm of the integrand is concave: once it is this low it only falls.
            if newest <= 1e-20 * (alive + left) {
                break;
            }
        }
        let (ln_alpha, ln_beta, over_alpha, over_beta) = if beta_is_near {
            (ln_far, ln_near, over_far, over_near)
        } else {
            (ln_near, ln_far, over_near, over_far)
        };
        Weights {
            alive,
            left,
            ln_alpha: ln_alpha + alive * ln_alpha_end,
            ln_beta: ln_beta + alive * ln_beta_end,
            over_alpha: over_alpha + alive / alpha_end,
            over_beta: (s + 1.0) * over_beta + s * alive / beta_end,
        }
    }

    /// P(alive): the share of those still there at T among all who may have made these orders.
    pub(super) fn alive(&self, history: &History) -> f64 {
        let weights = self.weights(history);
        weights.alive / (weights.alive + weights.left)
    }

    /// What holds after the history, given that the customer is alive: λ ~ Gamma(r + x, α + T) and
    /// μ ~ Gamma(s, β + T).
    pub(super) fn given_alive(&self, history: &History) -> Self {
        let &Self { r, alpha, s, beta } = self;
        let observed = history.observed();
        Self { r: r + f64::from(history.repeats()), alpha: alpha + observed, s, beta: beta + observed }
    }

    /// The log-likelihood of a customer, and its derivatives by r, α, s and β.
    ///
    /// L = Γ(r + x) / Γ(r) · α^r β^s · ((α + T)^−(r + x) (β + T)^−s + s ∫ (α + y)^−(r + x) (β + y)^−(s + 1) dy),
    /// the integral from t_x to T.
    pub(super) fn log_likelihood(&self, group: &Group, history: &History) -> [f64; 5] {
        let &Self { r, alpha, s, beta } = self;
        let shape = r + group.repeats;
        let (ln_alpha, ln_beta) = ((alpha + history.last()).ln(), (beta + history.last()).ln());
        let weights = self.weights(history);
        let total = weights.alive + weights.left;
        let value = group.constant - shape * ln_alpha - s * ln_beta + total.ln();
        let by_r = group.by_r - ln_alpha - weights.ln_alpha / total;
        let by_alpha = r / alpha - shape * weights.over_alpha / total;
        let by_s = beta.ln() - ln_beta + (weights.left / s - weights.ln_beta) / total;
        let by_beta = s / beta - weights.over_beta / total;
        [value, by_r, by_alpha, by_s, by_beta]
    }

    /// Expected orders within `horizon` of one who is alive now: r β / (α (s − 1)) · (1 − (β / (β + t))^(s − 1)).
    pub(super) fn expected(&self, horizon: f64) -> f64 {
        let &Self { r, alpha, s, beta } = self;
        let ln_ratio = (horizon / beta).ln_1p();
        let exponent = (s - 1.0) * ln_ratio;
        // (1 − e^−v) / v, which is 1 at s = 1.
        let shrink = if exponent == 0.0 { 1.0 } else { -(-exponent).exp_m1() / exponent };
        r / alpha * beta * ln_ratio * shrink
    }

    /// P(n orders within `horizon`) of one who is alive now; the horizon is above 0.
    ///
    /// NBD(n; r, α) over the horizon for those who stay, and s β^s ∫ NBD(n over y) (β + y)^−(s + 1) dy for those
    /// who leave.
    pub(super) fn probability(&self, horizon: f64, orders: u32) -> f64 {
        let &Self { r, alpha, s, beta } = self;
        let n = f64::from(orders);
        let constant = ln_gamma(r + n) - ln_gamma(r) - ln_gamma(n + 1.0);
        let density = |time: f64| {
            let ln_orders = constant + n * (time / (alpha + time)).ln() - r * (time / alpha).ln_1p();
            (ln_orders - s * (time / beta).ln_1p()).exp()
        };
        let near = alpha.min(beta);
        let length = (horizon / near).ln_1p();
        let near_end = near + horizon;
        let steepness = r * near_end / (alpha + horizon)
            + (s + 1.0) * near_end / (beta + horizon)
            + n * (1.0 + 1.0 / length);
        let mut left = 0.0;
        for panel in panels(length, steepness) {
            for (u, width) in panel.nodes() {
                let time = near * u.exp_m1();
                left += width * s * (near + time) / (beta + time) * density(time);
            }
        }
        density(horizon) + left
    }
}
