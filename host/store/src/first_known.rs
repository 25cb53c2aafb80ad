//! When each word of a dictionary was first known: the earliest known time of anything that refers to it.

use std::collections::HashMap;

use stratagem_model::{EventKind, NO_ITEM, ORDER_DETAILS, Timeline};

use crate::subject_dictionary;

/// A word that nothing refers to.
pub(crate) const NEVER: i64 = i64::MAX;

/// A dictionary, by what refers to its words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Dictionary {
    Named(&'static str),
    /// Values of the attribute with this code.
    AttributeValues(u32),
    /// Values of the tag with this code.
    TagValues(u32),
}

impl Dictionary {
    /// Its name, given the words of the dictionaries `attribute` and `tag`.
    pub(crate) fn name(self, attributes: &[String], tags: &[String]) -> Option<String> {
        match self {
            Self::Named(name) => Some(name.to_owned()),
            Self::AttributeValues(code) => Some(attribute_values(attributes.get(code as usize)?)),
            Self::TagValues(code) => Some(tag_values(tags.get(code as usize)?)),
        }
    }
}

/// The dictionary that values of an attribute are codes of.
pub fn attribute_values(attribute: &str) -> String {
    format!("attribute.{attribute}")
}

/// The dictionary that values of a tag are codes of.
pub fn tag_values(tag: &str) -> String {
    format!("tag.{tag}")
}

/// The earliest times that a number of timelines know of words.
#[derive(Debug)]
pub(crate) struct FirstKnown {
    /// By code, because every line of an order asks; those that are not here are among the others.
    products: Vec<i64>,
    /// The same of what orders say beside their lines, by [`ORDER_DETAILS`]; of low codes only.
    details: [Vec<i64>; 4],
    others: HashMap<(Dictionary, u32), i64>,
}

/// Codes of details below this are kept by code.
const LOW_CODES: u32 = 4_096;

impl FirstKnown {
    /// Of nothing yet; products are known at these times already. Without them each is looked up, which is better for
    /// few.
    pub(crate) fn new(products: &[i64]) -> Self {
        Self { products: products.to_vec(), details: Default::default(), others: HashMap::new() }
    }

    /// Takes in what a timeline refers to. Codes without a word are left out.
    pub(crate) fn add(&mut self, timeline: &Timeline) {
        let mut lines = timeline.lines.iter();
        for order in &timeline.orders {
            let known = order.known_time.0;
            for line in lines.by_ref().take(order.lines as usize) {
                self.product(line.product, known);
            }
            for (at, code) in order.details().into_iter().enumerate() {
                self.detail(at, code, known);
            }
        }
        for event in &timeline.events {
            let known = event.known_time.0;
            match subject_dictionary(event.kind) {
                "product" => self.product(event.subject, known),
                name => self.other(Dictionary::Named(name), event.subject, known),
            }
            let values = match event.kind {
                EventKind::Attribute => Dictionary::AttributeValues(event.subject),
                EventKind::Tag => Dictionary::TagValues(event.subject),
                EventKind::Filing => Dictionary::Named("category"),
                _ => continue,
            };
            if let Ok(code) = u32::try_from(event.value) {
                self.other(values, code, known);
            }
        }
    }

    fn product(&mut self, code: u32, known: i64) {
        match self.products.get_mut(code as usize) {
            Some(first) => *first = known.min(*first),
            None => self.other(Dictionary::Named("product"), code, known),
        }
    }

    fn detail(&mut self, at: usize, code: u32, known: i64) {
        if code >= LOW_CODES {
            return self.other(Dictionary::Named(ORDER_DETAILS[at]), code, known);
        }
        let times = &mut self.details[at];
        if times.len() <= code as usize {
            times.resize(code as usize + 1, NEVER);
        }
        let first = &mut times[code as usize];
        *first = known.min(*first);
    }

    fn other(&mut self, dictionary: Dictionary, code: u32, known: i64) {
        if code != NO_ITEM {
            let first = self.others.entry((dictionary, code)).or_insert(known);
            *first = known.min(*first);
        }
    }

    /// Takes in what others know.
    pub(crate) fn merge(mut self, other: Self) -> Self {
        self.products.iter_mut().zip(&other.products).for_each(|(mine, theirs)| *mine = (*mine).min(*theirs));
        for (at, times) in other.details.into_iter().enumerate() {
            for (code, known) in (0..).zip(times) {
                self.detail(at, code, known);
            }
        }
        for ((dictionary, code), known) in other.others {
            self.other(dictionary, code, known);
        }
        self
    }

    /// By dictionary, codes with their times.
    pub(crate) fn into_times(mut self) -> HashMap<Dictionary, Vec<(u32, i64)>> {
        // Events refer to words of these dictionaries, too.
        for (name, of_detail) in ORDER_DETAILS.into_iter().zip(std::mem::take(&mut self.details)) {
            for (code, known) in (0..).zip(of_detail).filter(|(_, known)| *known != NEVER) {
                self.other(Dictionary::Named(name), code, known);
            }
        }
        let mut times: HashMap<_, Vec<_>> = HashMap::new();
        let products: Vec<_> = (0..).zip(self.products).filter(|(_, known)| *known != NEVER).collect();
        if !products.is_empty() {
            times.insert(Dictionary::Named("product"), products);
        }
        for ((dictionary, code), known) in self.others {
            times.entry(dictionary).or_default().push((code, known));
        }
        times
    }
}
