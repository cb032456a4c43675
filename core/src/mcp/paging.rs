//! Pages of lists: opaque cursors over a stable order.

/// The cursor was not made by us for this list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown cursor: start again without one, or send `nextCursor` as you received it")]
pub struct PageError;

/// The page of `all` that begins at `cursor`, and the cursor of the next one. `list` names the list and its version, so
/// that a cursor of another list or of an older catalogue is refused instead of skipping or repeating entries.
///
/// # Errors
/// When the cursor is not one of this list.
pub fn page<'a, T>(all: &'a [T], size: usize, list: &str, cursor: Option<&str>) -> Result<(&'a [T], Option<String>), PageError> {
    let start = match cursor {
        None => 0,
        Some(cursor) => {
            let offset = cursor.strip_prefix(list).and_then(|rest| rest.strip_prefix('.')).ok_or(PageError)?;
            let start: usize = offset.parse().map_err(|_| PageError)?;
            if start == 0 || start >= all.len() || !start.is_multiple_of(size) || start.to_string() != offset {
                return Err(PageError);
            }
            start
        }
    };
    let end = (start + size).min(all.len());
    Ok((&all[start..end], (end < all.len()).then(|| format!("{list}.{end}"))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn foreign_and_forged_cursors_are_refused() {
        let all: Vec<u8> = (0..10).collect();
        for cursor in [
            "",
            "tools",
            "tools.",
            "tools.0",
            "tools.1",
            "tools.04",
            "tools.+4",
            "tools.12",
            "prompts.4",
            "tools.99999999999999999999999",
        ] {
            assert_eq!(page(&all, 4, "tools", Some(cursor)), Err(PageError), "{cursor:?}");
        }
        assert!(page(&all, 4, "tools", Some("tools.4")).is_ok());
    }

    proptest! {
        #[test]
        fn the_pages_together_are_the_list(length in 0usize..100, size in 1usize..30) {
            let all: Vec<usize> = (0..length).collect();
            let (mut seen, mut cursor) = (Vec::new(), None);
            loop {
                let (entries, next) = page(&all, size, "tools", cursor.as_deref()).unwrap();
                seen.extend_from_slice(entries);
                cursor = next;
                if cursor.is_none() { break; }
            }
            prop_assert_eq!(seen, all);
        }
    }
}
