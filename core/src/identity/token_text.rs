//! What does a secret look like that is handed out, so that a typing error and a leak are both seen at once?
//!
//! `<kind>_<name>_<secret><checksum>`: the kind says what it is (`tg` an API key), the name is looked up, the secret is 256
//! bits in 43 characters of base 62, and the last six are the CRC-32 of all before, as other vendors do: a scanner for leaked
//! secrets knows a true one without asking, and a wrong one costs no look-up.

#[cfg(test)]
use secrecy::ExposeSecret as _;
use secrecy::SecretString;

use super::base62;

/// Characters of the checksum: 62⁶ is more than 2³².
const CHECKSUM_CHARS: usize = 6;
/// Characters of the secret with its checksum.
pub(super) const SECRET_CHARS: usize = base62::CHARS_OF_32 + CHECKSUM_CHARS;

/// A secret as it is handed out.
pub(super) fn write(kind: &str, name: &str, secret: &[u8; 32]) -> SecretString {
    let body = format!("{kind}_{name}_{}", base62::write_32(secret));
    let checksum = base62::write_number(u128::from(crc32(body.as_bytes())), CHECKSUM_CHARS);
    SecretString::from(body + &checksum)
}

/// The name and the secret of a text of this kind whose name has this many characters; `None` for whatever is not written
/// exactly so.
pub(super) fn read<'a>(kind: &str, name_chars: usize, text: &'a str) -> Option<(&'a str, Secret)> {
    if text.len() != kind.len() + 1 + name_chars + 1 + SECRET_CHARS || !text.is_ascii() {
        return None;
    }
    let (name, secret) = text.strip_prefix(kind)?.strip_prefix('_')?.split_once('_')?;
    let (body, checksum) = text.split_at(text.len() - CHECKSUM_CHARS);
    if name.len() != name_chars || !base62::is_base62(name) {
        return None;
    }
    let told = base62::read_number(checksum)?;
    let bytes = base62::read_32(&secret[..base62::CHARS_OF_32])?;
    (told == u128::from(crc32(body.as_bytes()))).then_some((name, Secret(bytes)))
}

/// The 256 bits of a secret that was presented. Not shown by `Debug`.
#[derive(Clone, Copy)]
pub(super) struct Secret(pub(super) [u8; 32]);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// The text of a secret, for tests that bring it back.
#[cfg(test)]
pub(super) fn exposed(text: &SecretString) -> &str {
    text.expose_secret()
}

/// CRC-32 (IEEE 802.3), bit by bit: a hundred bytes a key are not worth a table.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_checksum_is_the_usual_one() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_and_one_wrong_character_is_seen(
            secret in any::<[u8; 32]>(), at in 0_usize..65, to in "[0-9A-Za-z_ -]"
        ) {
            let text = write("tg", "Abcdefghijkl", &secret);
            let text = exposed(&text);
            prop_assert_eq!(text.len(), 65);
            let (name, read_back) = read("tg", 12, text).unwrap();
            prop_assert_eq!((name, read_back.0), ("Abcdefghijkl", secret));
            let mut wrong = text.to_owned();
            wrong.replace_range(at..=at, &to);
            prop_assert_eq!(read("tg", 12, &wrong).is_some(), wrong == text);
        }

        #[test]
        fn no_text_of_a_stranger_makes_it_fail(text in ".*") {
            prop_assert!(read("tg", 12, &text).is_none());
        }
    }
}
