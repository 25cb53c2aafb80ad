//! The number of the format.

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The format that this version writes, and the only one it reads. Records of format 1 had no number.
pub const FORMAT: u32 = 2;

/// The number [`FORMAT`] in a record: it has no other value, so a record of another format cannot be made or read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Format;

impl Serialize for Format {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(FORMAT)
    }
}

impl<'de> Deserialize<'de> for Format {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u32::deserialize(deserializer)? {
            FORMAT => Ok(Self),
            other => Err(D::Error::custom(format_args!("format {other}, where {FORMAT} is read"))),
        }
    }
}
