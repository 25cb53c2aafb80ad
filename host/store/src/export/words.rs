//! The words that codes in timelines stand for.

use std::collections::BTreeMap;

use stratagem_model::{EventKind, NO_ITEM, ORDER_DETAILS};

use super::unknown;
use crate::{Store, StoreError, attribute_values, subject_dictionary, tag_values};

pub(super) struct Words {
    by_dictionary: BTreeMap<String, Vec<String>>,
}

impl Words {
    pub(super) fn load(store: &dyn Store) -> Result<Self, StoreError> {
        let subjects = EventKind::ALL.iter().map(|kind| subject_dictionary(*kind).to_owned());
        let (attributes, tags) = (store.dictionary("attribute")?, store.dictionary("tag")?);
        let values = attributes.iter().map(|name| attribute_values(name));
        let values = values.chain(tags.iter().map(|name| tag_values(name)));
        let of_orders = ["product", "category"].into_iter().chain(ORDER_DETAILS).map(str::to_owned);
        let mut by_dictionary = BTreeMap::new();
        for name in subjects.chain(of_orders).chain(values) {
            let words = store.dictionary(&name)?;
            by_dictionary.insert(name, words);
        }
        Ok(Self { by_dictionary })
    }

    /// The word of a code, and nothing for `NO_ITEM`.
    pub(super) fn word(&self, dictionary: &str, code: u32) -> Result<Option<&str>, StoreError> {
        if code == NO_ITEM {
            return Ok(None);
        }
        let word = self.by_dictionary.get(dictionary).and_then(|words| words.get(code as usize));
        word.map(|word| Some(word.as_str())).ok_or_else(|| unknown(dictionary, code))
    }

    /// The word that a value is a code of.
    pub(super) fn value(&self, dictionary: &str, value: i64) -> Result<Option<&str>, StoreError> {
        let code = u32::try_from(value).map_err(|_| StoreError::Corrupt {
            key: format!("dictionaries/{dictionary}"),
            problem: format!("value {value} is no code"),
        })?;
        self.word(dictionary, code)
    }
}
