//! Names from file systems, as text for people.

use std::fmt::{self, Write as _};
use std::path::Path;

/// A name from a file system, with its control characters escaped: it must not break lines or drive a
/// terminal.
pub(crate) struct Plain<'a>(pub(crate) &'a str);

impl fmt::Display for Plain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for char in self.0.chars() {
            if char.is_control() {
                write!(f, "{}", char.escape_default())?;
            } else {
                f.write_char(char)?;
            }
        }
        Ok(())
    }
}

/// A path with `/` between its parts on every system.
pub(crate) fn slashed(path: &Path) -> String {
    let parts: Vec<_> = path.iter().map(|part| part.to_string_lossy()).collect();
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_escaped_and_the_rest_stays() {
        assert_eq!(Plain("Ä b/c.png").to_string(), "Ä b/c.png");
        assert_eq!(Plain("a\u{1b}[2J\nb").to_string(), "a\\u{1b}[2J\\nb");
    }
}
