use std::error::Error;
use std::fmt;

/// Displays an error and all of its causes in one line: what to show a user, since every error of madenet says what
/// itself saw and leaves the cause to its source.
///
/// ```
/// use madenet_core::{ErrorChain, Preprocessing, read_model};
///
/// let error = read_model::<Preprocessing>("no/such.model", "sfad").unwrap_err();
/// assert!(ErrorChain(&error).to_string().starts_with("cannot read the model file no/such.model: "));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct ErrorChain<'a>(pub &'a (dyn Error + 'static));

impl fmt::Display for ErrorChain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}
