//! BG/NBD and MBG/NBD: a customer may leave for good right after an order.
//!
//! Orders come at a rate λ ~ Gamma(r, α); at each chance the customer leaves with probability p ~ Beta(a, b).
//! BG/NBD has a chance after each repeat order, MBG/NBD one more after the first order, and nothing else
//! distinguishes them.
//!
//! The published expectations are written with Gauss's hypergeometric function, which has poles at a = 1 and
//! a + b = 1. They are computed here as sums over the number of orders in which every term is positive, and
//! which know no poles: [`negative_binomial_mean`].

use std::cmp::Ordering;

use statrs::function::gamma::{digamma, ln_gamma};

use super::history::History;
use super::numeric::negative_binomial_mean;

/// A model with its parameters.
#[derive(Debug, Clone, Copy)]
pub(super) struct BetaGeometric {
    pub(super) r: f64,
    pub(super) alpha: f64,
    pub(super) a: f64,
    pub(super) b: f64,
    /// Chances to leave at the first order: 0 for BG/NBD, 1 for MBG/NBD.
    pub(super) at_first: f64,
}

/// What the likelihood of customers with the same number of repeat orders has in common.
#[derive(Debug, Clone, Copy)]
pub(super) struct Group {
    /// x.
    repeats: f64,
    /// ln of B(a, b + c) / B(a, b) · Γ(r + x) / Γ(r) · α^r, with c chances to leave until now, and its derivatives.
    constant: f64,
    by_r: f64,
    by_a: f64,
    by_b: f64,
    /// As of [`BetaGeometric::last_chance`].
    last_chance: Option<(f64, f64)>,
}

impl BetaGeometric {
    pub(super) fn group(&self, repeats: u32) -> Group {
        let &Self { r, alpha, a, b, at_first } = self;
        let x = f64::from(repeats);
        let chances = x + at_first;
        let constant = ln_gamma(b + chances) - ln_gamma(a + b + chances) - ln_gamma(b)
            + ln_gamma(a + b)
            + ln_gamma(r + x)
            - ln_gamma(r)
            + r * alpha.ln();
        let stayed_by_a = digamma(a + b) - digamma(a + b + chances);
        Group {
            repeats: x,
            constant,
            by_r: digamma(r + x) - digamma(r) + alpha.ln(),
            by_a: stayed_by_a,
            by_b: stayed_by_a + digamma(b + chances) - digamma(b),
            last_chance: self.last_chance(x),
        }
    }

    /// b + c − 1 and ln of a / (b + c − 1), the odds of having left at the last of c chances; `None` without a
    /// chance.
    fn last_chance(&self, repeats: f64) -> Option<(f64, f64)> {
        let chances = repeats + self.at_first;
        let stayed = self.b + (chances - 1.0);
        (chances > 0.0).then(|| (stayed, (self.a / stayed).ln()))
    }

    /// P(alive): 1 / (1 + odds of having left), the odds a / (b + c − 1) · ((α + T) / (α + t_x))^(r + x).
    pub(super) fn alive(&self, history: &History) -> f64 {
        let x = f64::from(history.repeats());
        let Some((_, ln_odds)) = self.last_chance(x) else { return 1.0 };
        let since_last = ((self.alpha + history.observed()) / (self.alpha + history.last())).ln();
        1.0 / (1.0 + (ln_odds + (self.r + x) * since_last).exp())
    }

    /// What holds after the history, given that the customer is alive: a BG/NBD, whose next chance is at the next
    /// order.
    ///
    /// The posterior factorises: λ ~ Gamma(r + x, α + T) and p ~ Beta(a, b + c).
    pub(super) fn given_alive(&self, history: &History) -> Self {
        let x = f64::from(history.repeats());
        let (r, alpha) = (self.r + x, self.alpha + history.observed());
        Self { r, alpha, a: self.a, b: self.b + x + self.at_first, at_first: 0.0 }
    }

    /// The log-likelihood of a customer, and its derivatives by r, α, a and b.
    ///
    /// L = B(a, b + c) / B(a, b) · Γ(r + x) / Γ(r) · α^r / (α + T)^(r + x) · (1 + odds of having left).
    pub(super) fn log_likelihood(&self, group: &Group, history: &History) -> [f64; 5] {
        let shape = self.r + group.repeats;
        let (until_last, until_end) = (self.alpha + history.last(), self.alpha + history.observed());
        let ln_end = until_end.ln();
        let since_last = ln_end - until_last.ln();
        // Of those who are still there, then of the factor (1 + odds).
        let [value, by_r, by_alpha] =
            [group.constant - shape * ln_end, group.by_r - ln_end, self.r / self.alpha - shape / until_end];
        let Some((stayed, ln_chance)) = group.last_chance else {
            return [value, by_r, by_alpha, group.by_a, group.by_b];
        };
        let ln_odds = ln_chance + shape * since_last;
        // ln(1 + odds) and odds / (1 + odds), by way of whichever of the odds and their inverse is below 1.
        let small = (-ln_odds.abs()).exp();
        let left = if ln_odds > 0.0 { 1.0 } else { small } / (1.0 + small);
        [
            value + ln_odds.max(0.0) + (1.0 + small).ln(),
            by_r + left * since_last,
            by_alpha + left * shape * (1.0 / until_end - 1.0 / until_last),
            group.by_a + left / self.a,
            group.by_b - left / stayed,
        ]
    }

    /// Expected orders within `horizon` of one who is alive now and has the first chance at the next order.
    ///
    /// The jth order takes place if the rate gives j and none of the j − 1 chances before was taken, so that
    /// E = Σ_n P(N = n) Σ_{j ≤ n} (b)_{j−1} / (a + b)_{j−1} with N ~ NBD(r, α) over the horizon.
    pub(super) fn expected(&self, horizon: f64) -> f64 {
        let (a, b) = (self.a, self.b);
        let (mut stayed, mut orders) = (1.0, 0.0);
        negative_binomial_mean(self.r, self.alpha, horizon, |n| {
            if n > 0 {
                orders += stayed;
                let chances = f64::from(n - 1);
                stayed *= (b + chances) / (a + b + chances);
            }
            orders
        })
    }

    /// P(n orders within `horizon`) of one who is alive now and has the first chance at the next order.
    ///
    /// Either the rate gives n and all n chances pass, or it gives n or more and the nth chance is taken.
    pub(super) fn probability(&self, horizon: f64, orders: u32) -> f64 {
        let &Self { r, alpha, a, b, .. } = self;
        let passed = |n: f64| (ln_gamma(b + n) - ln_gamma(a + b + n) - ln_gamma(b) + ln_gamma(a + b)).exp();
        let n = f64::from(orders);
        let all = passed(n);
        let taken = if orders > 0 { passed(n - 1.0) * a / (a + b + n - 1.0) } else { 0.0 };
        negative_binomial_mean(r, alpha, horizon, |k| match k.cmp(&orders) {
            Ordering::Less => 0.0,
            Ordering::Equal => all + taken,
            Ordering::Greater => taken,
        })
    }
}
