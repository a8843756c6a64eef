//! The kinds of components.

use super::Defect;
use super::lots::Lots;
use super::parts::{self, Assembly};

/// A kind of component, one category of the data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Component {
    /// A thick-film chip resistor, two terminals.
    ChipResistor,
    /// A ceramic chip capacitor, two terminals.
    ChipCapacitor,
    /// A small outline package with eight gull-wing leads.
    Soic,
}

impl Component {
    /// All of them, in the order of this documentation.
    pub const ALL: &'static [Component] =
        &[Component::ChipResistor, Component::ChipCapacitor, Component::Soic];

    /// The category's name, such as `CHIP_RESISTOR`.
    ///
    /// ```
    /// use madenet_data::smt::Component;
    ///
    /// let names: Vec<&str> = Component::ALL.iter().map(|component| component.name()).collect();
    /// assert_eq!(names, ["CHIP_RESISTOR", "CHIP_CAPACITOR", "SOIC"]);
    /// assert_eq!(Component::from_name("SOIC"), Some(Component::Soic));
    /// assert_eq!(Component::from_name("soic"), None);
    /// ```
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Component::ChipResistor => "CHIP_RESISTOR",
            Component::ChipCapacitor => "CHIP_CAPACITOR",
            Component::Soic => "SOIC",
        }
    }

    /// The component of a [`name`](Self::name).
    #[must_use]
    pub fn from_name(name: &str) -> Option<Component> {
        Component::ALL.iter().copied().find(|component| component.name() == name)
    }

    /// The defects that it can have, in the order in which a data set cycles through them. Bridges need leads
    /// side by side.
    ///
    /// ```
    /// use madenet_data::smt::{Component, Defect};
    ///
    /// assert_eq!(Component::ChipResistor.defects().len(), 5);
    /// assert!(Component::Soic.defects().contains(&Defect::Bridge));
    /// ```
    #[must_use]
    pub fn defects(self) -> &'static [Defect] {
        const CHIP: &[Defect] = &[
            Defect::Missing,
            Defect::Shift,
            Defect::BodyDamage,
            Defect::InsufficientSolder,
            Defect::ForeignObject,
        ];
        match self {
            Component::ChipResistor | Component::ChipCapacitor => CHIP,
            Component::Soic => Defect::ALL,
        }
    }

    /// One component of this kind and the place a board has for it.
    pub(crate) fn assemble(self, lots: &mut Lots) -> Assembly {
        match self {
            Component::ChipResistor => parts::chip_resistor(lots),
            Component::ChipCapacitor => parts::chip_capacitor(lots),
            Component::Soic => parts::soic(lots),
        }
    }
}
