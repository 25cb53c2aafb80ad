//! The words that codes in timelines stand for.

use std::collections::BTreeMap;

use stratagem_model::{EventKind, NO_ITEM};

use super::unknown;
use crate::{Store, StoreError, subject_dictionary};

pub(super) struct Words {
    by_dictionary: BTreeMap<String, Vec<String>>,
    categories: Vec<u32>,
}

impl Words {
    pub(super) fn load(store: &dyn Store) -> Result<Self, StoreError> {
        let subjects = EventKind::ALL.iter().map(|kind| subject_dictionary(*kind).to_owned());
        let attributes = store.dictionary("attribute")?;
        let values = attributes.iter().map(|name| values_of(name));
        let mut by_dictionary = BTreeMap::new();
        for name in subjects.chain(["product".into(), "category".into()]).chain(values) {
            let words = store.dictionary(&name)?;
            by_dictionary.insert(name, words);
        }
        Ok(Self { by_dictionary, categories: store.product_categories()? })
    }

    /// The word of a code, and nothing for `NO_ITEM`.
    pub(super) fn word(&self, dictionary: &str, code: u32) -> Result<Option<&str>, StoreError> {
        if code == NO_ITEM {
            return Ok(None);
        }
        let word = self.by_dictionary.get(dictionary).and_then(|words| words.get(code as usize));
        word.map(|word| Some(word.as_str())).ok_or_else(|| unknown(dictionary, code))
    }

    pub(super) fn category_of(&self, product: u32) -> Result<Option<&str>, StoreError> {
        let category = self.categories.get(product as usize).copied().unwrap_or(NO_ITEM);
        self.word("category", category)
    }

    /// The value of an attribute.
    pub(super) fn attribute_value(&self, name: &str, value: i64) -> Result<Option<&str>, StoreError> {
        let dictionary = values_of(name);
        let code = u32::try_from(value).map_err(|_| StoreError::Corrupt {
            key: format!("dictionaries/{dictionary}"),
            problem: format!("value {value} of an attribute is no code"),
        })?;
        self.word(&dictionary, code)
    }

    /// Products that have a category, with it.
    pub(super) fn filed_products(&self) -> Result<Vec<(&str, &str)>, StoreError> {
        let mut filed = Vec::new();
        for (product, category) in (0..).zip(&self.categories) {
            if let Some(category) = self.word("category", *category)?
                && let Some(product) = self.word("product", product)?
            {
                filed.push((product, category));
            }
        }
        Ok(filed)
    }
}

fn values_of(attribute: &str) -> String {
    format!("attribute.{attribute}")
}
