//! What trains and what is frozen.

use madenet_nets::Net;

use crate::scope::contains;
use crate::{Error, Result, Scoped};

/// How a part of a network takes part in training.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Treatment {
    /// Weights train, batch normalisation uses and moves the statistics of the batch, dropout and drop-path are on.
    #[default]
    Train,
    /// As [`Train`](Treatment::Train), but batch normalisation stays in evaluation: it uses its running statistics and
    /// leaves them as they are. For small batches on a pretrained network.
    FreezeStatistics,
    /// Weights are plain tensors, batch normalisation is in evaluation, dropout and drop-path are off. Gradients still
    /// flow through to what stands before.
    Freeze,
}

/// The treatment of a network's parts by scope; the default trains everything. See [`Scoped`] for how scopes match.
///
/// A parameter follows the rule of its own name; batch normalisation, dropout and drop-path follow the rule of the
/// operation's path.
pub type Policy = Scoped<Treatment>;

/// Refuses scopes that nothing in `net` belongs to.
pub(crate) fn check_scopes<'a>(mut scopes: impl Iterator<Item = &'a str>, net: &Net) -> Result<()> {
    let names = || net.params().iter().map(|(name, _)| name).chain(net.nodes().iter().map(|n| &n.path));
    match scopes.find(|scope| !names().any(|name| contains(scope, name))) {
        Some(scope) => Err(Error::UnknownScope { scope: scope.to_string() }),
        None => Ok(()),
    }
}
