//! Settings by scope: which part of a network trains, or which optimiser settings it has.
//!
//! A network says nothing about its own training; whoever interprets it does, by scopes. One type serves all such
//! settings, so that scopes match in the same way everywhere.

/// One setting for everything, and others for scopes. The longest scope that matches wins.
///
/// A scope is the beginning of a name in whole components: `layer1` matches `layer1` and `layer1.0.conv1.weight`, not
/// `layer10.conv.weight`. The number that tells repeated operations of one path apart (`layer1.relu#2`) is no part of
/// the name.
///
/// ```
/// use madenet_candle::Scoped;
/// let rates = Scoped::new(0.1).with("backbone", 0.0).with("backbone.layer4", 0.01);
/// assert_eq!(*rates.get("head.weight"), 0.1);
/// assert_eq!(*rates.get("backbone.layer3.0.bn1.bias"), 0.0);
/// assert_eq!(*rates.get("backbone.layer4.0.bn1.bias"), 0.01);
/// ```
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Scoped<T> {
    default: T,
    rules: Vec<(String, T)>,
}

impl<T> Scoped<T> {
    /// `default` for everything.
    #[must_use]
    pub const fn new(default: T) -> Self {
        Scoped { default, rules: Vec::new() }
    }

    /// With `setting` for all of `scope`, in place of an earlier rule for that very scope.
    #[must_use]
    pub fn with(mut self, scope: impl Into<String>, setting: T) -> Self {
        let scope = scope.into();
        self.rules.retain(|(other, _)| *other != scope);
        self.rules.push((scope, setting));
        self
    }

    /// The setting of the parameter or operation called `name`.
    #[must_use]
    pub fn get(&self, name: &str) -> &T {
        let matching = self.rules.iter().filter(|(scope, _)| contains(scope, name));
        matching.max_by_key(|(scope, _)| scope.len()).map_or(&self.default, |(_, setting)| setting)
    }

    /// The same scopes with `f` of their settings.
    #[must_use]
    pub fn map<U>(self, f: impl Fn(T) -> U) -> Scoped<U> {
        let rules = self.rules.into_iter().map(|(scope, setting)| (scope, f(setting))).collect();
        Scoped { default: f(self.default), rules }
    }

    /// The default and the settings of all rules.
    pub fn settings(&self) -> impl Iterator<Item = &T> {
        std::iter::once(&self.default).chain(self.rules.iter().map(|(_, setting)| setting))
    }

    /// The scopes that have rules, in the order in which they were given.
    pub fn scopes(&self) -> impl Iterator<Item = &str> {
        self.rules.iter().map(|(scope, _)| scope.as_str())
    }
}

impl<T> From<T> for Scoped<T> {
    fn from(default: T) -> Self {
        Scoped::new(default)
    }
}

/// Whether `name` is in `scope`; everything is in the scope `""`.
pub(crate) fn contains(scope: &str, name: &str) -> bool {
    if scope.is_empty() {
        return true;
    }
    let Some(rest) = name.strip_prefix(scope) else { return false };
    let is_repetition = |number: &str| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
    rest.is_empty() || rest.starts_with('.') || rest.strip_prefix('#').is_some_and(is_repetition)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_match_whole_components() {
        for (scope, name, expected) in [
            ("layer1", "layer1", true),
            ("layer1", "layer1.0.conv1.weight", true),
            ("layer1", "layer10.0.conv1.weight", false),
            ("layer1.0", "layer1.0.bn1#2", true),
            ("layer1.0.bn1", "layer1.0.bn1#12", true),
            ("layer1.0.bn1", "layer1.0.bn1#x", false),
            ("layer1.0.bn", "layer1.0.bn1", false),
            ("layer1.0.bn1", "layer1", false),
            ("", "anything", true),
        ] {
            assert_eq!(contains(scope, name), expected, "{scope:?} {name:?}");
        }
    }

    #[test]
    fn the_longest_scope_wins_whatever_the_order() {
        for rules in [["a", "a.b"], ["a.b", "a"]] {
            let mut scoped = Scoped::new("none".to_string());
            for rule in rules {
                scoped = scoped.with(rule, rule.to_string());
            }
            assert_eq!(scoped.get("a.b.c"), "a.b");
            assert_eq!(scoped.get("a.c"), "a");
            assert_eq!(scoped.get("b"), "none");
        }
        assert_eq!(*Scoped::new(0).with("a", 1).with("a", 2).get("a.weight"), 2);
    }
}
