//! Bytes of stored values: variable-length integers, and the seal that tells a damaged value from a sound one.
//!
//! # Invariants
//!
//! - **No bytes panic.** Whatever is read comes back as a number or as [`Malformed`].
//! - **No value above 6 KB.** sled moves the pages of larger ones to files that it never syncs; [`seal`] is the one
//!   place all values pass on their way out.

use xxhash_rust::xxh3::xxh3_64;

/// Values are smaller, so that a full page of sled stays below the size at which it leaves the log.
pub(crate) const VALUE_BYTES_MAX: usize = 6 * 1024;

const CHECKSUM_BYTES: usize = 4;
const VERSION: u8 = 1;

/// Why bytes are not what they should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Malformed(pub(crate) &'static str);

/// Starts a value; [`seal`] ends it.
pub(crate) fn begin() -> Vec<u8> {
    vec![VERSION]
}

/// Adds the checksum to a value that [`begin`] started.
pub(crate) fn seal(mut value: Vec<u8>) -> Vec<u8> {
    let checksum = xxh3_64(&value) as u32;
    value.extend_from_slice(&checksum.to_le_bytes());
    assert!(value.len() <= VALUE_BYTES_MAX, "a value of {} bytes was not split", value.len());
    value
}

/// The bytes between version and checksum, if they are the ones that were sealed.
pub(crate) fn unseal(value: &[u8]) -> Result<&[u8], Malformed> {
    let (covered, checksum) =
        value.split_last_chunk::<CHECKSUM_BYTES>().ok_or(Malformed("shorter than its checksum"))?;
    if xxh3_64(covered) as u32 != u32::from_le_bytes(*checksum) {
        return Err(Malformed("the checksum does not match"));
    }
    match covered.split_first() {
        Some((&VERSION, body)) => Ok(body),
        _ => Err(Malformed("written by a later version")),
    }
}

/// Appends a number in 1 to 10 bytes, 7 bits each, the lowest first.
pub(crate) fn put_varint(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Appends a number of either sign so that small ones are short.
pub(crate) fn put_signed(out: &mut Vec<u8>, number: i64) {
    put_varint(out, ((number << 1) ^ (number >> 63)) as u64);
}

/// Appends bytes with their length in front.
pub(crate) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Reads numbers from bytes that may be anything.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.at == self.bytes.len()
    }

    pub(crate) fn remaining(&self) -> usize {
        self.bytes.len() - self.at
    }

    #[inline]
    pub(crate) fn byte(&mut self) -> Result<u8, Malformed> {
        let byte = *self.bytes.get(self.at).ok_or(ENDED)?;
        self.at += 1;
        Ok(byte)
    }

    #[inline]
    pub(crate) fn varint(&mut self) -> Result<u64, Malformed> {
        if let Some(&first) = self.bytes.get(self.at)
            && first < 0x80
        {
            self.at += 1;
            return Ok(first.into());
        }
        self.long_varint()
    }

    /// Eight bytes at once, without a branch for each: times and amounts take 2 to 6 bytes, unpredictably.
    #[inline]
    fn long_varint(&mut self) -> Result<u64, Malformed> {
        let Some(eight) = self.bytes[self.at..].first_chunk::<8>() else {
            return self.slow_varint();
        };
        let word = u64::from_le_bytes(*eight);
        let ends = !word & 0x8080_8080_8080_8080;
        if ends == 0 {
            return self.slow_varint();
        }
        let last_bit = ends.trailing_zeros();
        self.at += last_bit as usize / 8 + 1;
        let word = word & (u64::MAX >> (63 - last_bit)) & 0x7f7f_7f7f_7f7f_7f7f;
        let word = (word & 0x007f_007f_007f_007f) | ((word & 0x7f00_7f00_7f00_7f00) >> 1);
        let word = (word & 0x0000_3fff_0000_3fff) | ((word & 0x3fff_0000_3fff_0000) >> 2);
        Ok((word & 0x0fff_ffff) | ((word & 0x0fff_ffff_0000_0000) >> 4))
    }

    fn slow_varint(&mut self) -> Result<u64, Malformed> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            if shift == 63 && byte > 1 {
                break;
            }
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(Malformed("a number does not end"))
    }

    #[inline]
    pub(crate) fn signed(&mut self) -> Result<i64, Malformed> {
        let number = self.varint()?;
        Ok((number >> 1) as i64 ^ -((number & 1) as i64))
    }

    #[inline]
    pub(crate) fn small<T: TryFrom<u64>>(&mut self) -> Result<T, Malformed> {
        T::try_from(self.varint()?).map_err(|_| Malformed("a number is too large"))
    }

    /// A number in eight bytes, the lowest first.
    pub(crate) fn fixed(&mut self) -> Result<u64, Malformed> {
        let bytes = self.take(8)?.first_chunk().ok_or(ENDED)?;
        Ok(u64::from_le_bytes(*bytes))
    }

    pub(crate) fn bytes(&mut self) -> Result<&'a [u8], Malformed> {
        let len = self.small()?;
        self.take(len)
    }

    pub(crate) fn text(&mut self) -> Result<&'a str, Malformed> {
        std::str::from_utf8(self.bytes()?).map_err(|_| Malformed("text is not UTF-8"))
    }

    pub(crate) fn take(&mut self, len: usize) -> Result<&'a [u8], Malformed> {
        let taken = self.bytes[self.at..].get(..len).ok_or(ENDED)?;
        self.at += len;
        Ok(taken)
    }
}

const ENDED: Malformed = Malformed("it ends too early");

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn numbers_come_back(numbers: Vec<(u64, i64, u8)>) {
            let mut out = Vec::new();
            for (plain, signed, shift) in &numbers {
                put_varint(&mut out, plain >> (shift % 64));
                put_signed(&mut out, signed >> (shift % 64));
            }
            let mut reader = Reader::new(&out);
            for (plain, signed, shift) in &numbers {
                prop_assert_eq!(reader.varint(), Ok(plain >> (shift % 64)));
                prop_assert_eq!(reader.signed(), Ok(signed >> (shift % 64)));
            }
            prop_assert!(reader.is_empty());
        }

        #[test]
        fn any_bytes_are_a_number_or_an_error(bytes: Vec<u8>) {
            let mut reader = Reader::new(&bytes);
            while reader.varint().is_ok() && !reader.is_empty() {}
            let _ = unseal(&bytes);
        }

        #[test]
        fn one_flipped_bit_breaks_the_seal(body: Vec<u8>, at: prop::sample::Index, bit in 0..8_u8) {
            let mut value = begin();
            value.extend(&body[..body.len().min(4096)]);
            let mut value = seal(value);
            prop_assert_eq!(unseal(&value), Ok(&body[..body.len().min(4096)]));
            let at = at.index(value.len());
            value[at] ^= 1 << bit;
            prop_assert!(unseal(&value).is_err());
        }
    }
}
