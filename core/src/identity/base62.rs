//! How are bytes written with digits and letters only, always equally long, and in one way?

/// The alphabet: digits, upper case, lower case. Nothing in it needs escaping in a URL, a header, a cookie or a shell.
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Characters that 128 bits take.
pub(super) const CHARS_OF_16: usize = 22;
/// Characters that 256 bits take.
pub(super) const CHARS_OF_32: usize = 43;

/// A number as `chars` digits of base 62, the most significant first; what does not fit is cut off in front.
pub(super) fn write_number(mut number: u128, chars: usize) -> String {
    let mut digits = vec![ALPHABET[0]; chars];
    for place in digits.iter_mut().rev() {
        *place = ALPHABET[(number % 62) as usize];
        number /= 62;
    }
    digits.into_iter().map(char::from).collect()
}

/// The number that a text of base 62 says; `None` when it holds another character or more than 128 bits.
pub(super) fn read_number(text: &str) -> Option<u128> {
    text.bytes().try_fold(0_u128, |number, c| number.checked_mul(62)?.checked_add(u128::from(value(c)?)))
}

/// 256 bits as [`CHARS_OF_32`] characters.
pub(super) fn write_32(bytes: &[u8; 32]) -> String {
    let mut rest = *bytes;
    let mut digits = [ALPHABET[0]; CHARS_OF_32];
    for place in digits.iter_mut().rev() {
        let remainder = rest.iter_mut().fold(0_u32, |carry, byte| {
            let value = (carry << 8) | u32::from(*byte);
            *byte = (value / 62) as u8;
            value % 62
        });
        *place = ALPHABET[remainder as usize];
    }
    digits.iter().map(|digit| char::from(*digit)).collect()
}

/// The 256 bits that a text of [`CHARS_OF_32`] characters says; `None` for another length, another character, or a number
/// that is too large, so that each value has one spelling.
pub(super) fn read_32(text: &str) -> Option<[u8; 32]> {
    if text.len() != CHARS_OF_32 {
        return None;
    }
    text.bytes().try_fold([0_u8; 32], |mut bytes, c| {
        let carry = bytes.iter_mut().rev().fold(value(c)?, |carry, byte| {
            let value = u32::from(*byte) * 62 + carry;
            *byte = (value & 0xff) as u8;
            value >> 8
        });
        (carry == 0).then_some(bytes)
    })
}

/// Whether all of a text is of the alphabet.
pub(super) fn is_base62(text: &str) -> bool {
    text.bytes().all(|c| value(c).is_some())
}

const fn value(c: u8) -> Option<u32> {
    match c {
        b'0'..=b'9' => Some((c - b'0') as u32),
        b'A'..=b'Z' => Some((c - b'A') as u32 + 10),
        b'a'..=b'z' => Some((c - b'a') as u32 + 36),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_bounds_have_one_spelling_each() {
        assert_eq!(write_32(&[0; 32]), "0".repeat(43));
        assert_eq!(read_32(&write_32(&[0xff; 32])), Some([0xff; 32]));
        assert_eq!(read_32(&"z".repeat(43)), None, "more than 256 bits");
        assert_eq!(read_32(&"0".repeat(42)), None);
        assert_eq!(read_number(&write_number(u128::MAX, CHARS_OF_16)), Some(u128::MAX));
        assert_eq!(read_number(&"z".repeat(22)), None, "more than 128 bits");
        assert_eq!(read_number("a-b"), None);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(bytes in any::<[u8; 32]>(), number in any::<u128>()) {
            prop_assert_eq!(read_32(&write_32(&bytes)), Some(bytes));
            prop_assert!(is_base62(&write_32(&bytes)));
            prop_assert_eq!(read_number(&write_number(number, CHARS_OF_16)), Some(number));
        }
    }
}
