//! Lines of standard input, each bounded. A thread of its own reads them: a read cannot be cancelled, and must not hold up the end
//! of the process.

use std::io::{self, BufRead, BufReader, ErrorKind, Read};
use std::thread;

use tokio::sync::mpsc;

/// Lines read before they are asked for: enough that the next is there when one is done.
const READ_AHEAD: usize = 4;

/// A line from the client, without its end.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    Text(Vec<u8>),
    /// It was longer than is allowed, and has been skipped.
    TooLong,
}

/// Reads lines of at most `most` bytes until the input ends.
///
/// # Errors
/// When there is no thread for it.
pub(super) fn lines(input: impl Read + Send + 'static, most: usize) -> io::Result<mpsc::Receiver<Line>> {
    let (sender, lines) = mpsc::channel(READ_AHEAD);
    thread::Builder::new().name("stdin".to_owned()).spawn(move || {
        let mut input = BufReader::new(input);
        loop {
            match next_line(&mut input, most) {
                Ok(Some(line)) => {
                    if sender.blocking_send(line).is_err() {
                        return;
                    }
                }
                Ok(None) => return,
                Err(error) => return tracing::warn!(error = %error, "standard input cannot be read any more"),
            }
        }
    })?;
    Ok(lines)
}

/// The next line that is not blank; `None` at the end. Of one that is too long nothing is kept.
fn next_line(input: &mut impl BufRead, most: usize) -> io::Result<Option<Line>> {
    let mut line = Vec::new();
    let mut too_long = false;
    loop {
        let chunk = match input.fill_buf() {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            chunk => chunk?,
        };
        let at_end = chunk.is_empty();
        let end = chunk.iter().position(|byte| *byte == b'\n');
        let part = &chunk[..end.unwrap_or(chunk.len())];
        too_long |= line.len() + part.len() > most;
        if too_long {
            line = Vec::new();
        } else {
            line.extend_from_slice(part);
        }
        let used = part.len() + usize::from(end.is_some());
        input.consume(used);
        if end.is_none() && !at_end {
            continue;
        }
        if too_long {
            return Ok(Some(Line::TooLong));
        }
        if !line.trim_ascii().is_empty() {
            return Ok(Some(Line::Text(line)));
        }
        if at_end {
            return Ok(None);
        }
        line.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All lines, read through a buffer of so many bytes.
    fn read(text: &[u8], most: usize, buffer: usize) -> Vec<Line> {
        let mut input = BufReader::with_capacity(buffer, text);
        std::iter::from_fn(|| next_line(&mut input, most).unwrap()).collect()
    }

    #[test]
    fn lines_are_the_same_however_they_arrive() {
        let text = |text: &str| Line::Text(text.as_bytes().to_vec());
        for buffer in [1, 2, 3, 7, 64] {
            assert_eq!(read(b"a\nbc\n\n \r\nd", 8, buffer), [text("a"), text("bc"), text("d")]);
            assert_eq!(read(b"12345678\n123456789\nx\n", 8, buffer), [text("12345678"), Line::TooLong, text("x")]);
            assert_eq!(read(b"123456789", 8, buffer), [Line::TooLong]);
            assert_eq!(read(b"", 8, buffer), []);
        }
    }
}
