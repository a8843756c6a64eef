//! Numbers for the names of defect types.

/// Names in the order of their first appearance, one of which may be no name.
#[derive(Debug, Clone, Default)]
pub(crate) struct DefectTypes {
    names: Vec<Option<String>>,
}

impl DefectTypes {
    /// The number of a name, a new one if needed. There are few types, so a search through all is quick.
    pub(crate) fn number(&mut self, name: Option<&str>) -> u32 {
        let known = self.names.iter().position(|known| known.as_deref() == name);
        let number = known.unwrap_or_else(|| {
            self.names.push(name.map(str::to_owned));
            self.names.len() - 1
        });
        number as u32
    }

    /// The number of every name of another list.
    pub(crate) fn adopt(&mut self, other: &Self) -> Vec<u32> {
        other.names.iter().map(|name| self.number(name.as_deref())).collect()
    }

    /// The names in alphabetical order, and the number of each.
    pub(crate) fn sorted(&self) -> (Vec<String>, Vec<u32>) {
        let mut named: Vec<(&str, u32)> =
            (0..).zip(&self.names).filter_map(|(number, name)| Some((name.as_deref()?, number))).collect();
        named.sort_unstable();
        named.into_iter().map(|(name, number)| (name.to_owned(), number)).unzip()
    }
}
