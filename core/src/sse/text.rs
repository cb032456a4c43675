//! Frames and messages in a session that is written down: as text, which they are, instead of an array of numbers.

use std::fmt;

use bytes::Bytes;
use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// One of them. What is not UTF-8 is written as numbers, so that nothing is lost; both are read.
struct Text<B>(B);

impl Serialize for Text<&Bytes> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match std::str::from_utf8(self.0) {
            Ok(text) => serializer.serialize_str(text),
            Err(_) => serializer.collect_seq(self.0),
        }
    }
}

impl<'de> Deserialize<'de> for Text<Bytes> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextVisitor).map(Self)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Bytes;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text, or bytes as numbers")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Bytes, E> {
        Ok(Bytes::copy_from_slice(text.as_bytes()))
    }

    fn visit_string<E: serde::de::Error>(self, text: String) -> Result<Bytes, E> {
        Ok(text.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut numbers: A) -> Result<Bytes, A::Error> {
        let mut bytes = Vec::new();
        while let Some(byte) = numbers.next_element::<u8>()? {
            bytes.push(byte);
        }
        Ok(bytes.into())
    }
}

/// For `serde(with)`: writes several.
pub(crate) fn serialize<'a, S: Serializer>(all: impl IntoIterator<Item = &'a Bytes>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(all.into_iter().map(Text))
}

/// For `serde(with)`: reads several.
pub(crate) fn deserialize<'de, D: Deserializer<'de>, C: FromIterator<Bytes>>(deserializer: D) -> Result<C, D::Error> {
    let all = Vec::<Text<Bytes>>::deserialize(deserializer)?;
    Ok(all.into_iter().map(|Text(bytes)| bytes).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Written(#[serde(with = "super")] Vec<Bytes>);

    #[test]
    fn text_is_written_as_text_and_numbers_are_still_read() {
        let written = Written(vec![Bytes::from_static("data: ü\n\n".as_bytes())]);
        assert_eq!(serde_json::to_string(&written).unwrap(), r#"["data: ü\n\n"]"#);
        assert_eq!(serde_json::from_str::<Written>("[[97,98],\"ab\"]").unwrap(), Written(vec![Bytes::from_static(b"ab"); 2]));
        assert!(serde_json::from_str::<Written>("[[256]]").is_err());
        assert!(serde_json::from_str::<Written>("[7]").is_err());
    }

    proptest! {
        #[test]
        fn no_byte_is_lost(all: Vec<Vec<u8>>, texts: Vec<String>) {
            let all = all.into_iter().map(Bytes::from).chain(texts.into_iter().map(Bytes::from)).collect();
            let written = Written(all);
            let text = serde_json::to_string(&written).unwrap();
            prop_assert_eq!(serde_json::from_str::<Written>(&text).unwrap(), written);
        }
    }
}
