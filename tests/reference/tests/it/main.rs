//! One module a part of `stratagem-measure`.
